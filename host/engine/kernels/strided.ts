/**
 * Ops over strided arrays: the parameter structs `enn_f32_strided` and `enn_f32_reduce`
 * (kernels/c/enn_f32_strided.h). Dimensions that both arrays step through alike are merged, so
 * that the inner loop is long.
 */
import { UnsupportedError } from '../../core/errors.js';
import { elements, normalizeAxis, type Shape, sameShape, strides } from '../../core/shape.js';
import type { Value } from '../../ir/graph.js';
import { fftParams } from './fft-tables.js';
import {
  type ArgExtremeKernel,
  type BinaryKernel,
  type ExtremeKernel,
  f32,
  type KernelCall,
  type KernelPlan,
  operand,
  output,
  type ReduceKernel,
  type Site,
  scratch,
} from './kernel-call.js';

const rank = 6;

interface Dim {
  readonly size: number;
  /** Strides of the two arrays. */
  readonly a: number;
  readonly b: number;
}

const join = (outer: Dim, inner: Dim): boolean =>
  outer.a === inner.a * inner.size && outer.b === inner.b * inner.size;

/** Without dimensions of 1, and with neighbours merged; the first `keep` stay as they are. */
function merge(dims: readonly Dim[], keep = 0): Dim[] {
  const out: Dim[] = [];
  dims.forEach((dim, i) => {
    const outer = out.at(-1);
    if (i >= keep && dim.size === 1) return;
    if (outer && out.length > keep && join(outer, dim)) {
      out[out.length - 1] = { ...dim, size: outer.size * dim.size };
    } else out.push(dim);
  });
  return out;
}

/** The struct: six sizes, six strides of a, six of b; `at` says where dimensions of 1 go. */
function stridedParams(dims: readonly Dim[], at = 0): number[] {
  if (dims.length > rank) {
    throw new UnsupportedError(`the engine iterates over ${rank} dimensions, not ${dims.length}`, {
      hint: 'Reshape the operands to fewer dimensions.',
    });
  }
  const one: Dim = { size: 1, a: 0, b: 0 };
  const filler = new Array<Dim>(rank - dims.length).fill(one);
  const all = [...dims.slice(0, at), ...filler, ...dims.slice(at)];
  return [...all.map((d) => d.size), ...all.map((d) => d.a), ...all.map((d) => d.b)];
}

/** Strides with which an operand is read under a broadcast shape: 0 along repeated dimensions. */
function broadcastStrides(from: Shape, to: Shape): number[] {
  const own = strides(from);
  const skip = to.length - from.length;
  return to.map((_, i) => (i < skip || from[i - skip] === 1 ? 0 : own[i - skip]!));
}

/** a op b with broadcasting. */
export function binary(kernel: BinaryKernel, inputs: readonly Value[], y: Value): KernelPlan {
  const [a, b] = inputs.map((value) => broadcastStrides(value.shape, y.shape));
  const dims = y.shape.map((size, i) => ({ size, a: a![i]!, b: b![i]! }));
  const merged = merge(dims);
  // The kernel writes rows of the last dimension; a scalar is one row of one element.
  const params = stridedParams(merged.length > 0 ? merged : [{ size: 1, a: 0, b: 0 }]);
  return {
    calls: [{ kernel, params, args: [operand(0), operand(1), output()] }],
    inPlace: [0, 1].filter((i) => sameShape(inputs[i]!.shape, y.shape)),
  };
}

interface Copy {
  readonly shape: Shape;
  readonly from: { readonly strides: readonly number[]; readonly operand: number };
  readonly fromOffset?: number;
  readonly toStrides: readonly number[];
  readonly toOffset?: number;
}

function copyCall({ shape, from, fromOffset = 0, toStrides, toOffset = 0 }: Copy): KernelCall {
  const dims = merge(shape.map((size, i) => ({ size, a: from.strides[i]!, b: toStrides[i]! })));
  return {
    kernel: 'copy',
    params: stridedParams(dims.length > 0 ? dims : [{ size: 1, a: 0, b: 0 }]),
    args: [operand(from.operand, fromOffset), output(toOffset)],
  };
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0);

export function concat({ inputs, output: y, attrs }: Site<'concat'>): KernelPlan {
  const axis = normalizeAxis(attrs.axis, y.shape.length);
  const toStrides = strides(y.shape);
  let at = 0;
  const calls = inputs.map(({ shape }, i) => {
    const toOffset = at * toStrides[axis]!;
    at += shape[axis]!;
    return copyCall({ shape, from: { strides: strides(shape), operand: i }, toStrides, toOffset });
  });
  return { calls };
}

