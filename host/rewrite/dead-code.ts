/**
 * Removes what no output and no state's update needs. Inputs stay: they are the graph's interface.
 */
import type { Graph, ValueId } from '../ir/graph.js';
import { verify } from '../ir/verify.js';

/** The graph without unread nodes, consts and states. */
export function deadCode(graph: Graph): Graph {
  const live = new Set<ValueId>([...graph.outputs, ...graph.inputs]);
  const updates = new Map(graph.states.map(({ value, update }) => [value, update]));
  // A state that is read keeps its update alive, and an update may read further states.
  for (let before = -1; before !== live.size; ) {
    before = live.size;
    for (const node of [...graph.nodes].reverse()) {
      if (live.has(node.output)) for (const id of node.inputs) live.add(id);
    }
    for (const [state, update] of updates) {
      if (live.has(state) && update !== undefined) live.add(update);
    }
  }
  return verify({
    ...graph,
    values: new Map([...graph.values].filter(([id]) => live.has(id))),
    nodes: graph.nodes.filter((node) => live.has(node.output)),
    states: graph.states.filter(({ value }) => live.has(value)),
    data: new Map([...graph.data].filter(([id]) => live.has(id))),
  });
}
