/**
 * Ops that only training graphs hold: losses, gradients (dy is the gradient of the op's output),
 * updates of parameters and statistics.
 */
import { broadcastShapes, elements, formatShape, sameShape } from '../core/shape.js';
import type { AttrSchema } from './attributes.js';
import { inferFirst, inferSame, inferTo } from './infer.js';
import {
  demand,
  type OpSpec,
  op,
  poolAttrs,
  requireRank,
  type TensorType,
  trainOnly,
  windowAttrs,
  windowMacs,
} from './op-spec.js';

/** The gradient of an activation: inputs of one shape. */
const activationGrad = <const S extends AttrSchema>(
  summary: string,
  inputs: readonly string[],
  attrs: S,
): OpSpec<S> => op({ summary, inputs, attrs, stages: trainOnly, infer: inferSame });

const scalarLoss = ([x, target]: readonly TensorType[]): TensorType => {
  demand(
    sameShape(x!.shape, target!.shape),
    `prediction ${formatShape(x!.shape)} and target ${formatShape(target!.shape)} differ`,
    'The targets need the shape of the model output.',
  );
  return { shape: [], dtype: 'f32' };
};

/** Logits [N, K] and class numbers s32 [N]. */
function requireClasses(logits: TensorType, labels: TensorType): void {
  requireRank('logits', logits, 2);
  demand(
    labels.dtype === 's32' && sameShape(labels.shape, [logits.shape[0]!]),
    `labels are ${labels.dtype}${formatShape(labels.shape)}, expected s32[${logits.shape[0]}]`,
    'Labels are one class number per image.',
  );
}

/** x [...], scale [] or [channels of axis], limits [2]. */
function inferFake(
  [x, scale, limits]: readonly TensorType[],
  { axis }: { readonly axis?: number },
): TensorType {
  const channels = axis === undefined ? [] : [x!.shape[axis] ?? 0];
  demand(
    sameShape(scale!.shape, channels) && sameShape(limits!.shape, [2]),
    `scale ${formatShape(scale!.shape)} and limits ${formatShape(limits!.shape)}, expected ${formatShape(channels)} and [2]`,
    'Give one scale, or one per index of the axis.',
  );
  return inferFirst([x!]);
}

export const trainOps = {
  broadcastTo: op({
    summary: 'x repeated to shape, by the rules of broadcasting',
    inputs: ['x'],
    attrs: { shape: 'ints' },
    stages: trainOnly,
    infer([x], { shape }) {
      const common = broadcastShapes(x!.shape, shape);
      demand(
        common !== undefined && sameShape(common, shape),
        `${formatShape(x!.shape)} does not broadcast to ${formatShape(shape)}`,
        'Dimensions must be equal or 1.',
      );
      return inferTo(shape, x!);
    },
  }),
  dropoutMask: op({
    summary: '0 with probability rate, else 1 / (1 - rate), like x; key = s32 [seed, epoch, step]',
    inputs: ['x', 'key'],
    attrs: { rate: 'float', stream: 'int' },
    stages: trainOnly,
    infer: ([x, key]) => {
      demand(
        key!.dtype === 's32' && sameShape(key!.shape, [3]),
        `key is ${key!.dtype}${formatShape(key!.shape)}, expected s32[3]`,
        'The key is [seed, epoch, step].',
      );
      return inferFirst([x!]);
    },
  }),
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
  softCrossEntropy: op({
    summary: 'mean over the batch of -sum over classes of target log softmax(logits)',
    inputs: ['logits', 'targets'],
    attrs: {},
    stages: trainOnly,
    infer([logits, targets]) {
      requireRank('logits', logits!, 2);
      return scalarLoss([logits!, targets!]);
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
  hardSwishGrad: activationGrad('dy (0 if x < -3, 1 if x > 3, else x / 3 + 1/2)', ['x', 'dy'], {}),
  geluGrad: activationGrad(
    'dy (Phi(x) + x phi(x)), the normal distribution and its density',
    ['x', 'dy'],
    {},
  ),
  softmaxGrad: activationGrad('y (dy - sum over the last axis of y dy)', ['y', 'dy'], {}),
  softmaxCrossEntropyGrad: op({
    summary: 'dloss (softmax(logits) - onehot(labels)) / N',
    inputs: ['logits', 'labels', 'dloss'],
    attrs: {},
    stages: trainOnly,
    infer: inferFirst,
  }),
  softCrossEntropyGrad: op({
    summary: 'dloss (softmax(logits) sum of targets - targets) / N',
    inputs: ['logits', 'targets', 'dloss'],
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
  fakeQuantize: op({
    summary:
      'scale min(max(r, low), high) with r = x / scale rounded, halves away from 0; limits = [low, high] relative to the zero point; axis: of the channels, where each has a scale',
    inputs: ['x', 'scale', 'limits'],
    attrs: { axis: 'int?' },
    stages: trainOnly,
    infer: inferFake,
  }),
  fakeQuantizeGrad: op({
    summary: 'dy where low <= x / scale <= high, else 0: straight through the rounding',
    inputs: ['x', 'scale', 'limits', 'dy'],
    attrs: { axis: 'int?' },
    stages: trainOnly,
    infer: inferFake,
  }),
  fakeQuantizeSlope: op({
    summary:
      'the derivative of fakeQuantize by the scale: low where v <= low, high where v >= high, else v rounded - v, with v = x / scale',
    inputs: ['x', 'scale', 'limits'],
    attrs: { axis: 'int?' },
    stages: trainOnly,
    infer: inferFake,
  }),
  gradientScale: op({
    summary: 'x, whose gradient is multiplied by factor; without a factor it has none',
    inputs: ['x', 'factor?'],
    attrs: {},
    stages: trainOnly,
    infer: inferFirst,
  }),
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
