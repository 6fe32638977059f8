/**
 * The only way to change the batch of a graph.
 */
import { type Graph, getValue } from '../ir/graph.js';
import { mapGraph } from './map-graph.js';

/** The number of examples that a graph takes at once: the first dimension of its first input. */
export const batchOf = (graph: Graph): number => getValue(graph, graph.inputs[0]!).shape[0]!;

/** The graph for a batch of n: its inputs get n as first dimension, all other shapes follow. */
export function rebatch(graph: Graph, n: number): Graph {
  return mapGraph(graph, { inputShape: ({ shape }) => [n, ...shape.slice(1)] });
}
