/**
 * The bytes that an activation lets through.
 */
import type { Value } from '../ir/graph.js';
import { scaleOf, zeroPointOf } from './quantization.js';

/** The byte that stands for a real number >= 0, in float32 as the reference kernels compute it. */
function byteOf(value: Value, real: number): number {
  const steps = Math.round(Math.fround(real / scaleOf(value)));
  return Math.min(127, Math.max(-128, zeroPointOf(value) + steps));
}

/** [lowest, highest] byte after the activation, at the value's scale. */
export function activationRange(value: Value, op: 'relu' | 'relu6'): readonly [number, number] {
  return [byteOf(value, 0), op === 'relu6' ? byteOf(value, 6) : 127];
}
