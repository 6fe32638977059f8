/**
 * How each op takes integers: one rule per op of the table.
 */
import type { BoundActivation } from '../format/tflite/activation.js';
import type { NodeHead, NodeOf } from '../ir/graph.js';
import { everyTrainOp, type OpName, type OpTable } from '../ir/ops.js';

export type QuantRule =
  /** Weights and a bias; the output has a scale of its own. `axis`: output channels of w. */
  | { readonly kind: 'layer'; readonly axis: number; readonly perAxis: 'always' | 'option' }
  /** The output has a scale of its own. */
  | { readonly kind: 'own' }
  /** The output has the scale of the input: its bytes are copied or compared (`exact`), or averaged. */
  | { readonly kind: 'same'; readonly exact: boolean }
  /** The output and all inputs have one scale. */
  | { readonly kind: 'join' }
  /** The scheme says what a probability is. */
  | { readonly kind: 'probabilities' }
  /** A bound: a clamp of the node before it where that node can have one. */
  | { readonly kind: 'bound'; readonly activation: BoundActivation }
  /** No int8 form. */
  | { readonly kind: 'none'; readonly hint: string };

const none = (hint: string): QuantRule => ({ kind: 'none', hint });
const own: QuantRule = { kind: 'own' };
const same: QuantRule = { kind: 'same', exact: true };

const useRelu = none('Use relu or relu6 instead, and train again.');
const asLogits = none(
  'Return the logits and let the loss apply it; the larger logit is the larger probability.',
);
const asAdd = none('Write it as add or mul, with a constant folded into the layer before it.');
const asMean = none('Use mean (globalAvgPool2d) instead.');
const asArray = none('Compute it outside of the network, before its input or after its output.');
const trainingOnly = none(
  'This op belongs to training; quantize the float graph of the checkpoint.',
);

const quantRules = {
  conv2d: { kind: 'layer', axis: 0, perAxis: 'always' },
  depthwiseConv2d: { kind: 'layer', axis: 3, perAxis: 'always' },
  dense: { kind: 'layer', axis: 0, perAxis: 'option' },
  batchNorm: none('Its statistics must be constants, so that it can be folded into a layer.'),
  maxPool2d: same,
  avgPool2d: { kind: 'same', exact: false },
  mean: own,
  sum: asMean,
  variance: asMean,
  add: own,
  sub: asAdd,
  mul: own,
  div: asAdd,
  max: asArray,
  min: asArray,
  argMax: asArray,
  argMin: asArray,
  matmul: none('Use dense, whose weights are constants.'),
  slice: asArray,
  transpose: asArray,
  reverse: asArray,
  fft: asArray,
  equal: asArray,
  notZero: asArray,
  truncate: asArray,
  scale: asAdd,
  rsqrt: none('Use batchNorm, which is folded into the layer before it.'),
  relu: { kind: 'bound', activation: 'RELU' },
  relu6: { kind: 'bound', activation: 'RELU6' },
  leakyRelu: useRelu,
  elu: useRelu,
  selu: useRelu,
  sigmoid: asLogits,
  tanh: useRelu,
  softplus: useRelu,
  softsign: useRelu,
  hardSwish: useRelu,
  gelu: useRelu,
  softmax: { kind: 'probabilities' },
  reshape: same,
  concat: { kind: 'join' },
  pad: same,
  requantize: own,
  dropout: none('Prepare the graph for inference first: dropout has no part in it.'),
  ...everyTrainOp(trainingOnly),
} as const satisfies OpTable<QuantRule>;

/** The rule of an op, for code that serves every op. */
export const quantRule = (op: OpName): QuantRule => quantRules[op];

/** An op with weights and a bias. */
export type LayerOp = {
  readonly [O in OpName]: (typeof quantRules)[O] extends { readonly kind: 'layer' } ? O : never;
}[OpName];

export type LayerNode = { readonly [O in LayerOp]: NodeOf<O> }[LayerOp];
export type LayerHead = NodeHead & { readonly op: LayerOp };

export const isLayer = <N extends { readonly op: OpName }>(
  node: N,
): node is Extract<N, { readonly op: LayerOp }> => quantRules[node.op].kind === 'layer';

/** The axis of a layer's weights along which its output channels lie. */
export const channelAxis = (op: LayerOp): number => quantRules[op].axis;
