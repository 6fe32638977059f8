/**
 * Layers of the model builder. Sizes are [height, width]; shapes are without the batch; required
 * things are positional, the rest are options. Every function throws BadInputError (exit code 3),
 * naming the layer, when its arguments or shapes do not fit.
 */
import { elements, formatShape, type Shape } from '../core/shape.js';
import type { ValueId } from '../ir/graph.js';
import { type Initializer, initializerNames } from './initialize.js';
import { currentContext } from './model.js';
import {
  addLayer,
  addParameter,
  addStatistic,
  describe,
  type LayerOptions,
  layerError,
  layerName,
  requireCount,
  requireNumber,
  requireRankOf,
  requireTensor,
  type Tensor,
} from './tensor.js';
import { resolveWindow, type Size, type WindowOptions } from './window.js';

export interface WeightOptions {
  /** Adds a bias per output; default true. */
  readonly useBias?: boolean;
  /** How the weights begin: 'glorot' (default) or 'he' (larger, for deep ReLU networks). */
  readonly initializer?: Initializer;
}

export interface ConvOptions extends LayerOptions, WindowOptions, WeightOptions {
  /** Distance between the taps of the kernel; default 1. */
  readonly dilation?: Size;
}

export interface DepthwiseOptions extends ConvOptions {
  /** Outputs per input channel; default 1. */
  readonly multiplier?: number;
}

export interface PoolOptions extends LayerOptions, WindowOptions {}

export interface DropoutOptions extends LayerOptions {
  /**
   * The shape in which elements are dropped, a 1 where an axis shares one decision: [1, 1, C] drops
   * whole channels of [H, W, C]. Default: every element for itself.
   */
  readonly noiseShape?: Shape;
}

export interface BatchNormOptions extends LayerOptions {
  /** Added to the variance; default 1e-3. */
  readonly epsilon?: number;
  /** What the moving statistics keep of themselves in every step of training; default 0.9. */
  readonly momentum?: number;
}

/** Requires a list of sizes of 1 or more, not empty. */
function requireShape(layer: string, shape: unknown): Shape {
  if (!Array.isArray(shape) || shape.length === 0) {
    const hint = 'Give the sizes without the batch: [height, width, channels] or [features].';
    throw layerError(layer, `expected a shape, got ${describe(shape)}`, hint);
  }
  return shape.map((d) => requireCount(layer, 'every size', d));
}

function initializerOf(layer: string, options: WeightOptions): Initializer {
  const { initializer = 'glorot' } = options;
  if (initializerNames.includes(initializer)) return initializer;
  const hint = `Use one of ${initializerNames.join(', ')}.`;
  throw layerError(layer, `unknown initializer ${describe(initializer)}`, hint);
}

/** The bias of a layer, as a list of no or one value. */
function biasOf(x: Tensor, name: string, size: number, options: WeightOptions): ValueId[] {
  if (options.useBias === false) return [];
  return [addParameter(x.context, `${name}.b`, [size], 'zeros')];
}

/**
 * The network's input: f32 [height, width, channels], or any other shape, in real units.
 * Its default name is `input`.
 */
export function input(shape: Shape, options: LayerOptions = {}): Tensor {
  const context = currentContext();
  const named = options.name !== undefined || context.builder.values.has('input');
  const name = named ? layerName(context, 'input', options) : 'input';
  const sizes = requireShape(name, shape);
  const id = context.builder.input({ shape: [1, ...sizes], dtype: 'f32' }, { id: name });
  return { id, shape: sizes, context };
}

/**
 * Convolution (cross-correlation): [H, W, C] -> [H', W', filters].
 * Weights `name.w` [filters, kh, kw, C], bias `name.b` [filters].
 */
export function conv2d(
  x: Tensor,
  filters: number,
  kernel: Size,
  options: ConvOptions = {},
): Tensor {
  requireTensor('conv2d', x);
  const name = layerName(x.context, 'conv', options);
  requireRankOf(name, x, 3);
  requireCount(name, 'filters', filters);
  const { size, ...window } = resolveWindow(name, x, kernel, options, 1);
  const channels = x.shape[2]!;
  const taps = size[0] * size[1];
  const w = addParameter(
    x.context,
    `${name}.w`,
    [filters, ...size, channels],
    initializerOf(name, options),
    { in: taps * channels, out: taps * filters },
  );
  return addLayer(
    x.context,
    'conv2d',
    [x.id, w, ...biasOf(x, name, filters, options)],
    window,
    name,
  );
}

export interface Conv1dOptions extends LayerOptions, WeightOptions {
  /** Default 1. */
  readonly stride?: number;
  /** Default 'valid'. 'full': all positions where kernel and input overlap. */
  readonly padding?: 'same' | 'valid' | 'full';
  /** Distance between the taps of the kernel; default 1. */
  readonly dilation?: number;
}

/**
 * Convolution along one axis: [L, C] -> [L', filters], computed as a convolution of an image of
 * height 1. Weights `name.conv.w` [filters, 1, kernel, C], bias `name.conv.b` [filters].
 */
