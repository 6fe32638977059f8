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
  conv2d: reference('conv2d', 'conv2d', 'pixels'),
  depthwiseConv2d: reference('depthwise', 'depthwise', 'pixels'),
  dense: reference('dense', 'dense', 'pixels'),
  maxPool2d: reference('max_pool', 'pool', 'pixels'),
  avgPool2d: reference('avg_pool', 'pool', 'pixels'),
  mean: reference('mean', 'mean', 'any'),
  add: reference('add', 'add', 'elements'),
  mul: reference('mul', 'mul', 'elements'),
  relu: reference('relu', 'relu', 'elements'),
  relu6: reference('relu', 'relu', 'elements'),
  requantize: reference('requantize', 'requantize', 'elements'),
  softmax: reference('softmax', 'softmax', 'elements'),
  pad: reference('pad', 'pad', 'any'),
  concat: reference('concat', 'concat', 'any'),
};

/** The kernel of a step on a target. */
export const selectKernel = (graph: Graph, node: StepNode, target: Target): Kernel =>
  (choices[node.op] as Choice<StepOp>)(graph, node as NodeOf<StepOp>, target);
