/**
 * Quantization schemes as data: which integers a kind of value is stored in, and how a range of
 * real numbers becomes a scale and a zero point. A scale is computed in double and stored as
 * float32; integers are computed with the stored scale.
 */
import { elements, type Shape } from '../core/shape.js';
import type { Quantization } from '../ir/graph.js';
import { int8, type Limits, perTensor, type Range, rangeOf, roundAway } from './affine.js';

/** What bounds the scales of weights from below. */
export interface ScaleFloor {
  /** The scale of weights that are all zero. */
  readonly empty: number;
  /** The least scale of a channel, so that its bias fits. */
  least(channel: number): number;
}

export interface Scheme {
  readonly name: string;
  readonly activations: Limits;
  readonly weights: Limits;
  /** The quantization of a softmax's output, whatever it was calibrated to. */
  readonly probabilities: Quantization;
  /** Activations: asymmetric, per tensor. */
  activation(range: Range): Quantization;
  /** Weights: symmetric, per index of `axis` or per tensor. */
  weight(
    data: ArrayLike<number>,
    shape: Shape,
    axis: number | undefined,
    floor: ScaleFloor,
  ): Quantization;
  /** A bias, added to the products of x and w. */
  bias(x: Quantization, w: Quantization): Quantization;
}

/** Spans below this hold nothing but noise; a scale from them would leave float32's range. */
const leastSpan = 1e-30;

/**
 * Scale and zero point so that zero is stored exactly: the range is widened to hold zero, and
 * moved by less than a step. Of the two zero points that the ends suggest, the one with the
 * smaller rounding error is taken (ChooseQuantizationParams of TFLite).
 */
function affine(scheme: string, { min, max }: Range, { low, high }: Limits): Quantization {
  const least = Math.min(min, 0);
  const most = Math.max(max, 0);
  // All zero: any scale will do.
  if (most - least < leastSpan) return perTensor(scheme, 1, low);
  const scale = (most - least) / (high - low);
  const fromLeast = low - least / scale;
  const fromMost = high - most / scale;
  const errorOfLeast = Math.abs(low) + Math.abs(least / scale);
  const errorOfMost = Math.abs(high) + Math.abs(most / scale);
  const zero = roundAway(errorOfLeast < errorOfMost ? fromLeast : fromMost);
  return perTensor(scheme, scale, Math.min(high, Math.max(low, zero)) + 0);
}

/** The largest magnitude per index of the axis, or of the whole. */
function magnitudes(data: ArrayLike<number>, shape: Shape, axis: number | undefined): Float64Array {
  if (axis === undefined) {
    const { min, max } = rangeOf(data);
    return Float64Array.of(Math.max(-min, max));
  }
  const inner = elements(shape.slice(axis + 1));
  const out = new Float64Array(shape[axis]!);
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / inner) % out.length;
    out[channel] = Math.max(out[channel]!, Math.abs(data[i]!));
  }
  return out;
}

/**
 * The int8 scheme of the TFLite specification.
 * Source: https://ai.google.dev/edge/litert/models/quantization_spec
 */
const tflite: Scheme = {
  name: 'tflite',
  activations: int8,
  // -128 stays unused, so that a product of two int8 is at most 127 * 128.
  weights: { low: -127, high: 127 },
  probabilities: perTensor('tflite', 1 / 256, -128),
  activation: (range) => affine('tflite', range, int8),
  weight(data, shape, axis, floor) {
    const scale = Float32Array.from(magnitudes(data, shape, axis), (m, channel) =>
      Math.max(m < leastSpan ? floor.empty : m / 127, floor.least(channel)),
    );
    const zeroPoint = new Int32Array(scale.length);
    return { scheme: 'tflite', scale, zeroPoint, ...(axis !== undefined && { axis }) };
  },
  bias(x, w) {
    const scale = w.scale.map((s) => Math.fround(s * x.scale[0]!));
    const zeroPoint = new Int32Array(scale.length);
    return { scheme: 'tflite', scale, zeroPoint, ...(w.axis !== undefined && { axis: 0 }) };
  },
};

export const schemes = { tflite } as const satisfies Readonly<Record<string, Scheme>>;
export type SchemeName = keyof typeof schemes;

export const isSchemeName = (text: string): text is SchemeName => Object.hasOwn(schemes, text);
