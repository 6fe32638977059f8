/**
 * Which ops reach a device: kernel choice, placement and every emitter have one rule for each step,
 * in tables that do not compile when one is missing.
 */
import type { Node, NodeOf } from '../ir/graph.js';
import { type IntegerOp, isIntegerOp, type OpName } from '../ir/ops.js';

/** What a lowered op is on a device: a step that costs time, or another name for the same bytes. */
const lowered = {
  conv2d: 'step',
  depthwiseConv2d: 'step',
  dense: 'step',
  maxPool2d: 'step',
  avgPool2d: 'step',
  mean: 'step',
  add: 'step',
  mul: 'step',
  relu: 'step',
  relu6: 'step',
  softmax: 'step',
  reshape: 'alias',
  concat: 'step',
  pad: 'step',
  requantize: 'step',
} as const satisfies Readonly<Record<IntegerOp, 'step' | 'alias'>>;

/** A lowered op that costs time. */
export type StepOp = {
  readonly [O in IntegerOp]: (typeof lowered)[O] extends 'step' ? O : never;
}[IntegerOp];

export type LoweredNode = { readonly [O in IntegerOp]: NodeOf<O> }[IntegerOp];
export type StepNode = { readonly [O in StepOp]: NodeOf<O> }[StepOp];

export const isLoweredNode = (node: Node): node is LoweredNode => isIntegerOp(node.op);

export const isStepOp = (op: OpName): op is StepOp => isIntegerOp(op) && lowered[op] === 'step';

/** Whether an op's output is its operand by another name: the same bytes, perhaps of another shape. */
export const isAliasOp = (op: OpName): boolean => isIntegerOp(op) && lowered[op] === 'alias';
