/**
 * The op table: every op that a graph can hold, with its meaning, inputs, attributes, shape rule
 * and stages. All other tables (gradients, kernels, quantization, export) are keyed by it.
 *
 * Layouts: activations [N, H, W, C]; conv weights [OC, KH, KW, IC]; depthwise weights
 * [1, KH, KW, C * M]; dense weights [O, I]. `clamp` bounds the integer output and stands for a
 * fused activation; it exists from stage int8 on.
 */

import { broadcastShapes, elements, formatShape, sameShape } from '../core/shape.js';
import type { AttrSchema, AttrsOf } from './attributes.js';
import {
  inferBroadcast,
  inferConcat,
  inferConv2d,
  inferDepthwise,
  inferFirst,
  inferPool2d,
  inferReduce,
  inferSame,
  inferTo,
  requireBias,
} from './infer.js';
import {
  everywhere,
  floatOnly,
  integerOnly,
  type OpSpec,
  require,
  requireRank,
  type Stage,
  type TensorType,
  trainOnly,
} from './op-spec.js';

const op = <const S extends AttrSchema>(spec: OpSpec<S>): OpSpec<S> => spec;

/** An element-by-element op of one operand. */
const unary = <const S extends AttrSchema>(
  summary: string,
  where: readonly Stage[],
  attrs: S,
): OpSpec<S> => op({ summary, inputs: ['x'], attrs, stages: where, infer: inferFirst });

/** The gradient of an activation: inputs of one shape. */
const activationGrad = <const S extends AttrSchema>(
  summary: string,
  inputs: readonly string[],
  attrs: S,
): OpSpec<S> => op({ summary, inputs, attrs, stages: trainOnly, infer: inferSame });

const scalarLoss = ([x, target]: readonly TensorType[]): TensorType => {
  require(sameShape(
    x!.shape,
    target!.shape,
  ), `prediction ${formatShape(x!.shape)} and target ${formatShape(target!.shape)} differ`, 'The targets need the shape of the model output.');
  return { shape: [], dtype: 'f32' };
};

/** Logits [N, K] and class numbers s32 [N]. */
function requireClasses(logits: TensorType, labels: TensorType): void {
  requireRank('logits', logits, 2);
  require(labels.dtype === 's32' &&
    sameShape(labels.shape, [
      logits.shape[0]!,
    ]), `labels are ${labels.dtype}${formatShape(labels.shape)}, expected s32[${logits.shape[0]}]`, 'Labels are one class number per image.');
}

const windowAttrs = { stride: 'pair', pad: 'quad', dilation: 'pair' } as const;
const poolAttrs = { size: 'pair', stride: 'pair', pad: 'quad' } as const;

/** Output elements times the weights that one output element sees. */
const windowMacs = (perOutput: number, output: TensorType): number =>
  elements(output.shape) * perOutput;

