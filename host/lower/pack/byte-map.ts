/**
 * What becomes of each byte where an op works on one int8 at a time: requantize, relu, relu6, and the
 * parts of a concat. There are only 256 inputs, so a table of outputs, or any line that passes through
 * all of them, is as good as the reference's arithmetic, whatever that rounds.
 */
import { multiplyByQuantizedMultiplier } from '../../core/fixed-point.js';
import type { Value } from '../../ir/graph.js';
import { rescale } from '../../quant/interpret/params.js';
import { perTensor } from '../../quant/interpret/quant.js';

type Clamp = readonly [least: number, most: number];

/** Fraction bits of a line; kernels/c/enn_s8_line_dsp.h has the same number. */
const fractionBits = 22;
const one = 2 ** fractionBits;

/** y = clamp((x mult + offset) >> 22) */
export interface ByteLine {
  readonly mult: number;
  readonly offset: number;
}

/** The output of each input, in the order of its bits as an unsigned byte. */
export function byteTable(from: Value, to: Value, [least, most]: Clamp): Int8Array {
  const { multiplier, shift } = rescale(from, to);
  const [inZero, outZero] = [perTensor(from).zero, perTensor(to).zero];
  return Int8Array.from({ length: 256 }, (_, bits) => {
    const x = bits < 128 ? bits : bits - 256;
    const scaled = multiplyByQuantizedMultiplier(x - inZero, multiplier, shift);
    return Math.max(least, Math.min(most, outZero + scaled));
  });
}

/** Whether every byte stays what it is. */
export const keepsBytes = (table: Int8Array): boolean =>
  table.every((y, bits) => y === (bits < 128 ? bits : bits - 256));

/** Slopes to try, the nearest first; a steeper one takes exact halves away from zero. */
function* slopesNear(slope: number): Generator<number> {
  yield slope;
  for (const step of [1, 2, 3, slope / 2 ** 16, slope / 2 ** 13, slope / 2 ** 10]) {
    yield slope + Math.round(step);
    yield slope - Math.round(step);
  }
}

/** A line that gives a table's outputs, once they are clamped; undefined where none was found. */
export function byteLine(from: Value, to: Value, [least, most]: Clamp): ByteLine | undefined {
  const table = byteTable(from, to, [least, most]);
  const factor = perTensor(from).scale / perTensor(to).scale;
  if (128 * factor * one >= 2 ** 30) return undefined;
  for (const mult of slopesNear(Math.round(factor * one))) {
    let [low, high] = [-(2 ** 30), 2 ** 30];
    for (let x = -128; x < 128; x++) {
      const y = table[x & 255]!;
      if (y > least) low = Math.max(low, y * one - x * mult);
      if (y < most) high = Math.min(high, (y + 1) * one - 1 - x * mult);
    }
    if (low <= high) return { mult, offset: Math.floor((low + high) / 2) };
  }
  return undefined;
}
