/**
 * The sum of two int8 values as a plane, for cores without a high multiply (Armv6-M):
 *
 *     y = (a aFactor + b bFactor + offset) >> 22, limited to int8
 *
 * add has only 65,536 pairs of operands. A plane near its real factors is kept if every pair gives the
 * reference's byte, so nothing is assumed about the rounding of its four multiplications. Where 22 bits
 * are too coarse, or the factors too large for them, a fine plane has 18 bits and 20 more below:
 *
 *     y = (a aFactor + b bFactor + offset + ((a aLow + b bLow + offsetLow) >> 20)) >> 18
 */
import { type Multiplier, multiplyByQuantizedMultiplier } from '../../core/fixed-point.js';

/** Fraction bits; kernels/c/enn_s8_add_m0.h has the same number. */
const fractionBits = 22;
const coarseOne = 2 ** fractionBits;
const leftShift = 20;
/** How far from the real factors planes are looked for. */
const nearby = [0, 1, -1, 2, -2, 3, -3];

export interface Plane {
  readonly aFactor: number;
  readonly bFactor: number;
  readonly offset: number;
  /** Of a fine plane. */
  readonly low?: { readonly a: number; readonly b: number; readonly offset: number };
}

/** Bits of a fine plane, as in kernels/c/enn_s8_add_m0.h, and what is one in all of them. */
const [fineBits, lowBits] = [18, 20] as const;
const lowOne = 2 ** lowBits;
const fineOne = 2 ** (fineBits + lowBits);

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

/** The offsets with which factors in units of 1 / `one` give all outputs: [least, most]. */
function offsets(
  outputs: Int32Array,
  aFactor: number,
  bFactor: number,
  one: number,
): [number, number] {
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

/** The largest that the sum of a plane can be. */
export const planeReach = ({ aFactor, bFactor, offset }: Plane): number =>
  128 * (Math.abs(aFactor) + Math.abs(bFactor)) + Math.abs(offset);

/** Units to try, the nearest to the real factors first. */
const pairs = nearby.flatMap((da) => nearby.map((db) => [da, db] as const));

/**
 * Factors to try: the nearest, then both a little larger. Where ratios of scales are short fractions some
 * sums are exact halves, which the reference takes away from zero: steeper planes do.
 */
const steeper = [0, ...[21, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10].map((n) => 2 ** -n)];

function* factorsNear(a: number, b: number, unit: number): Generator<[number, number]> {
  for (const [da, db] of pairs.slice(0, 9)) yield [a + da * unit, b + db * unit];
  for (const part of steeper) yield [Math.round(a * (1 + part)), Math.round(b * (1 + part))];
  for (const [da, db] of pairs.slice(9)) yield [a + da * unit, b + db * unit];
}

function coarsePlane(outputs: Int32Array, a: number, b: number): Plane | undefined {
  if (128 * (a + b) * coarseOne >= 2 ** 31) return undefined;
  const nearest = [Math.round(a * coarseOne), Math.round(b * coarseOne)] as const;
  for (const [aFactor, bFactor] of factorsNear(...nearest, 1)) {
    const [least, most] = offsets(outputs, aFactor, bFactor, coarseOne);
    if (least > most) continue;
    const plane = { aFactor, bFactor, offset: Math.floor((least + most) / 2) };
    return planeReach(plane) < 2 ** 31 ? plane : undefined;
  }
  return undefined;
}

/** How far apart the factors of fine planes are tried. */
const fineStep = 2 ** 14;

function finePlane(outputs: Int32Array, a: number, b: number): Plane | undefined {
  if (128 * (a + b) * 2 ** fineBits >= 2 ** 30) return undefined;
  const nearest = [Math.round(a * fineOne), Math.round(b * fineOne)] as const;
  for (const own of factorsNear(...nearest, fineStep)) {
    const [least, most] = offsets(outputs, own[0]!, own[1]!, fineOne);
    if (least > most) continue;
    const parts = [...own, Math.floor((least + most) / 2)];
    const high = parts.map((part) => Math.floor(part / lowOne));
    const low = parts.map((part, i) => part - high[i]! * lowOne);
    const plane = { aFactor: high[0]!, bFactor: high[1]!, offset: high[2]! };
    if (planeReach(plane) + 2 ** 10 >= 2 ** 31) return undefined;
    return { ...plane, low: { a: low[0]!, b: low[1]!, offset: low[2]! } };
  }
  return undefined;
}

/** The plane of an add; undefined when none near its factors is exact, or fits 32 bits. */
export function planeOf(scaling: AddScaling): Plane | undefined {
  const scale = real(scaling.out) * 2 ** leftShift;
  const [a, b] = [real(scaling.a) * scale, real(scaling.b) * scale];
  const outputs = outputsOf(scaling);
  return coarsePlane(outputs, a, b) ?? finePlane(outputs, a, b);
}
