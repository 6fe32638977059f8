/**
 * Weights in the order in which a kernel reads them, and multipliers in the form that it takes. The
 * layouts are those of the kernels' headers (kernels/c/enn_s8_*_dsp.h).
 */
import type { Multiplier } from '../core/fixed-point.js';
import { elements, type Shape } from '../core/shape.js';
import type { MultiplierTable } from '../quant/interpret-params.js';

/**
 * - `taps4`: per output channel all taps, zeros up to a multiple of four.
 * - `rows4`: four inputs of four outputs together; the last out % 4 outputs as `taps4`.
 * - `channels4`: per four channels all taps, four channels of a tap together; zeros for channels
 *   that are not there.
 */
export type Packing = 'taps4' | 'rows4' | 'channels4';

const multipleOf4 = (n: number): number => Math.ceil(n / 4) * 4;

/** w[rows][count] with rows of a multiple of four. */
function taps4(w: Int8Array, rows: number): Int8Array {
  const count = w.length / rows;
  const stride = multipleOf4(count);
  const out = new Int8Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    out.set(w.subarray(row * count, (row + 1) * count), row * stride);
  }
  return out;
}

function rows4(w: Int8Array, rows: number): Int8Array {
  const padded = taps4(w, rows);
  const stride = padded.length / rows;
  const out = padded.slice();
  for (let first = 0; first + 4 <= rows; first += 4) {
    for (let row = 0; row < 4; row++) {
      for (let i = 0; i < stride; i++) {
        const to = first * stride + (i - (i % 4)) * 4 + row * 4 + (i % 4);
        out[to] = padded[(first + row) * stride + i]!;
      }
    }
  }
  return out;
}

/** w[taps][channels] by groups of four channels. */
function channels4(w: Int8Array, channels: number): Int8Array {
  const taps = w.length / channels;
  const out = new Int8Array(taps * multipleOf4(channels));
  for (let tap = 0; tap < taps; tap++) {
    for (let c = 0; c < channels; c++) {
      out[(c - (c % 4)) * taps + tap * 4 + (c % 4)] = w[tap * channels + c]!;
    }
  }
  return out;
}

/** Weights of the graph's layout (conv2d OHWI, depthwise 1HWC, dense OI) as a kernel wants them. */
export function packWeights(w: Int8Array, shape: Shape, packing: Packing): Int8Array {
  if (elements(shape) !== w.length) throw new RangeError(`${w.length} weights of ${shape}`);
  if (packing === 'taps4') return taps4(w, shape[0]!);
  return packing === 'rows4' ? rows4(w, shape[0]!) : channels4(w, shape.at(-1)!);
}

/** The bias of a dense layer whose kernel does not subtract the input's zero point; in int32. */
export function foldZero(bias: Int32Array, w: Int8Array, zero: number): Int32Array {
  const count = w.length / bias.length;
  return bias.map((value, row) => {
    const sum = w.subarray(row * count, (row + 1) * count).reduce((a, b) => a + b, 0);
    return (value - Math.imul(zero, sum)) | 0;
  });
}

/** Right shifts that the short requantization of enn_dsp.h has room for. */
const leastShift = -22;
/** Twice an accumulator must fit int32. */
const accumulatorRoom = 2 ** 30;

/** Whether a factor is exactly 1/2. */
export const isHalf = ({ multiplier, shift }: Multiplier): boolean =>
  multiplier === 2 ** 30 && shift === 0;

/** Whether the short requantization has room for a factor. */
export const isShort = ({ multiplier, shift }: Multiplier): boolean =>
  multiplier > 0 && shift <= -1 && shift >= leastShift;

/**
 * A table that does in the short requantization what `table` does in enn_multiply: every shift in
 * [-22, -1]. A channel whose every result rounds to zero gets the factor zero.
 *
 * @param bounds what no accumulator exceeds, per channel or for all
 * @returns undefined when there is none
 */
export function shortMultipliers(
  { multiplier, shift }: MultiplierTable,
  bounds: readonly number[] | undefined,
): MultiplierTable | undefined {
  if (bounds === undefined) return undefined;
  const shared = shift.length < bounds.length || bounds.length === 1;
  const most = bounds.reduce((a, b) => Math.max(a, b), 0);
  if (most >= accumulatorRoom) return undefined;
  const out = { multiplier: multiplier.slice(), shift: shift.slice() };
  for (const [i, s] of shift.entries()) {
    const bound = shared ? most : bounds[i]!;
    const vanishes = multiplier[i] === 0 || bound * 2 ** s < 0.25;
    if (vanishes) {
      out.multiplier[i] = 0;
      out.shift[i] = -1;
    } else if (s > -1 || s < leastShift) {
      return undefined;
    }
  }
  return out;
}
