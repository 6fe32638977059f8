/**
 * What a run over a dataset measures: a confusion matrix for classes, the part that is right of
 * targets that are yes or no each for itself, squared error for other values.
 */
import { argmax } from '../core/argmax.js';
import type { NumericArray } from '../core/dtype.js';
import { elements } from '../core/shape.js';
import { type Dataset, requireClasses } from '../data/dataset.js';
import { type Graph, getValue, type Value } from '../ir/graph.js';
import { yesAbove } from '../train/judge.js';
import { countSides } from '../train/metrics.js';

export interface Score {
  /** Examples scored. */
  readonly count: number;
  /** The fraction of right classes, or of outputs on the right side; null for other values. */
  readonly accuracy: number | null;
  /** Rows of true classes, columns of predicted ones; null where the targets are values. */
  readonly confusion: readonly (readonly number[])[] | null;
  /** Mean over all output elements of (output - target)^2, in real units; null with an accuracy. */
  readonly meanSquares: number | null;
}

export interface ScoreOptions {
  /** How many examples, from the first; default all. */
  readonly limit?: number | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
  /** Is given every output, one example's numbers, in order. */
  readonly each?: ((output: NumericArray) => void) | undefined;
  /** Ends it early; the score is that of the examples so far. */
  readonly signal?: AbortSignal | undefined;
}

/** Gathers a score example by example. */
export interface Scorer {
  /** @param output of one example, in the output value's type */
  add(example: number, output: NumericArray): void;
  score(): Score;
}

function classScorer(dataset: Dataset, output: Value): Scorer {
  const classes = elements(output.shape);
  requireClasses(dataset, classes);
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  let examples = 0;
  let correct = 0;
  return {
    add(example, values) {
      const truth = dataset.labels([example])[0]!;
      const prediction = argmax(values);
      counts[truth]![prediction]! += 1;
      examples++;
      if (truth === prediction) correct++;
    },
    score: () => ({
      count: examples,
      accuracy: examples === 0 ? 0 : correct / examples,
      confusion: counts,
      meanSquares: null,
    }),
  };
}

/** The numbers that outputs stand for. */
function realOf({ quant }: Value): (values: NumericArray) => ArrayLike<number> {
  if (!quant) return (values) => values;
  const [scale, zero] = [quant.scale[0]!, quant.zeroPoint[0]!];
  return (values) => Float64Array.from(values, (v) => scale * (v - zero));
}

/** Targets are yes or no, each for itself; an output above `limit` says yes. */
function sideScorer(dataset: Dataset, output: Value, limit: number): Scorer {
  const real = realOf(output);
  let examples = 0;
  let correct = 0;
  return {
    add(example, values) {
      correct += countSides(real(values), dataset.targets([example]), limit) / values.length;
      examples++;
    },
    score: () => ({
      count: examples,
      accuracy: examples === 0 ? 0 : correct / examples,
      confusion: null,
      meanSquares: null,
    }),
  };
}

function valueScorer(dataset: Dataset, output: Value): Scorer {
  const real = realOf(output);
  let examples = 0;
  let sum = 0;
  return {
    add(example, values) {
      const targets = dataset.targets([example]);
      const outputs = real(values);
      let squares = 0;
      for (let i = 0; i < outputs.length; i++) squares += (outputs[i]! - targets[i]!) ** 2;
      sum += squares / outputs.length;
      examples++;
    },
    score: () => ({
      count: examples,
      accuracy: null,
      confusion: null,
      meanSquares: examples === 0 ? 0 : sum / examples,
    }),
  };
}

/**
 * A scorer for a model's first output on a dataset.
 *
 * @throws BadInputError when the dataset has more classes than the output has elements
 */
export function createScorer(dataset: Dataset, graph: Graph): Scorer {
  const output = getValue(graph, graph.outputs[0]!);
  if (dataset.target.kind === 'class') return classScorer(dataset, output);
  const limit = yesAbove(graph);
  return limit === undefined ? valueScorer(dataset, output) : sideScorer(dataset, output, limit);
}

/** What an output says: its class, or for yes-or-no outputs the side of each. */
export function decisionOf(graph: Graph, dataset: Dataset): (output: NumericArray) => string {
  const limit = dataset.target.kind === 'class' ? undefined : yesAbove(graph);
  if (limit === undefined) return (output) => String(argmax(output));
  const real = realOf(getValue(graph, graph.outputs[0]!));
  return (output) => Array.from(real(output), (v) => Number(v > limit)).join('');
}
