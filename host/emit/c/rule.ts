/**
 * What a rule of emission is, and what rules share.
 */
import type { Multiplier } from '../../core/fixed-point.js';
import { type Graph, getValue, type NodeOf } from '../../ir/graph.js';
import type { Kernel } from '../../lower/lowered.js';
import type { StepNode, StepOp } from '../../lower/lowered-ops.js';
import type { Call } from './call.js';

/** The calls of one step, to the kernel that was selected. */
export type EmitRule<O extends StepOp> = (
  graph: Graph,
  node: NodeOf<O>,
  kernel: Kernel,
) => readonly Call[];

/** An operand of a step. */
export const inputOf = (graph: Graph, node: StepNode, index = 0) =>
  getValue(graph, node.inputs[index]!);
/** The value that a step computes. */
export const outputOf = (graph: Graph, node: StepNode) => getValue(graph, node.output);

/** Fields of a factor. */
export const scaling = ({ multiplier, shift }: Multiplier, prefix = '') => ({
  [`${prefix}mult`]: multiplier,
  [`${prefix}shift`]: shift,
});

export type Clamp = readonly [least: number, most: number];

/** Fields of a clamp. */
export const clamping = ([clamp_min, clamp_max]: Clamp) => ({ clamp_min, clamp_max });
