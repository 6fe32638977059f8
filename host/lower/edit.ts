/**
 * Putting a graph together again after a pass changed its nodes.
 */
import type { AnyArray } from '../core/dtype.js';
import { type Graph, getValue, type Node, type Value, type ValueId } from '../ir/graph.js';
import { verify } from '../ir/verify.js';

export interface Change {
  /** All nodes, in topological order. */
  readonly nodes: readonly Node[];
  /** Values that are new, or whose kind changed. */
  readonly values?: readonly Value[];
  /** Contents of new consts. */
  readonly data?: ReadonlyMap<ValueId, AnyArray>;
}

/** The nodes that outputs and state updates depend on. */
function liveNodes(graph: Graph, nodes: readonly Node[]): Node[] {
  const needed = new Set<ValueId>(graph.outputs);
  for (const { update } of graph.states) if (update !== undefined) needed.add(update);
  const live: Node[] = [];
  for (const node of nodes.toReversed()) {
    if (!needed.has(node.output)) continue;
    live.push(node);
    for (const id of node.inputs) needed.add(id);
  }
  return live.reverse();
}

/**
 * The graph with other nodes; nodes and consts that nothing needs any more are dropped, inputs
 * and states stay. Verified.
 */
export function rebuild(graph: Graph, change: Change): Graph {
  const changed = new Map(change.values?.map((value) => [value.id, value]));
  const find = (id: ValueId) => changed.get(id) ?? getValue(graph, id);
  const nodes = liveNodes(graph, change.nodes);
  const kept = new Set<ValueId>([
    ...graph.inputs,
    ...graph.states.map(({ value }) => value),
    ...nodes.flatMap((node) => [...node.inputs, node.output]),
    ...graph.outputs,
  ]);
  const order = [...new Set([...graph.values.keys(), ...changed.keys()])];
  const values = new Map(order.filter((id) => kept.has(id)).map((id) => [id, find(id)]));
  const data = new Map([...graph.data, ...(change.data ?? [])].filter(([id]) => kept.has(id)));
  return verify({ ...graph, nodes, values, data });
}