export const ops = {
  // Layers with weights
  conv2d: op({
    summary: 'y[n,i,j,o] = sum x[n, i*s+u*d-p, j*s+v*d-p, c] w[o,u,v,c] + b[o]',
    inputs: ['x', 'w', 'b?'],
    attrs: { ...windowAttrs, clamp: 'range?' },
    stages: everywhere,
    infer: inferConv2d,
    macs: ([, w], y) => windowMacs(elements(w!.shape.slice(1)), y),
  }),
  depthwiseConv2d: op({
    summary: 'y[n,i,j,c*M+m] = sum x[n, i*s+u*d-p, j*s+v*d-p, c] w[0,u,v,c*M+m] + b[c*M+m]',
    inputs: ['x', 'w', 'b?'],
    attrs: { ...windowAttrs, clamp: 'range?' },
    stages: everywhere,
    infer: inferDepthwise,
    macs: ([, w], y) => windowMacs(w!.shape[1]! * w!.shape[2]!, y),
  }),
  dense: op({
    summary: 'y[n,o] = sum x[n,i] w[o,i] + b[o]',
    inputs: ['x', 'w', 'b?'],
    attrs: { clamp: 'range?' },
    stages: everywhere,
    infer([x, w, b]) {
      requireRank('x', x!, 2);
      requireRank('w', w!, 2);
      require(x!.shape[1] ===
        w!
          .shape[1], `weights expect ${w!.shape[1]} inputs, x has ${x!.shape[1]}`, 'Weights are [out, in].');
      requireBias(b, w!.shape[0]!);
      return { shape: [x!.shape[0]!, w!.shape[0]!], dtype: x!.dtype };
    },
    macs: ([, w], y) => windowMacs(w!.shape[1]!, y),
  }),
  batchNorm: op({
    summary: 'y = gamma (x - mean) / sqrt(variance + epsilon) + beta, per channel (last axis)',
    inputs: ['x', 'gamma', 'beta', 'mean', 'variance'],
    attrs: { epsilon: 'float' },
    stages: floatOnly,
    infer([x, ...parameters]) {
      for (const parameter of parameters) requireBias(parameter, x!.shape.at(-1)!);
      return inferFirst([x!]);
    },
  }),

  // Pooling and reductions
  maxPool2d: op({
    summary: 'the maximum of each window; padding never wins',
    inputs: ['x'],
    attrs: { ...poolAttrs, clamp: 'range?' },
    stages: everywhere,
    infer: inferPool2d,
  }),
  avgPool2d: op({
    summary: 'the mean of each window, over the elements inside the image',
    inputs: ['x'],
    attrs: { ...poolAttrs, clamp: 'range?' },
    stages: everywhere,
    infer: inferPool2d,
  }),
  mean: op({
    summary: 'the mean over axes',
    inputs: ['x'],
    attrs: { axes: 'ints', keepDims: 'bool' },
    stages: everywhere,
    infer: inferReduce,
  }),
  sum: op({
    summary: 'the sum over axes',
    inputs: ['x'],
    attrs: { axes: 'ints', keepDims: 'bool' },
    stages: floatOnly,
    infer: inferReduce,
  }),
  variance: op({
    summary: 'the population variance over axes: mean((x - mean(x))^2)',
    inputs: ['x'],
    attrs: { axes: 'ints', keepDims: 'bool' },
    stages: floatOnly,
    infer: inferReduce,
  }),

  // Arithmetic, with broadcasting
  add: op({
    summary: 'a + b',
    inputs: ['a', 'b'],
    attrs: { clamp: 'range?' },
    stages: everywhere,
    infer: inferBroadcast,
  }),
  sub: op({
    summary: 'a - b',
    inputs: ['a', 'b'],
    attrs: {},
    stages: floatOnly,
    infer: inferBroadcast,
  }),
  mul: op({
    summary: 'a * b',
    inputs: ['a', 'b'],
    attrs: { clamp: 'range?' },
    stages: everywhere,
    infer: inferBroadcast,
  }),
  div: op({
    summary: 'a / b',
    inputs: ['a', 'b'],
    attrs: {},
    stages: floatOnly,
    infer: inferBroadcast,
  }),
  scale: unary('factor * x', floatOnly, { factor: 'float' }),
  rsqrt: unary('1 / sqrt(x + epsilon)', floatOnly, { epsilon: 'float' }),

  // Activations
  relu: unary('max(x, 0)', everywhere, {}),
  relu6: unary('min(max(x, 0), 6)', everywhere, {}),
  leakyRelu: unary('x if x > 0 else alpha x', floatOnly, { alpha: 'float' }),
  elu: unary('x if x > 0 else alpha (exp(x) - 1)', floatOnly, { alpha: 'float' }),
  selu: unary(
    '1.0507009873554805 (x if x > 0 else 1.6732632423543772 (exp(x) - 1))',
    floatOnly,
    {},
  ),
  sigmoid: unary('1 / (1 + exp(-x))', floatOnly, {}),
  tanh: unary('tanh(x)', floatOnly, {}),
  softplus: unary('log(1 + exp(x))', floatOnly, {}),
  softsign: unary('x / (1 + |x|)', floatOnly, {}),
  softmax: unary('exp(x - max) / sum exp(x - max), over the last axis', everywhere, {}),

  // Shape
  reshape: op({
    summary: 'the same elements as [N, ...shape]; the batch stays',
    inputs: ['x'],
    attrs: { shape: 'ints' },
    stages: everywhere,
    infer([x], { shape }) {
      const target = [x!.shape[0]!, ...shape];
      require(elements(target) ===
        elements(
          x!.shape,
        ), `cannot reshape ${formatShape(x!.shape)} to ${formatShape(target)}`, 'The number of elements must stay the same.');
      return inferTo(target, x!);
    },
  }),
  concat: op({
    summary: 'the inputs one after the other along axis',
    inputs: ['x...'],
    attrs: { axis: 'int', clamp: 'range?' },
    stages: everywhere,
    infer: inferConcat,
  }),
  pad: op({
    summary: 'x inside a border of zeros; padding = [before, after] of axis 0, of axis 1, ...',
    inputs: ['x'],
    attrs: { padding: 'ints' },
    stages: everywhere,
    infer([x], { padding }) {
      require(padding.length === 2 * x!.shape.length &&
        Math.min(...padding) >=
          0, `padding ${formatShape(padding)} does not fit shape ${formatShape(x!.shape)}`, 'Give two numbers of 0 or more per axis.');
      return inferTo(
        x!.shape.map((d, i) => d + padding[2 * i]! + padding[2 * i + 1]!),
        x!,
      );
    },
  }),
  slice: op({
    summary: 'the part of x that begins at begin and has the given size',
    inputs: ['x'],
    attrs: { begin: 'ints', size: 'ints' },
    stages: trainOnly,
    infer([x], { begin, size }) {
      const fits = x!.shape.every(
        (d, i) => begin[i]! >= 0 && size[i]! >= 1 && begin[i]! + size[i]! <= d,
      );
      require(fits &&
        begin.length ===
          x!.shape
            .length, `slice ${formatShape(begin)} + ${formatShape(size)} lies outside ${formatShape(x!.shape)}`, 'Give begin and size per axis.');
      return inferTo(size, x!);
    },
  }),
  broadcastTo: op({
    summary: 'x repeated to shape, by the rules of broadcasting',
    inputs: ['x'],
    attrs: { shape: 'ints' },
    stages: trainOnly,
    infer([x], { shape }) {
      const common = broadcastShapes(x!.shape, shape);
      require(common !== undefined &&
        sameShape(
          common,
          shape,
        ), `${formatShape(x!.shape)} does not broadcast to ${formatShape(shape)}`, 'Dimensions must be equal or 1.');
      return inferTo(shape, x!);
    },
  }),
  requantize: unary('the same real numbers with another scale and zero point', integerOnly, {}),

  // Randomness
  dropout: unary('in training x * mask / (1 - rate), else x', ['float'], { rate: 'float' }),
  dropoutMask: op({
    summary: '0 with probability rate, else 1 / (1 - rate), like x; key = s32 [seed, epoch, step]',
    inputs: ['x', 'key'],
    attrs: { rate: 'float', stream: 'int' },
    stages: trainOnly,
    infer: ([x, key]) => {
      require(key!.dtype === 's32' &&
        sameShape(
          key!.shape,
          [3],
        ), `key is ${key!.dtype}${formatShape(key!.shape)}, expected s32[3]`, 'The key is [seed, epoch, step].');
      return inferFirst([x!]);
    },
  }),

  // Losses: a scalar
  softmaxCrossEntropy: op({
    summary: 'mean over the batch of -log softmax(logits)[label]',
    inputs: ['logits', 'labels'],
    attrs: {},
    stages: trainOnly,
    infer([logits, labels]) {
      requireClasses(logits!, labels!);
      return { shape: [], dtype: 'f32' };
    },
  }),
  sigmoidCrossEntropy: op({
    summary: 'mean of max(x, 0) - x z + log(1 + exp(-|x|)) for logits x and targets z',
    inputs: ['logits', 'targets'],
    attrs: {},
    stages: trainOnly,
    infer: scalarLoss,
  }),
  meanSquares: op({
    summary: 'mean of (x - target)^2',
    inputs: ['x', 'target'],
    attrs: {},
    stages: trainOnly,
    infer: scalarLoss,
  }),
  sumSquares: op({
    summary: 'sum of (x - target)^2',
    inputs: ['x', 'target'],
    attrs: {},
    stages: trainOnly,
    infer: scalarLoss,
  }),

  // Gradients of the layers. dy: gradient of the op's output
  matmul: op({
    summary: 'a b for matrices, each transposed first if asked',
    inputs: ['a', 'b'],
    attrs: { transposeA: 'bool', transposeB: 'bool' },
    stages: trainOnly,
    infer([a, b], { transposeA, transposeB }) {
      requireRank('a', a!, 2);
      requireRank('b', b!, 2);
      const [m, k] = transposeA ? [...a!.shape].reverse() : a!.shape;
      const [k2, n] = transposeB ? [...b!.shape].reverse() : b!.shape;
      require(k === k2, `inner dimensions ${k} and ${k2} differ`, 'Transpose one operand.');
      return { shape: [m!, n!], dtype: a!.dtype };
    },
    macs: ([a], y, { transposeA }) => windowMacs(a!.shape[transposeA ? 0 : 1]!, y),
  }),
  conv2dGradInput: op({
    summary: 'the gradient of conv2d for x, of shape inputShape',
    inputs: ['dy', 'w'],
    attrs: { ...windowAttrs, inputShape: 'ints' },
    stages: trainOnly,
    infer: ([dy], { inputShape }) => inferTo(inputShape, dy!),
    macs: ([dy, w]) => windowMacs(elements(w!.shape.slice(1)), dy!),
  }),
  conv2dGradWeights: op({
    summary: 'the gradient of conv2d for w, [OC, kernel, IC]',
    inputs: ['x', 'dy'],
    attrs: { ...windowAttrs, kernel: 'pair' },
    stages: trainOnly,
    infer: ([x, dy], { kernel }) => inferTo([dy!.shape[3]!, ...kernel, x!.shape[3]!], x!),
    macs: ([x, dy], _, { kernel }) => windowMacs(kernel[0] * kernel[1] * x!.shape[3]!, dy!),
  }),
  depthwiseConv2dGradInput: op({
    summary: 'the gradient of depthwiseConv2d for x, of shape inputShape',
    inputs: ['dy', 'w'],
    attrs: { ...windowAttrs, inputShape: 'ints' },
    stages: trainOnly,
    infer: ([dy], { inputShape }) => inferTo(inputShape, dy!),
    macs: ([dy, w]) => windowMacs(w!.shape[1]! * w!.shape[2]!, dy!),
  }),
  depthwiseConv2dGradWeights: op({
    summary: 'the gradient of depthwiseConv2d for w, [1, kernel, C * M]',
    inputs: ['x', 'dy'],
    attrs: { ...windowAttrs, kernel: 'pair' },
    stages: trainOnly,
    infer: ([x, dy], { kernel }) => inferTo([1, ...kernel, dy!.shape[3]!], x!),
    macs: ([, dy], _, { kernel }) => windowMacs(kernel[0] * kernel[1], dy!),
  }),
  maxPool2dGrad: op({
    summary: 'dy at the first maximum of each window of x, else 0',
    inputs: ['x', 'dy'],
    attrs: poolAttrs,
    stages: trainOnly,
    infer: inferFirst,
  }),
  avgPool2dGrad: op({
    summary: 'dy spread evenly over its window, of shape inputShape',
    inputs: ['dy'],
    attrs: { ...poolAttrs, inputShape: 'ints' },
    stages: trainOnly,
    infer: ([dy], { inputShape }) => inferTo(inputShape, dy!),
  }),
  reluGrad: activationGrad('dy where y > 0', ['y', 'dy'], {}),
  relu6Grad: activationGrad('dy where 0 < y < 6', ['y', 'dy'], {}),
  leakyReluGrad: activationGrad('dy (1 if x > 0 else alpha)', ['x', 'dy'], { alpha: 'float' }),
  eluGrad: activationGrad('dy (1 if y > 0 else y + alpha)', ['y', 'dy'], { alpha: 'float' }),
  seluGrad: activationGrad('dy (1.0507... if y > 0 else y + 1.7580993408473766)', ['y', 'dy'], {}),
  sigmoidGrad: activationGrad('dy y (1 - y)', ['y', 'dy'], {}),
  tanhGrad: activationGrad('dy (1 - y^2)', ['y', 'dy'], {}),
  softplusGrad: activationGrad('dy sigmoid(x)', ['x', 'dy'], {}),
  softsignGrad: activationGrad('dy / (1 + |x|)^2', ['x', 'dy'], {}),
  softmaxGrad: activationGrad('y (dy - sum over the last axis of y dy)', ['y', 'dy'], {}),
  softmaxCrossEntropyGrad: op({
    summary: 'dloss (softmax(logits) - onehot(labels)) / N',
    inputs: ['logits', 'labels', 'dloss'],
    attrs: {},
    stages: trainOnly,
    infer: inferFirst,
  }),
  sigmoidCrossEntropyGrad: op({
    summary: 'dloss (sigmoid(logits) - targets) / number of elements',
    inputs: ['logits', 'targets', 'dloss'],
    attrs: {},
    stages: trainOnly,
    infer: inferFirst,
  }),

  // Updates of parameters and statistics
  scaleAdd: op({
    summary: 'factor * a + b',
    inputs: ['a', 'b'],
    attrs: { factor: 'float' },
    stages: trainOnly,
    infer: inferSame,
  }),
  ema: op({
    summary: 'decay * a + (1 - decay) * b: an exponential moving average',
    inputs: ['a', 'b'],
    attrs: { decay: 'float' },
    stages: trainOnly,
    infer: inferSame,
  }),
  descend: op({
    summary: 'w - rate * g; rate is a scalar',
    inputs: ['w', 'g', 'rate'],
    attrs: {},
    stages: trainOnly,
    infer: inferFirst,
  }),
  adaptiveDescend: op({
    summary: 'w - rate * m / (sqrt(v) + epsilon); rate is a scalar',
    inputs: ['w', 'm', 'v', 'rate'],
    attrs: { epsilon: 'float' },
    stages: trainOnly,
    infer: inferFirst,
  }),
} as const;

export type OpName = keyof typeof ops;
type SchemaOf<O extends OpName> = (typeof ops)[O] extends OpSpec<infer S> ? S : never;
/** The attributes of an op. */
export type OpAttrs<O extends OpName> = AttrsOf<SchemaOf<O>>;

/** A table with one rule per op; the compiler rejects a table that lacks one. */
export type OpTable<Rule> = Readonly<Record<OpName, Rule>>;

export const isOpName = (text: string): text is OpName => Object.hasOwn(ops, text);

/** The table's entry of an op, with the attribute type widened for code that serves every op. */
export const opSpec = (name: OpName): OpSpec => ops[name] as unknown as OpSpec;