export function conv1d(
  x: Tensor,
  filters: number,
  kernel: number,
  options: Conv1dOptions = {},
): Tensor {
  requireTensor('conv1d', x);
  const name = layerName(x.context, 'conv1d', options);
  requireRankOf(name, x, 2);
  const { stride = 1, padding = 'valid', dilation = 1, useBias = true } = options;
  const { initializer = 'glorot' } = options;
  const image = reshape(x, [1, ...x.shape], { name: `${name}.image` });
  const y = conv2d(image, filters, [1, requireCount(name, 'the kernel', kernel)], {
    ...{ name: `${name}.conv`, useBias, initializer, padding },
    strides: [1, stride],
    dilation: [1, dilation],
  });
  return reshape(y, y.shape.slice(1), { name });
}

/** Depthwise convolution under a given name. */
function depthwise(x: Tensor, kernel: Size, options: DepthwiseOptions, name: string): Tensor {
  requireRankOf(name, x, 3);
  const multiplier = requireCount(name, 'multiplier', options.multiplier ?? 1);
  const { size, ...window } = resolveWindow(name, x, kernel, options, 1);
  const outputs = x.shape[2]! * multiplier;
  const taps = size[0] * size[1];
  const w = addParameter(
    x.context,
    `${name}.w`,
    [1, ...size, outputs],
    initializerOf(name, options),
    { in: taps, out: taps * multiplier },
  );
  const inputs = [x.id, w, ...biasOf(x, name, outputs, options)];
  return addLayer(x.context, 'depthwiseConv2d', inputs, window, name);
}

/**
 * Convolution of every channel by itself: [H, W, C] -> [H', W', C * multiplier].
 * Weights `name.w` [1, kh, kw, C * multiplier], bias `name.b`.
 */
export function depthwiseConv2d(x: Tensor, kernel: Size, options: DepthwiseOptions = {}): Tensor {
  requireTensor('depthwiseConv2d', x);
  return depthwise(x, kernel, options, layerName(x.context, 'depthwise', options));
}

/**
 * Depthwise convolution without bias, then a 1x1 convolution: [H, W, C] -> [H', W', filters].
 * Weights `name.depthwise.w` and `name.w`, bias `name.b`.
 */
export function separableConv2d(
  x: Tensor,
  filters: number,
  kernel: Size,
  options: DepthwiseOptions = {},
): Tensor {
  requireTensor('separableConv2d', x);
  const name = layerName(x.context, 'separable', options);
  requireCount(name, 'filters', filters);
  const spread = depthwise(x, kernel, { ...options, useBias: false }, `${name}.depthwise`);
  const { useBias = true, initializer = 'glorot' } = options;
  return conv2d(spread, filters, 1, { name, useBias, initializer });
}

/** Fully connected: [features] -> [units]. Weights `name.w` [units, features], bias `name.b`. */
export function dense(
  x: Tensor,
  units: number,
  options: LayerOptions & WeightOptions = {},
): Tensor {
  requireTensor('dense', x);
  const name = layerName(x.context, 'dense', options);
  requireRankOf(name, x, 1);
  requireCount(name, 'units', units);
  const features = x.shape[0]!;
  const fan = { in: features, out: units };
  const shape = [units, features];
  const w = addParameter(x.context, `${name}.w`, shape, initializerOf(name, options), fan);
  return addLayer(x.context, 'dense', [x.id, w, ...biasOf(x, name, units, options)], {}, name);
}

function pool(
  op: 'maxPool2d' | 'avgPool2d',
  kind: string,
  x: Tensor,
  size: Size,
  options: PoolOptions,
): Tensor {
  requireTensor(op, x);
  const name = layerName(x.context, kind, options);
  requireRankOf(name, x, 3);
  const { dilation: _, ...window } = resolveWindow(name, x, size, options, size);
  return addLayer(x.context, op, [x.id], window, name);
}

/** The maximum of each window: [H, W, C] -> [H', W', C]. Strides default to the size. */
export const maxPool2d = (x: Tensor, size: Size, options: PoolOptions = {}): Tensor =>
  pool('maxPool2d', 'maxpool', x, size, options);

/** The mean of each window, padding not counted: [H, W, C] -> [H', W', C]. */
export const avgPool2d = (x: Tensor, size: Size, options: PoolOptions = {}): Tensor =>
  pool('avgPool2d', 'avgpool', x, size, options);

export interface Pool1dOptions extends LayerOptions {
  /** Default: the size. */
  readonly stride?: number;
  /** Default 'valid'. */
  readonly padding?: 'same' | 'valid';
}

