/**
 * Tensor ops as loops over a few axes: neighbouring axes that an op treats alike are merged, so that
 * a kernel with a fixed number of loops serves every rank.
 */
import { UnsupportedError } from './errors.js';
import { formatShape, normalizeAxis, type Shape, strides } from './shape.js';

/** x[outer][reduce0][middle][reduce1][inner] -> y[outer][middle][inner]. */
export interface ReductionAxes {
  readonly outer: number;
  readonly reduce0: number;
  readonly middle: number;
  readonly reduce1: number;
  readonly inner: number;
}

/**
 * A reduction over axes as one over two merged axes.
 *
 * @throws UnsupportedError when the axes form more than two groups of neighbours
 */
export function mergeReduction(shape: Shape, axes: readonly number[]): ReductionAxes {
  const reduced = new Set(axes.map((axis) => normalizeAxis(axis, shape.length)));
  // Sizes of groups that are kept, reduced, kept, ...
  const groups = [1];
  shape.forEach((d, axis) => {
    const isReduced = groups.length % 2 === 0;
    if (d !== 1 && reduced.has(axis) !== isReduced) groups.push(1);
    groups[groups.length - 1]! *= d;
  });
  if (groups.length > 5) {
    throw new UnsupportedError(
      `a mean over axes ${formatShape(axes)} of ${formatShape(shape)} leaves more than three groups of axes`,
      { hint: 'Reshape, or reduce in two steps.' },
    );
  }
  const [outer = 1, reduce0 = 1, middle = 1, reduce1 = 1, inner = 1] = groups;
  // The axes after a single reduced group are inner ones.
  return groups.length <= 3
    ? { outer, reduce0, middle: 1, reduce1: 1, inner: middle }
    : { outer, reduce0, middle, reduce1, inner };
}

export type Four = readonly [number, number, number, number];

/** Elements of a and b at index . strideA and index . strideB, for an index below dims. */
export interface BroadcastAxes {
  readonly dims: Four;
  readonly strideA: Four;
  readonly strideB: Four;
}

const four = (list: readonly number[], fill: number): Four =>
  [...new Array<number>(4 - list.length).fill(fill), ...list] as unknown as Four;

/** Strides of an operand along the axes of the result; 0 where it is broadcast. */
function broadcastStrides(shape: Shape, result: Shape): number[] {
  const own = strides(shape);
  const skip = result.length - shape.length;
  return result.map((_, i) => (i < skip || shape[i - skip] === 1 ? 0 : own[i - skip]!));
}

/**
 * An operation on broadcast operands as one over four axes.
 *
 * @throws UnsupportedError when more than four remain
 */
export function mergeBroadcast(a: Shape, b: Shape, result: Shape): BroadcastAxes {
  const allA = broadcastStrides(a, result);
  const allB = broadcastStrides(b, result);
  const dims: number[] = [];
  const strideA: number[] = [];
  const strideB: number[] = [];
  result.forEach((d, i) => {
    if (d === 1) return;
    const last = dims.length - 1;
    // The axis before steps over whole rows of this one, in both operands.
    const merges = strideA[last] === allA[i]! * d && strideB[last] === allB[i]! * d;
    if (merges) {
      dims[last]! *= d;
      strideA[last] = allA[i]!;
      strideB[last] = allB[i]!;
    } else {
      dims.push(d);
      strideA.push(allA[i]!);
      strideB.push(allB[i]!);
    }
  });
  if (dims.length > 4) {
    throw new UnsupportedError(
      `broadcasting ${formatShape(a)} with ${formatShape(b)} takes more than four loops`,
      { hint: 'Reshape the operands to fewer axes.' },
    );
  }
  return { dims: four(dims, 1), strideA: four(strideA, 0), strideB: four(strideB, 0) };
}

/** Sizes and leading padding of up to four axes. */
export interface PadAxes {
  readonly input: Four;
  readonly before: Four;
  readonly output: Four;
}

/**
 * Padding of any number of axes as padding of four; an axis that is not padded joins the one before.
 *
 * @param padding [before, after] of each axis
 * @throws UnsupportedError when more than four remain
 */
export function mergePadding(shape: Shape, padding: readonly number[]): PadAxes {
  const input: number[] = [];
  const before: number[] = [];
  const output: number[] = [];
  shape.forEach((d, i) => {
    const [first, last] = [padding[2 * i]!, padding[2 * i + 1]!];
    const at = input.length - 1;
    if (at >= 0 && first === 0 && last === 0) {
      input[at]! *= d;
      before[at]! *= d;
      output[at]! *= d;
    } else {
      input.push(d);
      before.push(first);
      output.push(first + d + last);
    }
  });
  // A leading axis of 1, such as the batch, adds no loop.
  if (input.length > 1 && output[0] === 1) for (const list of [input, before, output]) list.shift();
  if (input.length > 4) {
    throw new UnsupportedError(`padding ${formatShape(padding)} pads more than four axes`, {
      hint: 'Pad in two steps.',
    });
  }
  return { input: four(input, 1), before: four(before, 0), output: four(output, 1) };
}
