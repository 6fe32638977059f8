/**
 * Arrays with shapes in float64, read by index: what the reference rules are written with.
 */
import { elements, type Shape, strides } from '../../host/core/shape.js';

export interface Tensor {
  readonly shape: Shape;
  readonly data: Float64Array;
}

export const zeros = (shape: Shape): Float64Array => new Float64Array(elements(shape));

/** The index tuple of element `i`. */
function indexOf(shape: Shape, i: number): number[] {
  return strides(shape).map((stride, axis) => Math.floor(i / stride) % shape[axis]!);
}

/** The element of x at an index of a shape that x broadcasts to. */
export function at(x: Tensor, index: readonly number[]): number {
  const skip = index.length - x.shape.length;
  const own = strides(x.shape);
  let offset = 0;
  x.shape.forEach((size, i) => {
    offset += size === 1 ? 0 : index[i + skip]! * own[i]!;
  });
  return x.data[offset]!;
}

/** An array filled by a function of the index. */
export function fill(shape: Shape, of: (index: readonly number[], i: number) => number) {
  return zeros(shape).map((_, i) => of(indexOf(shape, i), i));
}

/** For each output of a reduction, the elements of x that go into it. */
export function groups(x: Tensor, axes: readonly number[]): number[][] {
  const reduced = axes.map((axis) => (axis < 0 ? axis + x.shape.length : axis));
  const kept = x.shape.map((size, i) => (reduced.includes(i) ? 1 : size));
  const own = strides(kept);
  const out: number[][] = Array.from({ length: elements(kept) }, () => []);
  x.data.forEach((value, i) => {
    const index = indexOf(x.shape, i);
    const to = index.reduce((sum, k, axis) => sum + (kept[axis] === 1 ? 0 : k * own[axis]!), 0);
    out[to]!.push(value);
  });
  return out;
}

/** The rows of the last axis, changed one by one. */
export function byRow(x: Tensor, of: (row: Float64Array, r: number) => ArrayLike<number>) {
  const length = x.shape.at(-1)!;
  const out = new Float64Array(x.data.length);
  for (let r = 0; r < x.data.length / length; r++) {
    out.set(of(x.data.subarray(r * length, (r + 1) * length), r), r * length);
  }
  return out;
}

export const total = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0);
