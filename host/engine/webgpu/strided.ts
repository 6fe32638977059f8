/**
 * Ops over strided arrays: the rules of kernels/wgsl/binary.wgsl, copy.wgsl, reduce.wgsl, axis.wgsl
 * and fft.wgsl.
 */
import {
  type ArgExtremeKernel,
  type BinaryKernel,
  type ExtremeKernel,
  f32,
  type ReduceKernel,
} from '../kernels/kernel-call.js';
import {
  chunksOf,
  combine,
  type Dispatch,
  floatOf,
  type GpuRule,
  none,
  shardCount,
  simple,
  threads,
} from './dispatch.js';

const rank = 6;

interface Dim {
  readonly size: number;
  readonly a: number;
  readonly b: number;
}

/** The dimensions of a struct `enn_f32_strided` that are more than 1 long. */
const dimsOf = (params: readonly number[]): Dim[] =>
  Array.from({ length: rank }, (_, i) => ({
    size: params[i]!,
    a: params[rank + i]!,
    b: params[2 * rank + i]!,
  })).filter(({ size }) => size !== 1);

const product = (dims: readonly Dim[]): number => dims.reduce((n, { size }) => n * size, 1);

/** Values of up to six dimensions, as WGSL's arrays hold them. */
const fill = (values: readonly number[], filler: number): number[] => [
  ...values,
  ...new Array<number>(rank - values.length).fill(filler),
];

/** The struct `Strided`. */
const strided = (dims: readonly Dim[]): number[] => [
  dims.length,
  ...fill(
    dims.map(({ size }) => size),
    1,
  ),
  ...fill(
    dims.map(({ a }) => a),
    0,
  ),
  ...fill(
    dims.map(({ b }) => b),
    0,
  ),
];

/** The struct `Dims` of reduce.wgsl. */
const dimensions = (dims: readonly Dim[]): number[] => [
  dims.length,
  ...fill(
    dims.map(({ size }) => size),
    1,
  ),
  ...fill(
    dims.map(({ a }) => a),
    0,
  ),
];

function binary(kernel: BinaryKernel): GpuRule {
  const code = `fn apply(a: f32, b: f32) -> f32 { return ${kernel}(a, b); }`;
  const shader = { files: ['strided', 'binary'], code, entry: 'main' };
  return (params) => {
    const dims = dimsOf(params);
    const n = product(dims);
    return simple(({ inputs: [a, b], output }) => [
      { shader, params: [n, output, a!, b!, ...strided(dims)], groups: threads(n) },
    ]);
  };
}

export const binaries = {
  add: binary('add'),
  sub: binary('sub'),
  mul: binary('mul'),
  div: binary('div'),
  equal: binary('equal'),
} satisfies { readonly [K in BinaryKernel]: GpuRule };

export const copy: GpuRule = (params) => {
  const dims = dimsOf(params);
  const n = product(dims);
  return simple(({ inputs: [x], output }) => [
    {
      shader: { files: ['strided', 'copy'], code: '', entry: 'main' },
      params: [n, output, x!, ...strided(dims)],
      groups: threads(n),
    },
  ]);
};

/** The struct `enn_f32_reduce`, with the parts into which its sums are cut. */
interface Reduction {
  readonly outputs: number;
  readonly count: number;
  readonly shards: number;
  readonly chunks: number;
  readonly rows: number;
  readonly unit: number;
  readonly kept: readonly Dim[];
  readonly reduced: readonly Dim[];
}

function reductionOf(params: readonly number[]): Reduction {
  const dims = dimsOf(params);
  const [outputs, sharded, count] = params.slice(3 * rank) as [number, number, number];
  const kept = dims.filter(({ b }) => b !== 0);
  const reduced = dims.filter(({ b }) => b === 0);
  const all = product(reduced);
  const rows = sharded === 1 ? params[0]! : all;
  const chunks = chunksOf(outputs, all / shardCount, { workers: 16_384, least: 16 });
  const shards = sharded === 1 || chunks > 1 ? shardCount : 1;
  return { outputs, count, shards, chunks, rows, unit: all / rows, kept, reduced };
}

type Step = 'add_value' | 'add_square' | 'larger' | 'smaller';

