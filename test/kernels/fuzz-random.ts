/**
 * Seeded choices for fuzz cases: case n of a seed is the same on every machine.
 */
import { type RandomKey, randomBits } from '../../host/core/random.js';
import type { Quantization } from '../../host/ir/graph.js';

export interface Choice {
  /** An integer in [low, high], both included. */
  int(low: number, high: number): number;
  pick<T>(list: readonly T[]): T;
  chance(probability: number): boolean;
  /** Elements of int8: uniform, extremes only, small, or all the same. */
  bytes(count: number): Int8Array;
  /** 2^exponent in [low, high] times a random mantissa, as float32. */
  scale(low: number, high: number): number;
}

/** The choices of one case. */
export function choices(seed: number, index: number): Choice {
  const key: RandomKey = { seed, purpose: 'test', step: index };
  let at = 0;
  const word = () => randomBits(key, at++);
  const int = (low: number, high: number) =>
    low + Math.floor((word() / 2 ** 32) * (high - low + 1));
  const chance = (probability: number) => word() / 2 ** 32 < probability;

  function bytes(count: number): Int8Array {
    const words = Int32Array.from({ length: Math.ceil(count / 4) }, word);
    const out = new Int8Array(words.buffer, 0, count);
    const kind = int(0, 7);
    if (kind === 0) return out.map((x) => (x < 0 ? -128 : 127));
    if (kind === 1) return out.map((x) => x >> 5);
    if (kind === 2) return out.fill(out[0] ?? 0);
    return out;
  }

  return {
    int,
    chance,
    bytes,
    pick: (list) => list[int(0, list.length - 1)]!,
    scale: (low, high) => Math.fround(2 ** int(low, high) * (1 + word() / 2 ** 32)),
  };
}

/** A zero point: often an end of the range. */
export const zeroPoint = (c: Choice): number =>
  c.chance(0.3) ? c.pick([-128, 127, 0]) : c.int(-128, 127);

export const tensorQuant = (scale: number, zero: number): Quantization => ({
  scheme: 'tflite',
  scale: Float32Array.of(scale),
  zeroPoint: Int32Array.of(zero),
});

/** The exponent of a rescaling: mostly that of trained models, sometimes anything that works. */
export const factorExponents = (c: Choice): readonly [number, number] =>
  c.chance(0.75) ? [-11, -2] : [-36, 27];

/** A clamp, or none. */
export function clampAttr(c: Choice): { clamp?: readonly [number, number] } {
  if (c.chance(0.4)) return {};
  const [a, b] = [c.int(-128, 127), c.int(-128, 127)];
  return { clamp: c.chance(0.3) ? [-128, 127] : [Math.min(a, b), Math.max(a, b)] };
}
