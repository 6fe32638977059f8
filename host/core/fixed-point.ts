/**
 * The fixed-point arithmetic of the int8 scheme, in plain integers: what kernels/c/enn_fixed.h
 * computes, and what TensorFlow Lite Micro computes with double rounding.
 *
 * A real factor is `multiplier * 2^(shift - 31)` with a multiplier in [2^30, 2^31). Numbers named
 * Qm.n have m integer and n fraction bits; `int32` arguments are JavaScript numbers that hold one.
 */
import { BadInputError } from './errors.js';

/** A real factor as an integer: multiplier * 2^(shift - 31). */
export interface Multiplier {
  /** 0, or in [2^30, 2^31). */
  readonly multiplier: number;
  /** Positive shifts left, negative right; in [-31, 31]. */
  readonly shift: number;
}

const two31 = 2 ** 31;

/** The exponent e of a positive finite number: value = f * 2^e with f in [0.5, 1). */
function exponentOf(value: number): number {
  let e = Math.floor(Math.log2(value)) + 1;
  // log2 may round up to the next integer, or lose a bit below 2^-1022.
  while (value / 2 ** e >= 1) e++;
  while (value / 2 ** e < 0.5) e--;
  return e;
}

/**
 * The integer form of a factor: 31 bits, rounded half away from zero. Factors below 2^-32 become 0.
 *
 * @param factor in [0, 2^31)
 * @throws BadInputError for another factor
 */
export function quantizeMultiplier(factor: number): Multiplier {
  if (!(factor >= 0 && factor < two31)) {
    throw new BadInputError(`a ratio of scales is ${factor}, expected at least 0 and below 2^31`, {
      hint: 'Calibrate with data that reaches every layer, or mend the scales in the model file.',
    });
  }
  if (factor === 0) return { multiplier: 0, shift: 0 };
  let shift = exponentOf(factor);
  let multiplier = Math.round((factor / 2 ** shift) * two31);
  if (multiplier === two31) {
    multiplier /= 2;
    shift++;
  }
  return shift < -31 ? { multiplier: 0, shift: 0 } : { multiplier, shift };
}

/**
 * round(a b / 2^31), halves upwards, saturated: the high half of twice the product.
 *
 * The product has up to 62 bits, more than a double holds, so it is built from 16-bit limbs of b:
 * a b = a (bh 2^16 + bl), where both partial products are exact.
 */
export function saturatingRoundingDoublingHighMul(a: number, b: number): number {
  if (a === -two31 && b === -two31) return two31 - 1;
  const low = a * (b & 0xffff) + 0x40000000;
  const high = a * (b >> 16) + Math.floor(low / 0x10000);
  return Math.floor(high / 0x8000);
}

/** round(x / 2^exponent), halves away from zero; exponent in [0, 31]. */
export function roundingDivideByPot(x: number, exponent: number): number {
  if (exponent === 0) return x;
  const half = 1 << (exponent - 1);
  // In doubles: x + half may leave int32.
  return x < 0 ? 0 - Math.floor((half - x) / (2 * half)) : Math.floor((x + half) / (2 * half));
}

/** The value of x * 2^left in int32, wrapping as the reference kernels do. */
const shiftLeft = (x: number, left: number): number => (left === 0 ? x : x << left);

/**
 * x times a factor with the two roundings of the reference kernels: the doubling high multiply,
 * then the division by a power of two.
 *
 * @param x int32; x * 2^shift must fit for a positive shift, else it wraps
 */
export function multiplyByQuantizedMultiplier(
  x: number,
  multiplier: number,
  shift: number,
): number {
  const left = Math.max(shift, 0);
  const product = saturatingRoundingDoublingHighMul(shiftLeft(x, left), multiplier);
  return roundingDivideByPot(product, left - shift);
}

/**
 * A multiplier of 31 bits as one of 15, rounded, for accumulators that are wider than 32 bits: a
 * real factor is reduced * 2^(shift - 15).
 */