/** The totals of all parts, to `y`. */
function totals(r: Reduction, step: Step, at: { x: number; y: number; mean: number }): Dispatch {
  const start = { add_value: 0, add_square: 0, larger: -Infinity, smaller: Infinity }[step];
  const code = `fn step(total: f32, v: f32, o: u32) -> f32 { return ${step}(total, v, o); }`;
  return {
    shader: { files: ['shards', 'reduce'], code, entry: 'main' },
    params: [
      ...[r.outputs, r.shards, r.chunks, r.rows, r.unit, f32(start), at.y, at.x, at.mean],
      ...dimensions(r.kept),
      ...dimensions(r.reduced),
    ],
    groups: threads(r.outputs * r.shards * r.chunks),
  };
}

/** Sums, divided by `count` (a float's bits). */
function sums(r: Reduction, step: Step, count: number, scratch: number) {
  const parts = r.shards * r.chunks;
  return (x: number, y: number, mean: number): Dispatch[] => [
    totals(r, step, { x, y: scratch, mean }),
    combine({ outputs: r.outputs, parts, count }, scratch, y),
  ];
}

const scratchOf = (r: Reduction): number => r.outputs * r.shards * r.chunks;

const sum =
  (mean: boolean): GpuRule =>
  (params) => {
    const r = reductionOf(params);
    return {
      scratch: scratchOf(r),
      dispatches: ({ inputs: [x], output, scratch }) =>
        sums(r, 'add_value', mean ? r.count : f32(1), scratch)(x!, output, none),
    };
  };

/** mean((x - mean(x))^2) in two passes. */
const variance: GpuRule = (params) => {
  const r = reductionOf(params);
  return {
    scratch: scratchOf(r) + r.outputs,
    dispatches({ inputs: [x], output, scratch }) {
      const mean = scratch + scratchOf(r);
      return [
        ...sums(r, 'add_value', r.count, scratch)(x!, mean, none),
        ...sums(r, 'add_square', r.count, scratch)(x!, output, mean),
      ];
    },
  };
};

export const reductions = {
  sum: sum(false),
  mean: sum(true),
  variance,
} satisfies { readonly [K in ReduceKernel]: GpuRule };

const extreme =
  (step: Step): GpuRule =>
  (params) => {
    const r = { ...reductionOf(params), shards: 1, chunks: 1 };
    return simple(({ inputs: [x], output }) => [totals(r, step, { x: x!, y: output, mean: none })]);
  };

export const extremes = {
  max_over: extreme('larger'),
  min_over: extreme('smaller'),
} satisfies { readonly [K in ExtremeKernel]: GpuRule };

/** `enn_f32_axis` */
const argExtreme =
  (entry: ArgExtremeKernel): GpuRule =>
  ([outer, n, inner]) =>
    simple(({ inputs: [x], output }) => [
      {
        shader: { files: ['axis'], code: '', entry },
        params: [outer! * inner!, n!, inner!, output, x!],
        groups: threads(outer! * inner!),
      },
    ]);

export const argExtremes = {
  arg_max: argExtreme('arg_max'),
  arg_min: argExtreme('arg_min'),
} satisfies { readonly [K in ArgExtremeKernel]: GpuRule };

/** Prime factors, with 4 for two of 2; at least one. */
function radicesOf(n: number): number[] {
  const out: number[] = [];
  let left = n;
  for (let radix = 4; left > 1; radix = radix === 4 ? 2 : radix === 2 ? 3 : radix + 2) {
    for (; left % radix === 0; left /= radix) out.push(radix);
    if (radix * radix > left && radix > 4 && left > 1) {
      out.push(left);
      break;
    }
  }
  return out.length === 0 ? [1] : out;
}

/** The head of `enn_f32_fft`: rows, n, the factor of the results, the direction. */
export const fft: GpuRule = ([rows, n, scale, direction]) => {
  const radices = radicesOf(n!);
  const turn = ((floatOf(direction!) < 0 ? 2 : -2) * Math.PI) / n!;
  const roots = Array.from({ length: n! }, (_, k) => [Math.cos(turn * k), Math.sin(turn * k)]);
  const words = roots.flat().map(f32);
  return {
    scratch: radices.length > 1 ? 2 * rows! * n! : 0,
    dispatches: ({ inputs: [x], output, scratch }) =>
      radices.map((radix, i): Dispatch => {
        const left = radices.length - 1 - i;
        const before = i === 0 ? x! : left % 2 === 0 ? scratch : output;
        const y = left % 2 === 0 ? output : scratch;
        const done = radices.slice(0, i).reduce((all, r) => all * r, 1);
        const factor = left === 0 ? scale! : f32(1);
        return {
          shader: { files: ['fft'], code: '', entry: 'main' },
          // The roots begin at an even word.
          params: [rows!, n!, radix, done, factor, y, before, 0, ...words],
          groups: threads(rows! * n!),
        };
      }),
  };
};
