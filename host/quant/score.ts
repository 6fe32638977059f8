/**
 * What a run over a dataset measures: a confusion matrix for classes, squared error for values.
 */
import { argmax } from '../core/argmax.js';
import type { NumericArray } from '../core/dtype.js';
import { elements } from '../core/shape.js';
import { type Dataset, requireClasses } from '../data/dataset.js';
import type { Value } from '../ir/graph.js';

export interface Score {
  /** Examples scored. */
  readonly count: number;
  /** The fraction of right classes; null where the targets are values. */
  readonly accuracy: number | null;
  /** Rows of true classes, columns of predicted ones; null where the targets are values. */
  readonly confusion: readonly (readonly number[])[] | null;
  /** Mean over all output elements of (output - target)^2, in real units; null for classes. */
  readonly meanSquares: number | null;
}

export interface ScoreOptions {
  /** How many examples, from the first; default all. */
  readonly limit?: number | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
  /** Is given every output, one example's numbers, in order. */
  readonly each?: ((output: NumericArray) => void) | undefined;
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

function valueScorer(dataset: Dataset, output: Value): Scorer {
  const scale = output.quant?.scale[0] ?? 1;
  const zero = output.quant?.zeroPoint[0] ?? 0;
  let examples = 0;
  let sum = 0;
  return {
    add(example, values) {
      const targets = dataset.targets([example]);
      let squares = 0;
      for (let i = 0; i < values.length; i++) {
        squares += (scale * (values[i]! - zero) - targets[i]!) ** 2;
      }
      sum += squares / values.length;
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
 * A scorer for a model's output on a dataset.
 *
 * @throws BadInputError when the dataset has more classes than the output has elements
 */
export const createScorer = (dataset: Dataset, output: Value): Scorer =>
  (dataset.target.kind === 'class' ? classScorer : valueScorer)(dataset, output);
