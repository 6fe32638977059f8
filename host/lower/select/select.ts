/**
 * Which kernel runs a step. This file and the tables beside it (dsp.ts, mve.ts, m0.ts for cores,
 * types.ts for other types than int8) alone decide; a faster kernel for some shapes or cores is one
 * more case in an op's rule.
 */
import { borderOf } from '../../ir/border.js';
import type { Graph } from '../../ir/graph.js';
import type { Arch, Kernel, ReadingOrder, Target } from '../lowered.js';
import type { StepNode, StepOp } from '../lowered-ops.js';
import type { Choice, Choices } from './choice.js';
import { dspKernels } from './dsp.js';
import { m0Kernels } from './m0.js';
import { mveKernels } from './mve.js';
import { selectTyped } from './types.js';

/** The portable kernel of an op, the contract that the others equal. */
const reference = (op: string, header: string, order: ReadingOrder): Kernel => ({
  name: `enn_${op}_s8__ref`,
  header: `enn_s8_${header}.h`,
  order,
});

const references: { readonly [O in StepOp]: Kernel } = {
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

/** The portable kernels of layers with a border. */
const borderReferences: { readonly [O in StepOp]?: Kernel } = {
  conv2d: { ...references.conv2d, name: 'enn_conv2d_s8_border__ref', border: true },
};

/** The faster kernels of each core; the first that has one decides. */
const faster: { readonly [A in Arch]: readonly Choices[] } = {
  ref: [],
  dsp: [dspKernels],
  mve: [mveKernels, dspKernels],
  m0: [m0Kernels],
};

/**
 * The kernel of a step on a target.
 *
 * @param bounds of the step's accumulators, from their proof (lower/proof.ts)
 */
export function selectKernel(
  graph: Graph,
  node: StepNode,
  target: Target,
  bounds: readonly number[] | undefined,
): Kernel {
  const typed = selectTyped(graph, node, target.arch, bounds);
  if (typed) return typed;
  const bordered = borderOf(node) !== undefined;
  for (const choices of faster[target.arch]) {
    const choice = choices[node.op] as Choice<StepOp> | undefined;
    const kernel = choice?.({ graph, node, bounds });
    if (kernel && (kernel.border ?? false) === bordered) return kernel;
  }
  return (bordered ? borderReferences[node.op] : undefined) ?? references[node.op];
}
