/**
 * Matrix products and convolutions: the rules of kernels/wgsl/gemm.wgsl.
 */
import { f32 } from '../kernels/kernel-call.js';
import {
  chunksOf,
  combine,
  type Dispatch,
  type GpuPlan,
  type GpuRule,
  mostGroups,
  none,
  type Places,
  type Shader,
  shardCount,
} from './dispatch.js';

/** A product y[m][n] over k, which is `rows` (the batch, where it is sharded) times `unit`. */
interface Product {
  readonly family: readonly string[];
  readonly m: number;
  readonly n: number;
  readonly rows: number;
  readonly unit: number;
  /** Whether neighbours in memory are neighbours in k. */
  readonly along: { readonly a: boolean; readonly b: boolean };
  /** Whether rows are a batch: their sum is taken in shards. */
  readonly sharded: boolean;
  /** Constants of the family. */
  readonly constants?: readonly string[];
  /** What follows the struct `Gemm`. */
  params(at: Places): readonly number[];
  /** The bias among the operands. */
  readonly bias?: number;
}

/** The sizes of tiles; a thread computes 4 x 4. Few sizes, because each is a shader to compile. */
const tileOf = (n: number): number => (n > 16 ? 64 : 16);

/**
 * How k is summed: in one chain, as a tree of shards, or in parts of shards that run side by side,
 * where few tiles with long sums would leave a device idle.
 */
type Summation = 'chain' | 'tree' | 'parts';

const mostTilesInParts = 64;
const parting = { workers: 512, least: 64 };

function summation({ sharded, rows, unit }: Product, tiles: number): Summation {
  if (!sharded) return 'chain';
  const long = rows * unit >= shardCount * parting.least;
  return long && tiles <= mostTilesInParts ? 'parts' : 'tree';
}

function shaderOf(p: Product, [high, wide]: readonly [number, number], sum: Summation): Shader {
  const code = [
    `const TILE_M = ${high}u;`,
    `const TILE_N = ${wide}u;`,
    `const A_ALONG_K = ${p.along.a};`,
    `const B_ALONG_K = ${p.along.b};`,
    `const SHARDED = ${sum !== 'chain'};`,
    `const TREE = ${sum === 'tree'};`,
    ...(p.constants ?? []),
  ].join('\n');
  return { files: ['shards', 'gemm', ...p.family], code, entry: 'main' };
}

/** x counts tiles along m; y tiles along n, as often as x does not suffice. */
function grid(tilesM: number, tilesN: number, parts: number): readonly [number, number, number] {
  const x = Math.min(tilesM, mostGroups);
  return [x, Math.ceil(tilesM / x) * tilesN, parts];
}

function plan(p: Product): GpuPlan {
  const tile = [tileOf(p.m), tileOf(p.n)] as const;
  const [tilesM, tilesN] = [Math.ceil(p.m / tile[0]), Math.ceil(p.n / tile[1])];
  const sum = summation(p, tilesM * tilesN);
  const perShard = (p.rows * p.unit) / shardCount;
  const chunks = sum === 'parts' ? chunksOf(tilesM * tilesN, perShard, parting) : 1;
  const parts = sum === 'parts' ? shardCount * chunks : 1;
  const shader = shaderOf(p, tile, sum);
  return {
    scratch: sum === 'parts' ? parts * p.m * p.n : 0,
    dispatches(at) {
      const bias = p.bias === undefined ? none : (at.inputs[p.bias] ?? none);
      const y = sum === 'parts' ? at.scratch : at.output;
      const gemm = [p.m, p.n, p.rows, p.unit, chunks, y, bias];
      const product: Dispatch = {
        shader,
        params: [...gemm, ...p.params(at)],
        groups: grid(tilesM, tilesN, parts),
      };
      if (sum !== 'parts') return [product];
      const sums = { outputs: p.m * p.n, parts, count: f32(1) };
      return [product, combine(sums, at.scratch, at.output)];
    },
  };
}

/** `enn_f32_matmul` */
export const matmul: GpuRule = ([m, k, n, aRow, aK, bK, bCol, sharded]) =>
  plan({
    family: ['matmul'],
    m: m!,
    n: n!,
    rows: k!,
    unit: 1,
    along: { a: aK === 1, b: bK === 1 },
    sharded: sharded === 1,
    bias: 2,
    params: ({ inputs: [a, b] }) => [a!, b!, aRow!, aK!, bK!, bCol!],
  });

/** The struct `enn_f32_window`. */
export interface Window {
  readonly words: readonly number[];
  readonly images: number;
  /** Pixels of an image and of its result. */
  readonly pixels: number;
  readonly windows: number;
  readonly c: number;
  readonly oc: number;
  readonly taps: number;
  /** Whether a stride is more than 1. */
  readonly strided: boolean;
}

export function windowOf(params: readonly number[]): Window {
  const words = params.slice(0, 15);
  const [n = 0, h = 0, w = 0, c = 0, oh = 0, ow = 0, oc = 0, kh = 0, kw = 0, sh = 0, sw = 0] =
    words;
  const strided = sh > 1 || sw > 1;
  return { words, images: n, pixels: h * w, windows: oh * ow, c, oc, taps: kh * kw, strided };
}

export const conv2d: GpuRule = (params) => {
  const q = windowOf(params);
  return plan({
    family: ['window', 'image', 'conv2d'],
    m: q.images * q.windows,
    n: q.oc,
    rows: 1,
    unit: q.taps * q.c,
    along: { a: true, b: true },
    sharded: false,
    bias: 2,
    params: ({ inputs: [x, w] }) => [...q.words, x!, w!],
  });
};

export const conv2dGradInput: GpuRule = (params) => {
  const q = windowOf(params);
  return plan({
    family: ['window', 'conv2d_grad_input'],
    constants: [`const STRIDED = ${q.strided};`],
    m: q.images * q.pixels,
    n: q.c,
    rows: 1,
    unit: q.taps * q.oc,
    along: { a: true, b: false },
    sharded: false,
    params: ({ inputs: [dy, w] }) => [...q.words, dy!, w!],
  });
};

export const conv2dGradWeights: GpuRule = (params) => {
  const q = windowOf(params);
  return plan({
    family: ['window', 'image', 'conv2d_grad_weights'],
    m: q.oc,
    n: q.taps * q.c,
    rows: q.images,
    unit: q.windows,
    along: { a: false, b: false },
    sharded: true,
    params: ({ inputs: [x, dy] }) => [...q.words, x!, dy!],
  });
};