export const reduceMultiplier = (multiplier: number): number =>
  multiplier < 0x7fff0000 ? Math.floor((multiplier + 0x8000) / 0x10000) : 0x7fff;

/** Doubles hold what is below. */
const exactIntegers = 2 ** 53;

/**
 * x times reduced * 2^(shift - 15), rounded once, halves upwards, as the reference kernels of int16
 * activations do with their 64-bit accumulators; the result wraps to int32.
 *
 * @param x an integer below 2^47
 * @param reduced of `reduceMultiplier`
 * @param shift in [-31, 14]
 */
export function multiplyByReducedMultiplier(x: number, reduced: number, shift: number): number {
  const right = 15 - shift;
  const product = x * reduced;
  if (Math.abs(product) + 2 ** right < exactIntegers) {
    return Math.floor((product + 2 ** (right - 1)) / 2 ** right) | 0;
  }
  const wide = BigInt(x) * BigInt(reduced) + (1n << BigInt(right - 1));
  return Number(BigInt.asIntN(32, wide >> BigInt(right)));
}

/** x * 2^exponent, saturated to int32; exponent in [0, 30]. */
export function saturatingShiftLeft(x: number, exponent: number): number {
  return Math.max(-two31, Math.min(two31 - 1, x * 2 ** exponent));
}

/** exp(-1/4), exp(-1/2), ... exp(-16) in Q0.31. */
const expOfNegativePowers = [
  1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242,
] as const;
const expOfMinusEighth = 1895147668;
const oneThird = 715827883;

/** exp(a) for a in [-1/4, 0), both Q0.31: a Taylor polynomial of degree 4 around -1/8. */
function expNearZero(a: number): number {
  const mul = saturatingRoundingDoublingHighMul;
  const x = a + 2 ** 28;
  const x2 = mul(x, x);
  const x3 = mul(x2, x);
  const x4 = mul(x2, x2);
  const x4Over4 = roundingDivideByPot(x4, 2);
  const higher = roundingDivideByPot(mul(x4Over4 + x3, oneThird) + x2, 1);
  return expOfMinusEighth + mul(expOfMinusEighth, x + higher);
}

/**
 * exp(a) for a <= 0.
 *
 * @param a Q5.26
 * @returns Q0.31
 */
export function expOnNegativeValues(a: number): number {
  if (a === 0) return two31 - 1;
  const quarter = 2 ** 24;
  const rest = (a & (quarter - 1)) - quarter;
  let result = expNearZero(saturatingShiftLeft(rest, 5));
  const remainder = rest - a;
  expOfNegativePowers.forEach((factor, i) => {
    if (remainder & (1 << (24 + i))) result = saturatingRoundingDoublingHighMul(result, factor);
  });
  return result;
}

/** 1 / (1 + a) for a in [0, 1), both Q0.31: three Newton steps from 48/17 - 32/17 d. */
export function oneOverOnePlusX(a: number): number {
  const mul = saturatingRoundingDoublingHighMul;
  const halfDenominator = Math.floor((a + two31) / 2);
  let x = 1515870810 + mul(halfDenominator, -1010580540);
  for (let i = 0; i < 3; i++) {
    const error = 2 ** 29 - mul(halfDenominator, x);
    x += saturatingShiftLeft(mul(x, error), 2);
  }
  return saturatingShiftLeft(x, 1);
}

/** What `reciprocal` returns: 1 / x = scale * 2^-bitsOverUnit. */
export interface Reciprocal {
  /** Q0.31, in [1/2, 1]. */
  readonly scale: number;
  readonly bitsOverUnit: number;
}

/** The reciprocal of a positive number with `integerBits` integer bits. */
export function reciprocal(x: number, integerBits: number): Reciprocal {
  const leadingZeros = Math.clz32(x);
  const fraction = x * 2 ** leadingZeros - two31;
  return { scale: oneOverOnePlusX(fraction), bitsOverUnit: integerBits - leadingZeros };
}
