/**
 * Which ops reach a device: kernel choice, placement and every emitter have one rule for each of
 * these, in tables that do not compile when one is missing.
 */
import type { Node, NodeOf } from '../ir/graph.js';
import { type IntegerOp, isIntegerOp, type OpName } from '../ir/ops.js';

/** A lowered op that costs time: a reshape is another name for the same bytes. */
export type StepOp = Exclude<IntegerOp, 'reshape'>;

export type LoweredNode = { readonly [O in IntegerOp]: NodeOf<O> }[IntegerOp];
export type StepNode = { readonly [O in StepOp]: NodeOf<O> }[StepOp];

export const isLoweredNode = (node: Node): node is LoweredNode => isIntegerOp(node.op);

export const isStepOp = (op: OpName): op is StepOp => isIntegerOp(op) && op !== 'reshape';
