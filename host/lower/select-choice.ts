/**
 * What a table of kernels for a core is made of: per op, the kernel for a node, or nothing where the
 * portable one must do.
 */
import type { Graph, NodeOf } from '../ir/graph.js';
import type { Kernel } from './lowered.js';
import type { StepOp } from './lowered-ops.js';

/** A node, with what its accumulators cannot exceed (per channel) where that was proven. */
export interface Case<O extends StepOp> {
  readonly graph: Graph;
  readonly node: NodeOf<O>;
  readonly bounds: readonly number[] | undefined;
}

/** The faster kernel for a node; undefined where none fits it. */
export type Choice<O extends StepOp> = (c: Case<O>) => Kernel | undefined;

/** The faster kernels of a core. */
export type Choices = { readonly [O in StepOp]?: Choice<O> };
