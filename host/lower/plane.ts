/**
 * The sum of two int8 values as a plane, for cores without a high multiply (Armv6-M):
 *
 *     y = (a aFactor + b bFactor + offset) >> 22, limited to int8
 *
 * add has only 65,536 pairs of operands. A plane near its real factors is kept if every pair gives the
 * reference's byte, so nothing is assumed about the rounding of its four multiplications.
 */
import { type Multiplier, multiplyByQuantizedMultiplier } from '../core/fixed-point.js';

/** Fraction bits; kernels/c/enn_s8_add_m0.h has the same number. */
const fractionBits = 22;
const one = 2 ** fractionBits;
const leftShift = 20;
/** How far from the real factors planes are looked for. */
const nearby = [0, 1, -1, 2, -2, 3, -3];

export interface Plane {
  readonly aFactor: number;
  readonly bFactor: number;
  readonly offset: number;
}

/** What add computes with: the multipliers of a, b and the sum, and three zero points. */
export interface AddScaling {
  readonly a: Multiplier;
  readonly b: Multiplier;
  readonly out: Multiplier;
  readonly zeros: readonly [a: number, b: number, out: number];
}

/** The reference's outputs, not yet limited: [a + 128][b + 128]. */
function outputsOf({ a, b, out, zeros }: AddScaling): Int32Array {
  const scaled = (m: Multiplier, zero: number) =>
    Array.from({ length: 256 }, (_, i) =>
      multiplyByQuantizedMultiplier((i - 128 - zero) * 2 ** leftShift, m.multiplier, m.shift),
    );
  const [aParts, bParts] = [scaled(a, zeros[0]), scaled(b, zeros[1])];
  const outputs = new Int32Array(65536);
  aParts.forEach((part, i) => {
    for (let j = 0; j < 256; j++) {
      const sum = multiplyByQuantizedMultiplier(part + bParts[j]!, out.multiplier, out.shift);
      outputs[256 * i + j] = zeros[2] + sum;
    }
  });
  return outputs;
}

/** The offsets with which the factors give all outputs: [least, most]. */
function offsets(outputs: Int32Array, aFactor: number, bFactor: number): [number, number] {
  let [least, most] = [-(2 ** 52), 2 ** 52];
  for (let i = 0; i < 256; i++) {
    const row = (i - 128) * aFactor;
    for (let j = 0; j < 256; j++) {
      const at = row + (j - 128) * bFactor;
      const y = Math.max(-128, Math.min(127, outputs[256 * i + j]!));
      if (y > -128) least = Math.max(least, y * one - at);
      if (y < 127) most = Math.min(most, (y + 1) * one - 1 - at);
    }
    if (least > most) break;
  }
  return [least, most];
}

const real = ({ multiplier, shift }: Multiplier): number => multiplier * 2 ** (shift - 31);

/** The plane of an add; undefined when none near its factors is exact, or fits 32 bits. */
export function planeOf(scaling: AddScaling): Plane | undefined {
  const scale = real(scaling.out) * 2 ** leftShift * one;
  const [a, b] = [Math.round(real(scaling.a) * scale), Math.round(real(scaling.b) * scale)];
  if (128 * (a + b + 8) >= 2 ** 31) return undefined;
  const outputs = outputsOf(scaling);
  for (const da of nearby) {
    for (const db of nearby) {
      const [aFactor, bFactor] = [a + da, b + db];
      const [least, most] = offsets(outputs, aFactor, bFactor);
      if (least > most) continue;
      const offset = Math.floor((least + most) / 2);
      const largest = 128 * (Math.abs(aFactor) + Math.abs(bFactor)) + Math.abs(offset);
      return largest < 2 ** 31 ? { aFactor, bFactor, offset } : undefined;
    }
  }
  return undefined;
}
