/**
 * What a table of kernels for a core is made of: per op, the kernel for a node, or nothing where the
 * portable one must do.
 */
import { borderOf } from '../../ir/border.js';
import { type Graph, getValue, type NodeOf } from '../../ir/graph.js';
import type { Kernel } from '../lowered.js';
import type { StepOp } from '../lowered-ops.js';

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

/** Whether a conv2d has one output pixel, whose window is the whole input: it is a dense layer. */
export function isOnePixel({ graph, node }: Case<'conv2d'>): boolean {
  const [, height, width] = getValue(graph, node.inputs[0]!).shape;
  const [, kernelHeight, kernelWidth] = getValue(graph, node.inputs[1]!).shape;
  const [, outHeight, outWidth] = getValue(graph, node.output).shape;
  const { pad, dilation } = node.attrs;
  return (
    borderOf(node) === undefined &&
    [...pad, outHeight! - 1, outWidth! - 1].every((n) => n === 0) &&
    [...dilation].every((n) => n === 1) &&
    height === kernelHeight &&
    width === kernelWidth
  );
}
