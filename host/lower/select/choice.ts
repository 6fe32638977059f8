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

/** Taps of an axis inside the image, summed over all outputs. */
function axisTaps(size: number, kernel: number, out: number, window: readonly number[]): number {
  const [stride, dilation, pad] = window as [number, number, number];
  let sum = 0;
  for (let i = 0; i < out; i++) {
    for (let tap = 0; tap < kernel; tap++) {
      const at = i * stride - pad + tap * dilation;
      if (at >= 0 && at < size) sum += 1;
    }
  }
  return sum;
}

/** Outputs of a channel of a depthwise layer, rows of their windows and taps that lie inside the image. */
export function tapsInside({ graph, node }: Case<'depthwiseConv2d'>) {
  const [, inH, inW] = getValue(graph, node.inputs[0]!).shape as number[];
  const [, kernelH, kernelW] = getValue(graph, node.inputs[1]!).shape as number[];
  const [, outH, outW] = getValue(graph, node.output).shape as number[];
  const { stride, dilation, pad } = node.attrs;
  const down = axisTaps(inH!, kernelH!, outH!, [stride[0], dilation[0], pad[0]]);
  const along = axisTaps(inW!, kernelW!, outW!, [stride[1], dilation[1], pad[2]]);
  return { outputs: outH! * outW!, rows: down * outW!, taps: down * along };
}
