/**
 * What training, calibration and evaluation see of data: numbered examples, an input and a target
 * each. Small files are kept in memory in the type they are stored in, large ones stay on disk;
 * either is converted per batch.
 */
import { BadInputError } from '../core/errors.js';
import { elements, formatShape, type Shape } from '../core/shape.js';

/** What belongs to an input: one of `classes` classes, or numbers of a shape (without batch). */
export type Target =
  | { readonly kind: 'class'; readonly classes: number }
  | { readonly kind: 'values'; readonly shape: Shape };

/**
 * The 8-bit grid on which the stored inputs lie exactly: real = scale * (s8 - zeroPoint). Pixels
 * stored as u8 have scale 1/255 and zero point -128.
 */
export interface InputGrid {
  readonly scale: number;
  readonly zeroPoint: number;
  /**
   * The source does not say in which units its bytes are (pixels of 0..1 or 0..255, features on
   * some model's scale): a model whose s8 input has quite another scale takes them as they lie on
   * this grid.
   */
  readonly direct: boolean;
}

export interface Dataset {
  /** The spec it was opened by, or a description. */
  readonly name: string;
  readonly count: number;
  /**
   * SHA-256 (hex) of the contents: shapes, types, inputs, targets; with the augmentation in words
   * where there is one. Computed once, when asked.
   */
  readonly hash: string;
  /** Without the batch. */
  readonly inputShape: Shape;
  readonly target: Target;
  /** Names of the classes, where the source has them. */
  readonly classNames?: readonly string[];
  readonly grid?: InputGrid;
  /**
   * Inputs in real units (a u8 pixel is pixel / 255), [n, ...inputShape].
   *
   * @param epoch of the training that asks, where the data is augmented; without it nothing is
   */
  inputs(indices: ArrayLike<number>, epoch?: number): Float32Array;
  /** Class numbers, [n]. @throws BadInputError where the targets are no class numbers */
  labels(indices: ArrayLike<number>): Int32Array;
  /** Targets, [n, ...shape]; classes become rows of one 1 among zeros, [n, classes]. */
  targets(indices: ArrayLike<number>): Float32Array;
}

/**
 * The indices of a dataset, or of its first `limit` examples.
 */
export const allIndices = (dataset: Dataset, limit = dataset.count): Uint32Array =>
  Uint32Array.from({ length: Math.min(limit, dataset.count) }, (_, i) => i);

/** A shape without its dimensions of 1, which change no element's place. */
const core = (shape: Shape): Shape => shape.filter((d) => d !== 1);

/**
 * Checks that a dataset's inputs are what a model takes: equal shapes up to dimensions of 1, or a
 * flat list of as many numbers.
 *
 * @param shape of the model's input, without the batch
 * @throws BadInputError naming both shapes
 */
export function requireInputShape(dataset: Dataset, shape: Shape): void {
  const ours = core(dataset.inputShape);
  const same = ours.join() === core(shape).join();
  const flat = ours.length <= 1 || core(shape).length <= 1;
  if (same || (flat && elements(ours) === elements(shape))) return;
  throw new BadInputError(
    `data ${dataset.name} has inputs of shape ${formatShape(dataset.inputShape)}, the model expects ${formatShape(shape)}`,
    { hint: "Change the model's input(...) or give data of that shape.", where: dataset.name },
  );
}

/**
 * Checks that the class numbers fit a model's outputs.
 *
 * @throws BadInputError naming both numbers
 */
export function requireClasses(dataset: Dataset, outputs: number): void {
  const { target } = dataset;
  if (target.kind !== 'class') {
    throw new BadInputError(
      `data ${dataset.name} has targets of shape ${formatShape(target.shape)}, expected class numbers`,
      {
        hint: 'Give integer class numbers from 0, add target=class to the spec, or choose a loss for values.',
        where: dataset.name,
      },
    );
  }
  if (target.classes > outputs) {
    throw new BadInputError(
      `data ${dataset.name} has class number ${target.classes - 1}, the model has ${outputs} outputs (classes 0 to ${outputs - 1})`,
      {
        hint: 'Give the last layer one output per class, from 0; for one yes or no with sigmoidCrossEntropy add target=values to the data.',
        where: dataset.name,
      },
    );
  }
}
