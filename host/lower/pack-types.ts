/**
 * Tables of layers whose weights have 4 bits or whose activations have 16, as their kernels want them
 * (kernels/c/enn_s16w8_*.h, enn_s8w4_*.h).
 */
import { packNibbles } from '../core/dtype.js';
import type { MultiplierTable } from '../quant/interpret-params.js';

/** What a kernel of a layer takes beside its parameters: all of it constant. */
export interface LayerTables {
  readonly weights: Int8Array;
  /** Bytes to which the weights are aligned. */
  readonly align: number;
  readonly bias: Int32Array;
  readonly mult: Int32Array;
  /** Absent where the kernel's multipliers hold the shift. */
  readonly shift?: Int8Array;
}

/** The tables of a portable kernel: weights in the order of the graph, two of 4 bits to a byte. */
export function plainTables(
  weights: Int8Array,
  bits: 4 | 8,
  bias: Int32Array,
  { multiplier, shift }: MultiplierTable,
): LayerTables {
  const stored = bits === 4 ? new Int8Array(packNibbles(weights).buffer) : weights;
  return { weights: stored, align: 1, bias, mult: multiplier, shift };
}
