/**
 * Removes what no output and no state's update needs. Inputs stay: they are the graph's interface,
 * and so do states with an update, which can be read after a run.
 */
import type { Graph, ValueId } from '../ir/graph.js';
import { verify } from '../ir/verify.js';

/** The graph without unread nodes and consts, and without unread states that never change. */
export function deadCode(graph: Graph): Graph {
  const live = new Set<ValueId>([...graph.outputs, ...graph.inputs]);
  for (const { value, update } of graph.states) {
    if (update !== undefined) live.add(value).add(update);
  }
  for (const node of [...graph.nodes].reverse()) {
    if (live.has(node.output)) for (const id of node.inputs) live.add(id);
  }
  return verify({
    ...graph,
    values: new Map([...graph.values].filter(([id]) => live.has(id))),
    nodes: graph.nodes.filter((node) => live.has(node.output)),
    states: graph.states.filter(({ value }) => live.has(value)),
    data: new Map([...graph.data].filter(([id]) => live.has(id))),
  });
}
