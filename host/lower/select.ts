/**
 * Which kernel runs a step. This file alone decides; a faster kernel for some shapes or cores is
 * one more case in an op's rule.
 */
import type { Graph, NodeOf } from '../ir/graph.js';
import type { Kernel, ReadingOrder, Target } from './lowered.js';
import type { StepNode, StepOp } from './lowered-ops.js';

type Choice<O extends StepOp> = (graph: Graph, node: NodeOf<O>, target: Target) => Kernel;

/** The portable kernel of an op, the contract that the others equal. */
const reference = (op: string, header: string, order: ReadingOrder) => (): Kernel => ({
  name: `enn_${op}_s8__ref`,
  header: `enn_s8_${header}.h`,
  order,
});

const choices: { readonly [O in StepOp]: Choice<O> } = {
  conv2d: reference('conv2d', 'conv', 'pixels'),
  depthwiseConv2d: reference('depthwise_conv2d', 'conv', 'pixels'),
  dense: reference('dense', 'dense', 'pixels'),
  maxPool2d: reference('max_pool2d', 'pool', 'pixels'),
  avgPool2d: reference('avg_pool2d', 'pool', 'pixels'),
  mean: reference('mean', 'reduce', 'any'),
  add: reference('add', 'elementwise', 'elements'),
  mul: reference('mul', 'elementwise', 'elements'),
  relu: reference('requantize', 'elementwise', 'elements'),
  relu6: reference('requantize', 'elementwise', 'elements'),
  requantize: reference('requantize', 'elementwise', 'elements'),
  softmax: reference('softmax', 'softmax', 'elements'),
  pad: reference('pad', 'shape', 'any'),
  concat: reference('concat', 'shape', 'any'),
};

/** The kernel of a step on a target. */
export const selectKernel = (graph: Graph, node: StepNode, target: Target): Kernel =>
  (choices[node.op] as Choice<StepOp>)(graph, node as NodeOf<StepOp>, target);
