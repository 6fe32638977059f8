/**
 * Quantization schemes as data: which integers a kind of value is stored in, and how a range of
 * real numbers becomes a scale and a zero point. A scale is computed in double and stored as
 * float32; integers are computed with the stored scale.
 */
import { elements, type Shape } from '../core/shape.js';
import type { Quantization } from '../ir/graph.js';
import { int8, int16, type Limits, perTensor, type Range, rangeOf, roundAway } from './affine.js';

/** What bounds the scales of weights from below. */
export interface ScaleFloor {
  /** The scale of weights that are all zero. */
  readonly empty: number;
  /** The least scale of a channel, so that its bias fits. */
  least(channel: number): number;
}

/** The types that a scheme stores values in. */
export interface SchemeTypes {
  readonly activation: 's8' | 's16';
  readonly weight: 's8' | 's4';
  readonly bias: 's32' | 's64';
}

export interface Scheme {
  readonly name: string;
  readonly types: SchemeTypes;
  readonly activations: Limits;
  readonly weights: Limits;
  /** The quantization of a softmax's output, whatever it was calibrated to. */
  readonly probabilities: Quantization;
  /** Activations: per tensor. */
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

/** What values of all schemes here follow: the rules of the TFLite specification. */
const family = 'tflite';

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

/** Scales of symmetric weights whose largest magnitude is stored as `high`. */
const symmetricWeights =
  ({ high }: Limits): Scheme['weight'] =>
  (data, shape, axis, floor) => {
    const scale = Float32Array.from(magnitudes(data, shape, axis), (m, channel) =>
      Math.max(m < leastSpan ? floor.empty : m / high, floor.least(channel)),
    );
    const zeroPoint = new Int32Array(scale.length);
    return { scheme: family, scale, zeroPoint, ...(axis !== undefined && { axis }) };
  };

/** Of the largest magnitude, what 4 bits may stand for: the rest saturates. */
const coverages = Array.from({ length: 13 }, (_, i) => 1 - i / 20);

/** Squared error of one channel's weights at a scale. */
function weightError(weights: readonly number[], scale: number, { low, high }: Limits): number {
  return weights.reduce((sum, w) => {
    const q = Math.min(high, Math.max(low, Math.round(w / scale)));
    return sum + (w - scale * q) ** 2;
  }, 0);
}

/**
 * Scales of symmetric weights of few bits: where saturating the largest weights makes the squared
 * error of a channel smaller, they saturate.
 */
const leastSquaresWeights =
  (limits: Limits): Scheme['weight'] =>
  (data, shape, axis, floor) => {
    const { scale, ...rest } = symmetricWeights(limits)(data, shape, axis, floor);
    const inner = axis === undefined ? 1 : elements(shape.slice(axis + 1));
    const channels: number[][] = Array.from(scale, () => []);
    for (let i = 0; i < data.length; i++) {
      channels[Math.floor(i / inner) % channels.length]!.push(data[i]!);
    }
    const best = scale.map((whole, channel) => {
      const errorAt = (part: number) => weightError(channels[channel]!, whole * part, limits);
      const errors = coverages.map(errorAt);
      const part = coverages[errors.indexOf(Math.min(...errors))]!;
      return Math.max(whole * part, floor.least(channel));
    });
    return { scale: best, ...rest };
  };

/** A bias is added to the products: its scale is theirs. */
const productScale: Scheme['bias'] = (x, w) => {
  const scale = w.scale.map((s) => Math.fround(s * x.scale[0]!));
  const zeroPoint = new Int32Array(scale.length);
  return { scheme: family, scale, zeroPoint, ...(w.axis !== undefined && { axis: 0 }) };
};

/** -128 stays unused, so that a product of two int8 is at most 127 * 128. */
const weights8: Limits = { low: -127, high: 127 };
const weights4: Limits = { low: -7, high: 7 };

/**
 * int8 activations, int8 weights.
 * Source: https://ai.google.dev/edge/litert/models/quantization_spec
 */
const int8Scheme: Scheme = {
  name: 'int8',
  types: { activation: 's8', weight: 's8', bias: 's32' },
  activations: int8,
  weights: weights8,
  probabilities: perTensor(family, 1 / 256, -128),
  activation: (range) => affine(family, range, int8),
  weight: symmetricWeights(weights8),
  bias: productScale,
};

/** int8 activations, weights of 4 bits: half the flash. */
const int8w4: Scheme = {
  ...int8Scheme,
  name: 'int8w4',
  types: { activation: 's8', weight: 's4', bias: 's32' },
  weights: weights4,
  weight: leastSquaresWeights(weights4),
};

/**
 * int16 activations, int8 weights: next to no noise in the activations, twice the arena. Activations
 * are symmetric, biases 64 bits wide.
 * Source: https://ai.google.dev/edge/litert/models/post_training_integer_quant_16x8
 */
const int16x8: Scheme = {
  ...int8Scheme,
  name: 'int16x8',
  types: { activation: 's16', weight: 's8', bias: 's64' },
  activations: int16,
  probabilities: perTensor(family, 1 / 32768, 0),
  activation({ min, max }) {
    const magnitude = Math.max(-min, max, 0);
    return perTensor(family, magnitude < leastSpan ? 1 : magnitude / int16.high, 0);
  },
};

/** By the names of `--scheme`; `tflite` is another name of int8. */
export const schemes = {
  int8: int8Scheme,
  int16x8,
  int8w4,
  tflite: int8Scheme,
} as const satisfies Readonly<Record<string, Scheme>>;
export type SchemeName = keyof typeof schemes;

export const isSchemeName = (text: string): text is SchemeName => Object.hasOwn(schemes, text);
