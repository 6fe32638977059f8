/**
 * What a rule of the kernel table says: which kernels compute a node, with what parameters.
 */
import type { Value } from '../ir/graph.js';
import type { OpAttrs, OpName } from '../ir/ops.js';

/** A buffer that a kernel gets: a node's operand (at an offset in elements), its output, ... */
export type KernelArg =
  | { readonly from: 'operand'; readonly index: number; readonly offset: number }
  | { readonly from: 'output'; readonly offset: number }
  | { readonly from: 'scratch' }
  | { readonly from: 'null' };

export interface KernelCall {
  /** An export of engine.wasm. */
  readonly kernel: string;
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
