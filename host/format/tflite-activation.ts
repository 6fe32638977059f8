/**
 * The integer bounds that a fused activation of TFLite stands for.
 */
import type { TfliteActivation } from './tflite-ops.js';

/** The real bounds of the activations that bound an integer output; undefined for no bound. */
const bounds: Partial<Record<TfliteActivation, readonly [number?, number?]>> = {
  NONE: [],
  RELU: [0],
  RELU6: [0, 6],
  RELU_N1_TO_1: [-1, 1],
};

/** Round half away from zero, of a quotient in float32 as the TFLite kernels form it. */
function quantized(real: number, scale: number, zeroPoint: number): number {
  const q = Math.fround(Math.fround(real) / Math.fround(scale));
  return zeroPoint + Math.sign(q) * Math.floor(Math.abs(q) + 0.5);
}

/**
 * [lowest, highest] of an int8 output with a fused activation, or undefined for an activation
 * that is no bound (TANH, SIGN_BIT).
 * Source: CalculateActivationRangeQuantized of TFLite Micro.
 */
export function int8ActivationRange(
  activation: TfliteActivation,
  scale: number,
  zeroPoint: number,
): readonly [number, number] | undefined {
  const real = bounds[activation];
  if (!real) return undefined;
  const [low, high] = real;
  return [
    low === undefined ? -128 : Math.max(-128, quantized(low, scale, zeroPoint)),
    high === undefined ? 127 : Math.min(127, quantized(high, scale, zeroPoint)),
  ];
}

/** The activations that can be found from a range, the plainest first. */
export const rangeActivations = Object.keys(bounds) as readonly TfliteActivation[];
