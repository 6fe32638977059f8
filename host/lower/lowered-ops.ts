/**
 * Which ops reach a device. Kernel choice, placement and every emitter have one rule for each of
 * these, in tables that do not compile when one is missing.
 */
import type { NodeOf } from '../ir/graph.js';
import type { OpName, OpTable } from '../ir/ops.js';

const onDevice = {
  conv2d: true,
  depthwiseConv2d: true,
  dense: true,
  batchNorm: false,
  maxPool2d: true,
  avgPool2d: true,
  mean: true,
  sum: false,
  variance: false,
  add: true,
  sub: false,
  mul: true,
  div: false,
  scale: false,
  rsqrt: false,
  relu: true,
  relu6: true,
  leakyRelu: false,
  elu: false,
  selu: false,
  sigmoid: false,
  tanh: false,
  softplus: false,
  softsign: false,
  softmax: true,
  reshape: true,
  concat: true,
  pad: true,
  slice: false,
  broadcastTo: false,
  requantize: true,
  dropout: false,
  dropoutMask: false,
  softmaxCrossEntropy: false,
  sigmoidCrossEntropy: false,
  meanSquares: false,
  sumSquares: false,
  matmul: false,
  conv2dGradInput: false,
  conv2dGradWeights: false,
  depthwiseConv2dGradInput: false,
  depthwiseConv2dGradWeights: false,
  maxPool2dGrad: false,
  avgPool2dGrad: false,
  reluGrad: false,
  relu6Grad: false,
  leakyReluGrad: false,
  eluGrad: false,
  seluGrad: false,
  sigmoidGrad: false,
  tanhGrad: false,
  softplusGrad: false,
  softsignGrad: false,
  softmaxGrad: false,
  softmaxCrossEntropyGrad: false,
  sigmoidCrossEntropyGrad: false,
  scaleAdd: false,
  ema: false,
  descend: false,
  adaptiveDescend: false,
} as const satisfies OpTable<boolean>;

/** An op of a lowered graph. */
export type LoweredOp = {
  readonly [O in OpName]: (typeof onDevice)[O] extends true ? O : never;
}[OpName];

/** A lowered op that costs time: a reshape is another name for the same bytes. */
export type StepOp = Exclude<LoweredOp, 'reshape'>;

export type LoweredNode = { readonly [O in LoweredOp]: NodeOf<O> }[LoweredOp];
export type StepNode = { readonly [O in StepOp]: NodeOf<O> }[StepOp];

export const isLoweredOp = (op: OpName): op is LoweredOp => onDevice[op];
export const isStepOp = (op: OpName): op is StepOp => onDevice[op] && op !== 'reshape';
