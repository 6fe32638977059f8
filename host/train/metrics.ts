/**
 * Measures of a model on batches: loss and accuracy.
 */
import { argmax } from '../core/argmax.js';
import type { EpochResult, Running } from './checkpoint.js';
import type { LossRule } from './losses.js';

export const nothingSeen: Running = { loss: 0, correct: 0, seen: 0 };

/** How many rows of `outputs` [n, units] have their maximum at the label; the first of equals. */
export function countCorrect(
  outputs: ArrayLike<number>,
  labels: ArrayLike<number>,
  units: number,
): number {
  let correct = 0;
  for (let i = 0; i < labels.length; i++) {
    if (argmax(outputs, i * units, units) === labels[i]) correct++;
  }
  return correct;
}

/** How many outputs are above the limit where their target is above 1/2, and not where it is not. */
export function countSides(
  outputs: ArrayLike<number>,
  targets: ArrayLike<number>,
  limit: number,
): number {
  let correct = 0;
  for (let i = 0; i < targets.length; i++) {
    if (outputs[i]! > limit === targets[i]! > 0.5) correct++;
  }
  return correct;
}

/** The sums after one more batch of n examples. */
export function addBatch(
  running: Running,
  { reduction }: LossRule,
  n: number,
  loss: number,
  correct: number,
): Running {
  return {
    loss: running.loss + (reduction === 'mean' ? loss * n : loss),
    correct: running.correct + correct,
    seen: running.seen + n,
  };
}

/** The loss over all examples seen: their mean, or their sum for a loss that is a sum. */
export const lossSoFar = ({ loss, seen }: Running, { reduction }: LossRule): number =>
  reduction === 'mean' ? loss / Math.max(seen, 1) : loss;

/** True when a is better than b: accuracy first, then loss; on test data if there is any. */
function isBetter(a: EpochResult, b: EpochResult | undefined): boolean {
  if (!b) return true;
  if (a.testAccuracy !== null && b.testAccuracy !== null && a.testAccuracy !== b.testAccuracy) {
    return a.testAccuracy > b.testAccuracy;
  }
  return (a.testLoss ?? a.trainLoss) < (b.testLoss ?? b.trainLoss);
}

/** True when the last `patience` epochs brought nothing better; never for null. */
export function isStale(history: readonly EpochResult[], patience: number | null): boolean {
  const best = bestOf(history);
  return patience !== null && best !== undefined && history.length - best.epoch >= patience;
}

/** The best epoch of a training; the first of equals. */
export function bestOf(history: readonly EpochResult[]): EpochResult | undefined {
  let best: EpochResult | undefined;
  for (const result of history) if (isBetter(result, best)) best = result;
  return best;
}
