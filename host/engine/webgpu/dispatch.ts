/**
 * What a rule of the WebGPU kernel table says: which shaders compute a kernel call, with what
 * parameters.
 *
 * All memory of a program is one array of 32-bit words, so an operand is a word's number, and the
 * parameters of a shader (kernels/wgsl) are words too: numbers, and the bits of floats.
 */

/** A compute pipeline: WGSL files, what is added to them, and where it begins. */
export interface Shader {
  /** Files of kernels/wgsl, without their ending. */
  readonly files: readonly string[];
  /** Declarations that the files leave open. */
  readonly code: string;
  readonly entry: string;
}

export interface Dispatch {
  readonly shader: Shader;
  readonly params: readonly number[];
  /** Workgroups along x, y and z. */
  readonly groups: readonly [number, number, number];
}

/** Where the arrays of a call begin, in words. */
export interface Places {
  /** Operands; undefined for one that is absent. */
  readonly inputs: readonly (number | undefined)[];
  readonly output: number;
  readonly scratch: number;
}

export interface GpuPlan {
  /** Words of scratch. */
  readonly scratch: number;
  dispatches(at: Places): readonly Dispatch[];
}

/** From the parameters of a call (the struct of the C kernel, as words) to its dispatches. */
export type GpuRule = (params: readonly number[]) => GpuPlan;

/** The first word of an array that is absent, `NONE` in WGSL. */
export const none = -1;

/** Threads of a workgroup that computes an element each, `GROUP` in WGSL. */
export const group = 256;

/** The most workgroups along a dimension, in every implementation. */
export const mostGroups = 65_535;

/** Workgroups for `count` of them in a row: `flat` in WGSL counts along x first. */
function groupsOf(count: number): readonly [number, number, number] {
  const x = Math.min(Math.max(count, 1), mostGroups);
  return [x, Math.ceil(count / x), 1];
}

/** Workgroups for `n` threads. */
export const threads = (n: number): readonly [number, number, number] =>
  groupsOf(Math.ceil(n / group));

/** A plan without scratch. */
export const simple = (dispatches: GpuPlan['dispatches']): GpuPlan => ({ scratch: 0, dispatches });

const bits = new DataView(new ArrayBuffer(4));

/** The float whose bits a parameter holds. */
export function floatOf(word: number): number {
  bits.setInt32(0, word);
  return bits.getFloat32(0);
}

/** Shards of a sum over the batch (DESIGN 2b). */
export const shardCount = 8;

/**
 * Into how many chunks each shard of a sum is cut, so that `results` sums of `length` elements a
 * shard keep some `workers` busy, each for at least `least` elements. It depends on nothing but
 * the shapes: every device adds in the same order.
 */
export function chunksOf(
  results: number,
  length: number,
  { workers, least }: { readonly workers: number; readonly least: number },
): number {
  const wanted = Math.ceil(workers / (results * shardCount));
  return Math.max(1, Math.min(wanted, Math.floor(length / least)));
}

/** From so many outputs on, a thread adds up all of one output. */
const manyOutputs = 1024;

/** Adds `parts` partial sums of `outputs` elements each. */
export function combine(
  { outputs, parts, count }: { outputs: number; parts: number; count: number },
  x: number,
  y: number,
): Dispatch {
  const many = outputs >= manyOutputs;
  return {
    shader: { files: ['shards', 'combine'], code: '', entry: many ? 'many' : 'few' },
    params: [outputs, parts, count, y, x],
    groups: many ? threads(outputs) : groupsOf(Math.ceil(outputs / 8)),
  };
}