/** A pool along one axis, as a pool over an image of height 1. */
function pool1d(op: typeof maxPool2d, x: Tensor, size: number, options: Pool1dOptions): Tensor {
  requireTensor('pool1d', x);
  const name = layerName(x.context, 'pool1d', options);
  requireRankOf(name, x, 2);
  requireCount(name, 'the size', size);
  const { stride = size, padding = 'valid' } = options;
  const image = reshape(x, [1, ...x.shape], { name: `${name}.image` });
  const y = op(image, [1, size], { name: `${name}.pool`, strides: [1, stride], padding });
  return reshape(y, y.shape.slice(1), { name });
}

/** The maximum of each window along one axis: [L, C] -> [L', C]. */
export const maxPool1d = (x: Tensor, size: number, options: Pool1dOptions = {}): Tensor =>
  pool1d(maxPool2d, x, size, options);

/** The mean of each window along one axis, padding not counted: [L, C] -> [L', C]. */
export const avgPool1d = (x: Tensor, size: number, options: Pool1dOptions = {}): Tensor =>
  pool1d(avgPool2d, x, size, options);

/** The mean of each channel over the image: [H, W, C] -> [C], or [1, 1, C] with keepDims. */
export function globalAvgPool2d(
  x: Tensor,
  options: LayerOptions & { readonly keepDims?: boolean } = {},
): Tensor {
  requireTensor('globalAvgPool2d', x);
  const name = layerName(x.context, 'globalpool', options);
  requireRankOf(name, x, 3);
  const attrs = { axes: [1, 2], keepDims: options.keepDims ?? false };
  return addLayer(x.context, 'mean', [x.id], attrs, name);
}

/**
 * Batch normalization over the last axis. Parameters `name.gamma`, `name.beta`; the moving
 * statistics `name.mean`, `name.variance` are states.
 */
export function batchNorm(x: Tensor, options: BatchNormOptions = {}): Tensor {
  requireTensor('batchNorm', x);
  const { context } = x;
  const name = layerName(context, 'norm', options);
  const channels = x.shape.at(-1)!;
  const inputs = [
    x.id,
    addParameter(context, `${name}.gamma`, [channels], 'ones'),
    addParameter(context, `${name}.beta`, [channels], 'zeros'),
    addStatistic(context, `${name}.mean`, channels, 0),
    addStatistic(context, `${name}.variance`, channels, 1),
  ];
  const epsilon = requireNumber(name, 'epsilon', options.epsilon ?? 1e-3, Number.MIN_VALUE);
  const { momentum } = options;
  const kept = momentum !== undefined && {
    momentum: requireNumber(name, 'momentum', momentum, 0, 1),
  };
  return addLayer(context, 'batchNorm', inputs, { epsilon, ...kept }, name);
}

/** In training sets a part `rate` of the elements to 0 and scales the rest; else the identity. */
export function dropout(x: Tensor, rate: number, options: DropoutOptions = {}): Tensor {
  requireTensor('dropout', x);
  const name = layerName(x.context, 'dropout', options);
  const { noiseShape: noise } = options;
  if (noise && !(noise.length === x.shape.length && noise.every(fits(x.shape)))) {
    const hint = 'Give one number per axis without the batch: 1, or the size of x there.';
    throw layerError(name, `noise shape ${describe(noise)} of ${formatShape(x.shape)}`, hint);
  }
  const attrs = { rate: requireNumber(name, 'rate', rate, 0, 1), ...(noise && { noise }) };
  return addLayer(x.context, 'dropout', [x.id], attrs, name);
}

const fits = (shape: Shape) => (size: number, axis: number) => size === 1 || size === shape[axis];

/** A shape with one -1 as the number that keeps the count of elements. */
function withRest(layer: string, shape: unknown, count: number): Shape {
  if (!Array.isArray(shape) || !shape.includes(-1)) return requireShape(layer, shape);
  const others = shape.filter((d) => d !== -1);
  const known = elements(others.map((d) => requireCount(layer, 'every size', d)));
  if (others.length === shape.length - 1 && count % known === 0) {
    return shape.map((d) => (d === -1 ? count / known : d));
  }
  const hint = 'Give at most one -1, and sizes that divide the number of elements.';
  throw layerError(layer, `${describe(shape)} leaves no size for ${count} elements`, hint);
}

/** The same elements in another shape; a size of -1 is what the others leave. */
export function reshape(x: Tensor, shape: Shape, options: LayerOptions = {}): Tensor {
  requireTensor('reshape', x);
  const name = layerName(x.context, 'reshape', options);
  const sizes = withRest(name, shape, elements(x.shape));
  if (elements(sizes) !== elements(x.shape)) {
    throw layerError(
      name,
      `cannot reshape ${formatShape(x.shape)} to ${formatShape(sizes)}`,
      'The number of elements must stay the same.',
    );
  }
  return addLayer(x.context, 'reshape', [x.id], { shape: sizes }, name);
}

/** [a, b, ...] -> [a * b * ...], row-major. */
export function flatten(x: Tensor, options: LayerOptions = {}): Tensor {
  requireTensor('flatten', x);
  const name = layerName(x.context, 'flatten', options);
  return addLayer(x.context, 'reshape', [x.id], { shape: [elements(x.shape)] }, name);
}
