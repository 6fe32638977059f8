/**
 * Putting a graph together again after a pass changed its nodes.
 */
import type { AnyArray } from '../core/dtype.js';
import type { Graph, Node, Value, ValueId } from '../ir/graph.js';
import { deadCode } from '../rewrite/dead-code.js';

export interface Change {
  /** All nodes, in topological order. */
  readonly nodes: readonly Node[];
  /** Values that are new, or whose kind changed. */
  readonly values?: readonly Value[];
  /** Contents of new consts. */
  readonly data?: ReadonlyMap<ValueId, AnyArray>;
}

/** An id that neither the graph nor a pass has yet: the one that is wanted, or with a number. */
export function freshId(
  graph: Graph,
  taken: ReadonlyMap<ValueId, unknown>,
  wanted: ValueId,
): ValueId {
  let id = wanted;
  for (let n = 2; graph.values.has(id) || taken.has(id); n++) id = `${wanted}${n}`;
  return id;
}

/** The graph with other nodes, without what nothing needs any more. Verified. */
export function rebuild(graph: Graph, { nodes, values = [], data = new Map() }: Change): Graph {
  return deadCode({
    ...graph,
    nodes,
    values: new Map([...graph.values, ...values.map((value) => [value.id, value] as const)]),
    data: new Map([...graph.data, ...data]),
  });
}
