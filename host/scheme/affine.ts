/**
 * Affine quantization: real = scale * (stored - zeroPoint), per tensor or per index of one axis.
 * What every scheme shares; the schemes themselves are in schemes.ts.
 */
import { elements, type Shape } from '../core/shape.js';
import type { Quantization } from '../ir/graph.js';

/** Real numbers from `min` to `max`. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Stored integers from `low` to `high`. */
export interface Limits {
  readonly low: number;
  readonly high: number;
}

export const int8: Limits = { low: -128, high: 127 };
export const int16: Limits = { low: -32768, high: 32767 };
export const int32: Limits = { low: -(2 ** 31), high: 2 ** 31 - 1 };

/** Round half away from zero, as TFLite does. */
export const roundAway = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);

/** The range with all numbers of both. */
export const joinRanges = (a: Range, b: Range): Range => ({
  min: Math.min(a.min, b.min),
  max: Math.max(a.max, b.max),
});

/** The range of the numbers of a list; of an empty one, only 0. */
export function rangeOf(data: ArrayLike<number>): Range {
  if (data.length === 0) return { min: 0, max: 0 };
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    const x = data[i]!;
    if (x < min) min = x;
    if (x > max) max = x;
  }
  return { min, max };
}

/** A quantization of the whole tensor. */
export const perTensor = (scheme: string, scale: number, zeroPoint: number): Quantization => ({
  scheme,
  scale: Float32Array.of(scale),
  zeroPoint: Int32Array.of(zeroPoint),
});

/**
 * The stored integer of one number. The quotient is a float32, as TFLite's kernels form it.
 */
function quantizeOne(x: number, scale: number, zeroPoint: number, limits: Limits): number {
  const q = zeroPoint + roundAway(Math.fround(x / scale));
  // The sum turns -0 into 0.
  return Math.min(limits.high, Math.max(limits.low, q)) + 0;
}

/** For each element, the place of its scale: 0 throughout, or its index along the axis. */
function channelOf(quant: Quantization, shape: Shape): (index: number) => number {
  if (quant.axis === undefined) return () => 0;
  const inner = elements(shape.slice(quant.axis + 1));
  const channels = shape[quant.axis]!;
  return (index) => Math.floor(index / inner) % channels;
}

/** Writes the stored integers of `data` into `out`; saturates at the limits. */
export function quantizeInto<T extends Int8Array | Int16Array | Int32Array>(
  out: T,
  data: ArrayLike<number>,
  quant: Quantization,
  shape: Shape,
  limits: Limits,
): T {
  const channel = channelOf(quant, shape);
  for (let i = 0; i < data.length; i++) {
    const c = channel(i);
    out[i] = quantizeOne(data[i]!, quant.scale[c]!, quant.zeroPoint[c]!, limits);
  }
  return out;
}

/** s8 of real numbers. */
export const quantizeS8 = (data: ArrayLike<number>, quant: Quantization, shape: Shape): Int8Array =>
  quantizeInto(new Int8Array(data.length), data, quant, shape, int8);

/** An activation's stored integers, in the type of the value. */
export function quantizeAs(
  dtype: 's8' | 's16',
  data: ArrayLike<number>,
  quant: Quantization,
  shape: Shape,
): Int8Array | Int16Array {
  if (dtype === 's8') return quantizeS8(data, quant, shape);
  return quantizeInto(new Int16Array(data.length), data, quant, shape, int16);
}

/** Biases of 64 bits; the sum of products leaves them 47. */
export function quantizeS64(
  data: ArrayLike<number>,
  quant: Quantization,
  shape: Shape,
): BigInt64Array {
  const channel = channelOf(quant, shape);
  const most = 2 ** 47 - 1;
  return BigInt64Array.from(data, (x, i) => {
    const q = roundAway(x / quant.scale[channel(i)]!);
    return BigInt(Math.min(most, Math.max(-most, q)));
  });
}

/** The real numbers that stored integers stand for. */
export function dequantize(
  data: ArrayLike<number>,
  quant: Quantization,
  shape: Shape,
): Float32Array {
  const channel = channelOf(quant, shape);
  return Float32Array.from(data, (q, i) => {
    const c = channel(i);
    return quant.scale[c]! * (q - quant.zeroPoint[c]!);
  });
}

/** A scale below this counts as this: all numbers are 0. */
const leastScale = 1e-30;

/**
 * Fake quantization, for training with quantization in the loop: the real number `y` that remains
 * of x; whether the gradient `passes` (straight through within the limits, 0 where x saturates:
 * Jacob et al., "Quantization and training of neural networks", 2018); the `slope` of y by the scale
 * (Esser et al., "Learned step size quantization", 2020, equation 3).
 *
 * @param limits relative to the zero point
 */
export function fakeQuantize(
  x: number,
  scale: number,
  { low, high }: Limits,
): { readonly y: number; readonly passes: boolean; readonly slope: number } {
  const step = Math.max(scale, leastScale);
  const v = Math.fround(x / step);
  const rounded = roundAway(v);
  return {
    y: step * Math.min(high, Math.max(low, rounded)),
    passes: v >= low && v <= high,
    slope: v <= low ? low : v >= high ? high : rounded - v,
  };
}
