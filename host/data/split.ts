/**
 * Parts of a dataset.
 */
import { bytesOf } from '../core/dtype.js';
import { UsageError } from '../core/errors.js';
import { sha256 } from '../core/hash.js';
import { randomPermutation } from '../core/random.js';
import type { Dataset } from './dataset.js';

/** The examples with the given numbers, in that order. */
export function subset(dataset: Dataset, indices: ArrayLike<number>, name = dataset.name): Dataset {
  const list = Int32Array.from(indices);
  const mapped = (asked: ArrayLike<number>): number[] =>
    Array.from(asked, (i) => {
      const index = list[i];
      if (index === undefined)
        throw new RangeError(`${name} has ${list.length} examples, asked for ${i}`);
      return index;
    });
  return {
    name,
    count: list.length,
    get hash() {
      return sha256(`${dataset.hash} ${sha256(bytesOf(list))}`);
    },
    inputShape: dataset.inputShape,
    target: dataset.target,
    ...(dataset.classNames && { classNames: dataset.classNames }),
    ...(dataset.grid && { grid: dataset.grid }),
    inputs: (asked, epoch) => dataset.inputs(mapped(asked), epoch),
    labels: (asked) => dataset.labels(mapped(asked)),
    targets: (asked) => dataset.targets(mapped(asked)),
  };
}

/**
 * Splits a dataset at random: `fraction` of the examples become the test part, at least one on
 * each side. A pure function of data and seed; both parts keep the order of the whole.
 *
 * @throws UsageError where the fraction or the count leaves a part empty
 */
export function splitDataset(
  dataset: Dataset,
  fraction: number,
  seed: number,
): { readonly train: Dataset; readonly test: Dataset } {
  if (!(fraction > 0 && fraction < 1) || dataset.count < 2) {
    throw new UsageError(
      `cannot split ${dataset.count} examples of ${dataset.name} at ${fraction}`,
      {
        hint: 'Give a fraction between 0 and 1 and at least two examples.',
        where: dataset.name,
      },
    );
  }
  const count = Math.min(Math.max(Math.round(dataset.count * fraction), 1), dataset.count - 1);
  const order = randomPermutation({ seed, purpose: 'split' }, dataset.count);
  return {
    train: subset(dataset, order.slice(count).sort(), `${dataset.name} (train part)`),
    test: subset(dataset, order.slice(0, count).sort(), `${dataset.name} (test part)`),
  };
}
