/**
 * The integer bounds that a fused activation of TFLite stands for.
 */
import type { TfliteActivation } from './ops.js';

/** The real bounds of the activations that are none but bounds. */
const bounds = {
  NONE: [],
  RELU: [0],
  RELU6: [0, 6],
  RELU_N1_TO_1: [-1, 1],
} as const satisfies Partial<Record<TfliteActivation, readonly [number?, number?]>>;

/** An activation that an integer output takes as a clamp; TANH and SIGN_BIT are none. */
export type BoundActivation = keyof typeof bounds;

export const isBoundActivation = (activation: TfliteActivation): activation is BoundActivation =>
  Object.hasOwn(bounds, activation);

/** Round half away from zero, of a quotient in float32 as the TFLite kernels form it. */
function quantized(real: number, scale: number, zeroPoint: number): number {
  const q = Math.fround(Math.fround(real) / Math.fround(scale));
  return zeroPoint + Math.sign(q) * Math.floor(Math.abs(q) + 0.5);
}

/**
 * [lowest, highest] of an integer output with a fused activation.
 * Source: CalculateActivationRangeQuantized of TFLite Micro.
 *
 * @param stored what the output's type holds
 */
export function activationRange(
  activation: BoundActivation,
  scale: number,
  zeroPoint: number,
  stored: readonly [number, number],
): readonly [number, number] {
  const [low, high]: readonly [number?, number?] = bounds[activation];
  const [least, most] = stored;
  return [
    low === undefined ? least : Math.max(least, quantized(low, scale, zeroPoint)),
    high === undefined ? most : Math.min(most, quantized(high, scale, zeroPoint)),
  ];
}

/** The activations that can be found from a range, the plainest first. */
export const rangeActivations = Object.keys(bounds) as readonly BoundActivation[];
