/**
 * Static shapes: tuples of dimensions, outermost first, the batch included.
 */

export type Shape = readonly number[];

/** Number of elements; 1 for a scalar. */
export const elements = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

export const formatShape = (shape: Shape): string => `[${shape.join(',')}]`;

/** Row-major strides, in elements. */
export function strides(shape: Shape): number[] {
  const out = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) out[i] = out[i + 1]! * shape[i + 1]!;
  return out;
}

/** The common shape of two operands after NumPy broadcasting, or undefined where there is none. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const out: number[] = [];
  for (let i = 0; i < rank; i++) {
    const da = a[a.length - rank + i] ?? 1;
    const db = b[b.length - rank + i] ?? 1;
    if (da !== db && da !== 1 && db !== 1) return undefined;
    out.push(da === 1 ? db : da);
  }
  return out;
}

/** Axes counted from the front; negative ones count from the back. */
export const normalizeAxis = (axis: number, rank: number): number =>
  axis < 0 ? axis + rank : axis;

/** [top, bottom, left, right] */
export type Padding2d = readonly [number, number, number, number];
/** [height, width] */
export type Pair = readonly [number, number];

/**
 * Output length of a sliding window: floor((size + padding - effective kernel) / stride) + 1,
 * where the effective kernel is (kernel - 1) * dilation + 1.
 */
export const windowLength = (
  size: number,
  kernel: number,
  stride: number,
  padding: number,
  dilation = 1,
): number => Math.floor((size + padding - ((kernel - 1) * dilation + 1)) / stride) + 1;

/**
 * Padding of one axis so that the output has ceil(size / stride) elements; the odd element goes
 * to the end (TensorFlow's SAME).
 *
 * @returns [before, after]
 */
export function samePadding(
  size: number,
  kernel: number,
  stride: number,
  dilation = 1,
): readonly [number, number] {
  const effective = (kernel - 1) * dilation + 1;
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + effective - size, 0);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}
