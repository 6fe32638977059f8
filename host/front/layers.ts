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

export interface BatchNormOptions extends LayerOptions {
  /** Added to the variance; default 1e-3. */
  readonly epsilon?: number;
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
  return addLayer(context, 'batchNorm', inputs, { epsilon }, name);
}

/** In training sets a part `rate` of the elements to 0 and scales the rest; else the identity. */
export function dropout(x: Tensor, rate: number, options: LayerOptions = {}): Tensor {
  requireTensor('dropout', x);
  const name = layerName(x.context, 'dropout', options);
  return addLayer(
    x.context,
    'dropout',
    [x.id],
    { rate: requireNumber(name, 'rate', rate, 0, 1) },
    name,
  );
}

/** The same elements in another shape. */
export function reshape(x: Tensor, shape: Shape, options: LayerOptions = {}): Tensor {
  requireTensor('reshape', x);
  const name = layerName(x.context, 'reshape', options);
  const sizes = requireShape(name, shape);
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
