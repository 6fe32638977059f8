/**
 * What counts as right: the class of the greatest output; of targets that are yes or no, each output
 * for itself; of other numbers nothing.
 */
import { elements } from '../core/shape.js';
import type { Dataset } from '../data/dataset.js';
import { type Graph, getValue } from '../ir/graph.js';
import { losses, predictionOf } from './losses.js';
import { countCorrect, countSides } from './metrics.js';

/** How many of some examples are right by their outputs [n, units]; a part of one where some of its outputs are. */
export type Judge = (outputs: ArrayLike<number>, indices: ArrayLike<number>) => number;

/**
 * Above what an output says yes, of a model whose outputs are yes or no each for itself; undefined
 * for others, and for models that name no loss.
 */
export function yesAbove(graph: Graph): number | undefined {
  const { loss } = graph;
  const yes = loss && losses[loss].yes;
  if (!yes) return undefined;
  return predictionOf(graph, loss) === graph.outputs[0] ? yes.logit : yes.activated;
}

/** The judge of a model on a dataset; undefined where the targets are numbers of any size. */
export function judgeOf(graph: Graph, dataset: Dataset): Judge | undefined {
  const units = elements(getValue(graph, graph.outputs[0]!).shape.slice(1));
  if (dataset.target.kind === 'class') {
    return (outputs, indices) => countCorrect(outputs, dataset.labels(indices), units);
  }
  const limit = yesAbove(graph);
  if (limit === undefined) return undefined;
  return (outputs, indices) => countSides(outputs, dataset.targets(indices), limit) / units;
}
