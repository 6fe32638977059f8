/**
 * What a call does element by element, read from its parameter struct: operations on values of one
 * length, and sums of such a value over all its rows.
 */
import type { ValueId } from '../../ir/graph.js';
import type { CpuCall, CpuStep } from './step.js';

/** How an operand is read while elements run from 0 to n. */
export type Operand =
  | { readonly kind: 'flat'; readonly buffer: ValueId }
  /** The same `period` elements again and again. */
  | { readonly kind: 'repeated'; readonly buffer: ValueId; readonly period: number }
  /** One number, read by address. */
  | { readonly kind: 'fixed'; readonly buffer: ValueId };

export interface ElementOp {
  readonly kind: 'op';
  readonly op: string;
  readonly n: number;
  /** The bits of the op's attribute. */
  readonly factor: number;
  readonly from: readonly Operand[];
  readonly y: ValueId;
}

/** y[c] = the sum of x over rows of `channels`, divided. */
export interface RowSum {
  readonly kind: 'sum';
  readonly n: number;
  /** Shards are cut from so many equal pieces. */
  readonly batch: number;
  readonly channels: number;
  /** The bits of what the sum is divided by. */
  readonly divisor: number;
  readonly x: ValueId;
  readonly y: ValueId;
}

export type ElementWork = ElementOp | RowSum;

const rank = 6;
const one = 0x3f800000;

/** The longest row that is repeated: it must fit a tile several times. */
const longestPeriod = 1024;

/**
 * How dims are stepped through with strides: dense, or dense in the last dimensions and not at all
 * in those before. The period is the elements of those; 1 for a scalar; undefined otherwise.
 */
function periodOf(dims: readonly number[], strides: readonly number[]): number | undefined {
  let period = 1;
  let repeats = false;
  for (let i = dims.length - 1; i >= 0; i--) {
    if (dims[i] === 1) continue;
    if (strides[i] === 0) repeats = true;
    else if (repeats || strides[i] !== period) return undefined;
    else period *= dims[i]!;
  }
  return period;
}

const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);

/** A buffer that is given from its beginning. */
function whole({ args }: CpuCall, index: number): ValueId | undefined {
  const arg = args[index];
  return typeof arg === 'object' && arg.offset === 0 ? arg.buffer : undefined;
}

function binary(call: CpuCall): ElementOp | undefined {
  const dims = call.params.slice(0, rank);
  const n = product(dims);
  const from = [0, 1].map((i): Operand | undefined => {
    const buffer = whole(call, i);
    const period = periodOf(dims, call.params.slice((i + 1) * rank, (i + 2) * rank));
    if (buffer === undefined || period === undefined) return undefined;
    if (period === n) return { kind: 'flat', buffer };
    return period <= longestPeriod ? { kind: 'repeated', buffer, period } : undefined;
  });
  const y = whole(call, 2);
  if (y === undefined || !from[0] || !from[1]) return undefined;
  return { kind: 'op', op: call.kernel, n, factor: 0, from: [from[0], from[1]], y };
}

/** Operands that are read by address: the rate of an update, the scale and limits of integers. */
const fixedOperands: Readonly<Record<string, readonly number[]>> = {
  descend: [2],
  adaptive_descend: [3],
  fake_quantize: [1, 2],
  fake_quantize_grad: [1, 2],
  fake_quantize_slope: [1, 2],
};

/** `enn_f32_map` */
function map(call: CpuCall): ElementOp | undefined {
  const [n, factor] = call.params as [number, number];
  const last = call.args.length - 1;
  const buffers = call.args.map((_, i) => whole(call, i));
  if (buffers.includes(undefined)) return undefined;
  const fixed = fixedOperands[call.kernel] ?? [];
  const from = buffers
    .slice(0, last)
    .map((buffer, i): Operand => ({ kind: fixed.includes(i) ? 'fixed' : 'flat', buffer: buffer! }));
  return { kind: 'op', op: call.kernel, n, factor, from, y: buffers[last]! };
}

/** The rows and channels of an `enn_f32_reduce` over all dimensions but the last. */
export function rowsOf(call: CpuCall): { n: number; batch: number; channels: number } | undefined {
  const { params } = call;
  const [dims, a, b] = [0, 1, 2].map((i) => params.slice(i * rank, (i + 1) * rank)) as [
    number[],
    number[],
    number[],
  ];
  const [channels, sharded] = params.slice(3 * rank) as [number, number];
  const n = product(dims);
  const isRows = periodOf(dims, a) === n && periodOf(dims, b) === channels;
  if (!sharded || !isRows || channels > longestPeriod || dims[0]! < 2) return undefined;
  return { n, batch: dims[0]!, channels };
}

function rowSum(call: CpuCall): RowSum | undefined {
  const rows = rowsOf(call);
  const [x, y] = [whole(call, 0), whole(call, 2)];
  if (!rows || x === undefined || y === undefined) return undefined;
  const divisor = call.kernel === 'mean' ? call.params.at(-1)! : one;
  return { kind: 'sum', ...rows, divisor, x, y };
}

/** A copy that writes out the same row again and again. */
export interface Repetition {
  readonly x: ValueId;
  readonly y: ValueId;
  readonly n: number;
  readonly period: number;
}

/** The repetition that a step is, if it is one. */
export function repetition({ calls }: CpuStep): Repetition | undefined {
  const [call] = calls;
  if (!call || calls.length > 1 || call.kernel !== 'copy') return undefined;
  const dims = call.params.slice(0, rank);
  const n = product(dims);
  const period = periodOf(dims, call.params.slice(rank, 2 * rank));
  const isDense = periodOf(dims, call.params.slice(2 * rank)) === n;
  const [x, y] = [whole(call, 0), whole(call, 1)];
  if (!isDense || period === undefined || period === n || period > longestPeriod) return undefined;
  return x === undefined || y === undefined ? undefined : { x, y, n, period };
}

const binaries: readonly string[] = ['add', 'sub', 'mul', 'div'];
const sums: readonly string[] = ['sum', 'mean'];

/**
 * The work of a step, where it is of this kind.
 *
 * @param known whether there is a tile operation of a name
 */
export function elementWork(
  step: CpuStep,
  known: (op: string) => boolean,
): ElementWork | undefined {
  const [call] = step.calls;
  if (!call || step.calls.length > 1) return undefined;
  if (binaries.includes(call.kernel)) return binary(call);
  if (sums.includes(call.kernel)) return rowSum(call);
  return known(call.kernel) ? map(call) : undefined;
}
