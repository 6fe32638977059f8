/** Fourier transforms of worked examples: of any axis and length, and of real numbers by half. */
import * as a from '../../host/front/arrays.js';
import * as e from '../../host/front/elementwise.js';
import type { Tensor as Value } from '../../host/front/tensor.js';
import { axisOf, listOf } from './axes.js';
import { type ArrayOp, type OneResult, unary } from './derived-ops.js';
import { pick } from './example.js';
import { picked } from './parts.js';

/** The transform along an axis, of so many numbers: cut off, or zeros behind them. */
function sized(x: Value, axis: number, n: number | undefined): Value {
  const rank = x.shape.length;
  const last = rank - 2;
  const size = x.shape[axis]!;
  const order = x.shape.map((_, i) => i);
  const around = order.map((i): [number, number] => [0, i === axis ? Math.max(n! - size, 0) : 0]);
  const whole =
    n === undefined || n === size
      ? x
      : n > size
        ? a.pad(x, around)
        : picked(x, [...Array(n).keys()], axis);
  return axis === last ? whole : a.transpose(whole, order.with(axis, last).with(last, axis));
}

/** fft or ifft along `axis` (default: the last), of length `n`. */
function transform(f: typeof a.fft): OneResult {
  return ([x], attrs) => {
    const rank = x!.shape.length - 1;
    const given = axisOf(attrs) ?? -1;
    const axis = given < 0 ? given + rank : given;
    const n = listOf(pick(attrs, 'n', 'fftLength', 'length'))?.[0];
    const y = f(sized(x!, axis, n));
    const order = y.shape.map((_, i) => i);
    return axis === rank - 1 ? y : a.transpose(y, order.with(axis, rank - 1).with(rank - 1, axis));
  };
}

/** The half of a transform of real numbers that says all of it: n / 2 + 1 of n. */
const half =
  (f: OneResult): OneResult =>
  (inputs, attrs) => {
    const y = f(inputs, attrs);
    const axis = y.shape.length - 2;
    return picked(y, [...Array(Math.floor(y.shape[axis]! / 2) + 1).keys()], axis);
  };

/** The real numbers whose transform begins with x: the rest is its mirror image, conjugated. */
const fromHalf: OneResult = ([x], attrs) => {
  const axis = x!.shape.length - 2;
  const n = listOf(pick(attrs, 'n', 'fftLength', 'length'))?.[0] ?? 2 * (x!.shape[axis]! - 1);
  const known = Math.floor(n / 2) + 1;
  const start = picked(x!, [...Array(known).keys()], axis);
  const conjugate = e.mul(start, a.constant(start, [2], [1, -1]));
  const mirror = Array.from({ length: n - known }, (_, i) => n - known - i);
  const whole = mirror.length
    ? e.concat([start, picked(conjugate, mirror, axis)], { axis })
    : start;
  return a.ifft(whole);
};

export const transforms: Readonly<Record<string, ArrayOp>> = {
  fft: transform(a.fft),
  ifft: transform(a.ifft),
  rfft: half(transform(a.fft)),
  irfft: fromHalf,
  fft2d: unary(a.fft2d),
  ifft2d: unary(a.ifft2d),
  rfft2d: half(unary(a.fft2d)),
};
