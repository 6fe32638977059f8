/**
 * What a rule of the kernel table says: which kernels compute a node, with what parameters.
 */
import type { Value } from '../../ir/graph.js';
import type { OpAttrs, OpName } from '../../ir/ops.js';

/** A buffer that a kernel gets: a node's operand (at an offset in elements), its output, ... */
export type KernelArg =
  | { readonly from: 'operand'; readonly index: number; readonly offset: number }
  | { readonly from: 'output'; readonly offset: number }
  | { readonly from: 'scratch' }
  | { readonly from: 'null' };

/** Every kernel: an export of engine.wasm, a rule of the WebGPU engine. */
export type KernelName =
  | 'conv2d'
  | 'conv2d_grad_input'
  | 'conv2d_grad_weights'
  | ConvFftKernel
  | ConvWinogradKernel
  | 'matmul'
  | 'depthwise_conv2d'
  | 'depthwise_conv2d_grad_input'
  | 'depthwise_conv2d_grad_weights'
  | PoolKernel
  | BinaryKernel
  | 'copy'
  | 'zero'
  | ReduceKernel
  | ExtremeKernel
  | ArgExtremeKernel
  | 'fft'
  | MapKernel
  | 'batch_norm'
  | TableKernel
  | 'dropout_mask'
  | `${FakeKernel}_axis`;

/**
 * `enn_f32_conv_fft`: the struct of the kernel without `_fft`, then tables. Both compute the same, so
 * an engine may serve them by one.
 */
export type ConvFftKernel = `conv2d${'' | '_grad_input' | '_grad_weights'}_fft`;

/** `enn_f32_window`, of 3x3 kernels: the same again, with fewer multiplications. */
export type ConvWinogradKernel = `conv2d${'' | '_grad_input' | '_grad_weights'}_winograd`;

/** `enn_f32_window`, one channel at a time. */
export type PoolKernel = 'max_pool2d' | 'avg_pool2d' | 'max_pool2d_grad' | 'avg_pool2d_grad';

/** `enn_f32_strided`, two operands. */
export type BinaryKernel = 'add' | 'sub' | 'mul' | 'div' | 'equal';

/** `enn_f32_reduce`. */
export type ReduceKernel = 'sum' | 'mean' | 'variance';
export type ExtremeKernel = 'max_over' | 'min_over';

/** `enn_f32_axis`. */
export type ArgExtremeKernel = 'arg_max' | 'arg_min';

/** `enn_f32_map`: element by element. */
export type MapKernel =
  | ActivationKernel
  | 'scale'
  | 'rsqrt'
  | 'not_zero'
  | 'truncate'
  | `${ActivationKernel}_grad`
  | 'scale_add'
  | 'ema'
  | 'descend'
  | 'adaptive_descend'
  | FakeKernel;

/** Fake quantization with one scale; `_axis` (`enn_f32_fake`): one for each channel. */
export type FakeKernel = `fake_quantize${'' | '_grad' | '_slope'}`;

type ActivationKernel =
  | 'relu'
  | 'relu6'
  | 'leaky_relu'
  | 'elu'
  | 'selu'
  | 'sigmoid'
  | 'tanh'
  | 'softplus'
  | 'softsign'
  | 'hard_swish'
  | 'gelu';

/** `enn_f32_table`: row by row. */
export type TableKernel =
  | 'softmax'
  | 'softmax_grad'
  | 'softmax_cross_entropy'
  | 'softmax_cross_entropy_grad'
  | 'soft_cross_entropy'
  | 'soft_cross_entropy_grad'
  | 'sigmoid_cross_entropy'
  | 'sigmoid_cross_entropy_grad'
  | 'squares';

export interface KernelCall {
  readonly kernel: KernelName;
  /** The parameter struct, as 32-bit words. */
  readonly params: readonly number[];
  readonly args: readonly KernelArg[];
  /** The export that tells the floats of scratch, where the kernel needs any. */
  readonly scratch?: string;
}

export interface KernelPlan {
  readonly calls: readonly KernelCall[];
  /** Operands whose memory the output may take: read in ascending order before it is written. */
  readonly inPlace?: readonly number[];
}

/**
 * Whether the output may take the memory of a buffer: every operand that lies there is read in
 * ascending order. (The same elements can also be an operand that is broadcast.)
 */
export const overwritable = (
  plan: KernelPlan,
  operands: readonly string[],
  buffer: string,
): boolean =>
  operands.includes(buffer) &&
  operands.every((id, i) => id !== buffer || (plan.inPlace?.includes(i) ?? false));

/** The output is the first operand under another shape; no kernel runs. */
export const alias = 'alias';

/** A node as a rule sees it. */
export interface Site<O extends OpName> {
  readonly inputs: readonly Value[];
  readonly output: Value;
  readonly attrs: OpAttrs<O>;
}

export type KernelRule<O extends OpName> = (site: Site<O>) => KernelPlan | typeof alias;

const bits = new DataView(new ArrayBuffer(4));

/** The bits of a float, as the integer that stands for it in a parameter struct. */
export function f32(value: number): number {
  bits.setFloat32(0, value, true);
  return bits.getInt32(0, true);
}

export const operand = (index: number, offset = 0): KernelArg => ({
  from: 'operand',
  index,
  offset,
});
export const output = (offset = 0): KernelArg => ({ from: 'output', offset });
export const scratch: KernelArg = { from: 'scratch' };

/** An operand that may be absent. */
export const optional = (inputs: readonly Value[], index: number): KernelArg =>
  index < inputs.length ? operand(index) : { from: 'null' };
