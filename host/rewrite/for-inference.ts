/**
 * A float graph as it runs after training: no dropout, statistics as constants.
 */
import { type Graph, getData, type Value } from '../ir/graph.js';
import { deadCode } from './dead-code.js';
import { mapGraph } from './map-graph.js';

/**
 * Removes dropout and turns every state that the graph itself never updates (the statistics of
 * batch normalization) into a const. States with an update edge (streaming models) stay.
 */
export function forInference(graph: Graph): Graph {
  const updated = new Set(graph.states.filter((s) => s.update !== undefined).map((s) => s.value));
  const frozen = (value: Value): boolean => value.kind === 'state' && !updated.has(value.id);
  return deadCode(
    mapGraph(graph, {
      parameter: (value, out) =>
        frozen(value)
          ? out.builder.constant(value, getData(graph, value.id), {
              id: value.id,
              name: value.name,
            })
          : out.keepParameter(value),
      node: (node, out) => (node.op === 'dropout' ? out.get(node.inputs[0]!) : out.keepNode(node)),
    }),
  );
}