export function pad({ inputs, output: y, attrs }: Site<'pad'>): KernelPlan {
  const { shape } = inputs[0]!;
  const toStrides = strides(y.shape);
  const before = attrs.padding.filter((_, i) => i % 2 === 0);
  const zero: KernelCall = {
    kernel: 'zero',
    params: [elements(y.shape), f32(0)],
    args: [output()],
  };
  const from = { strides: strides(shape), operand: 0 };
  return { calls: [zero, copyCall({ shape, from, toStrides, toOffset: dot(before, toStrides) })] };
}

export function slice({ inputs, output: y, attrs }: Site<'slice'>): KernelPlan {
  const own = strides(inputs[0]!.shape);
  const from = { strides: own, operand: 0 };
  const fromOffset = dot(attrs.begin, own);
  return { calls: [copyCall({ shape: y.shape, from, fromOffset, toStrides: strides(y.shape) })] };
}

export function transpose({ inputs, output: y, attrs }: Site<'transpose'>): KernelPlan {
  const own = strides(inputs[0]!.shape);
  const from = { strides: attrs.perm.map((axis) => own[axis]!), operand: 0 };
  return { calls: [copyCall({ shape: y.shape, from, toStrides: strides(y.shape) })] };
}

/** A copy that begins at the last element of every turned axis and steps backwards. */
export function reverse({ inputs, output: y, attrs }: Site<'reverse'>): KernelPlan {
  const { shape } = inputs[0]!;
  const axes = attrs.axes.map((axis) => normalizeAxis(axis, shape.length));
  const own = strides(shape);
  const steps = own.map((step, i) => (axes.includes(i) ? -step : step));
  const last = shape.map((size, i) => (axes.includes(i) ? size - 1 : 0));
  const from = { strides: steps, operand: 0 };
  return {
    calls: [copyCall({ shape, from, fromOffset: dot(last, own), toStrides: strides(y.shape) })],
  };
}

export function broadcastTo({ inputs, output: y }: Site<'broadcastTo'>): KernelPlan {
  const from = { strides: broadcastStrides(inputs[0]!.shape, y.shape), operand: 0 };
  return { calls: [copyCall({ shape: y.shape, from, toStrides: strides(y.shape) })] };
}

/** Every element of the first operand, in order. */
export function wholeCopy(value: Value): KernelPlan {
  const n = elements(value.shape);
  const from = { strides: [1], operand: 0 };
  return { calls: [copyCall({ shape: [n], from, toStrides: [1] })] };
}

/** The struct `enn_f32_reduce`; the batch stays the first dimension: shards are cut from it. */
function reduceParams({ shape }: Value, y: Value, reduced: readonly number[]): number[] {
  const axes = reduced.map((axis) => normalizeAxis(axis, shape.length));
  const own = strides(shape);
  const kept = strides(shape.map((size, i) => (axes.includes(i) ? 1 : size)));
  const dims = shape.map((size, i) => ({
    size,
    a: own[i]!,
    b: axes.includes(i) ? 0 : kept[i]!,
  }));
  const outputs = elements(y.shape);
  const sharded = axes.includes(0) ? 1 : 0;
  return [...stridedParams(merge(dims, 1), 1), outputs, sharded, f32(elements(shape) / outputs)];
}

/** sum, mean or variance over axes; over the batch in shards. */
export function reduce(
  kernel: ReduceKernel,
  inputs: readonly Value[],
  y: Value,
  axes: readonly number[],
): KernelPlan {
  const params = reduceParams(inputs[0]!, y, axes);
  const args = [operand(0), scratch, output()];
  return { calls: [{ kernel, params, args, scratch: 'reduce_scratch' }] };
}

/** max or min over axes. */
export function extreme(
  kernel: ExtremeKernel,
  inputs: readonly Value[],
  y: Value,
  axes: readonly number[],
): KernelPlan {
  const params = reduceParams(inputs[0]!, y, axes);
  return { calls: [{ kernel, params, args: [operand(0), output()] }] };
}

/** argMax or argMin: `enn_f32_axis` (kernels/c/enn_f32_axis.h). */
export function argExtreme(
  kernel: ArgExtremeKernel,
  inputs: readonly Value[],
  along: number,
): KernelPlan {
  const { shape } = inputs[0]!;
  const axis = normalizeAxis(along, shape.length);
  const params = [elements(shape.slice(0, axis)), shape[axis]!, elements(shape.slice(axis + 1))];
  return { calls: [{ kernel, params, args: [operand(0), output()] }] };
}

/** Transforms of all rows: `enn_f32_fft` (kernels/c/enn_f32_fft.h). */
export function fft({ inputs, attrs }: Site<'fft'>): KernelPlan {
  const { shape } = inputs[0]!;
  const n = shape.at(-2)!;
  const params = fftParams(elements(shape) / (2 * n), n, attrs.inverse);
  const args = [operand(0), scratch, output()];
  return { calls: [{ kernel: 'fft', params, args, scratch: 'fft_scratch' }] };
}
