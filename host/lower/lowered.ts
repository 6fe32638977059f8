/**
 * What lowering makes of an int8 graph: the graph that the device runs, a kernel per step, and a
 * place in the arena for every value. Plain data; the emitters only print it.
 */
import type { Graph, ValueId } from '../ir/graph.js';
import type { Plan } from '../plan/plan.js';
import type { StepNode } from './lowered-ops.js';
import type { ByteLine } from './pack/byte-map.js';
import type { Packing, ShortForm } from './pack/pack.js';
import type { Plane } from './pack/plane.js';
import type { LayerTables } from './pack/types.js';
import type { RowWindow } from './rows/rules.js';
import type { RowImage, RowMemory } from './rows/schedule.js';

/**
 * What kernels may use. `ref`: portable C11, the contract; `dsp`: the SIMD instructions of Armv7E-M;
 * `mve`: Helium, the vectors of Armv8.1-M; `m0`: the few instructions of Armv6-M. The others are
 * faster and equal `ref`.
 */
export const archs = ['ref', 'dsp', 'mve', 'm0'] as const;
export type Arch = (typeof archs)[number];

export interface Target {
  readonly arch: Arch;
  /** Bytes to which the arena and every buffer in it are aligned; a power of two. */
  readonly align: number;
}

/** Runs everywhere. */
export const portableTarget: Target = { arch: 'ref', align: 4 };

/**
 * In which order a kernel touches memory; it decides how far output and input may overlap.
 *
 * - `elements`: writes output elements in ascending order; once element k is written, of operands
 *   with the output's shape it reads elements after k only.
 * - `pixels`: writes output pixels in ascending order, channels in ascending order within; for
 *   each output element it reads that pixel's window, and nothing else.
 * - `blocks`: as `pixels`, but the windows of several pixels are read before the first of their
 *   outputs is written; `blocks3`: of three pixels at a time.
 * - `any`: nothing is promised.
 */
export type ReadingOrder = 'elements' | 'pixels' | 'blocks' | 'blocks3' | 'any';

/** Pixels of a block. */
export const pixelsPerBlock = { pixels: 1, blocks: 4, blocks3: 3 } as const;

/** How the bytes of one operand become output. */
export type ByteKernel = { readonly name: string } & (
  | { readonly kind: 'copy' }
  | { readonly kind: 'table'; readonly table: Int8Array }
  | {
      readonly kind: 'line';
      readonly line: ByteLine;
      readonly clamp: readonly [least: number, most: number];
    }
);

/** One line of levels for all outputs (lower/pack/levels.ts), and what is taken off an accumulator before. */
export interface ReducedLevels {
  readonly words: Int32Array;
  readonly origin: number;
}

/** A C function and the header in kernels/c that defines it. */
export interface Kernel {
  readonly name: string;
  readonly header: string;
  readonly order: ReadingOrder;
  /** Another form of the op's call than that of its portable kernel (emit/c/rules.ts). */
  readonly form?: 'same' | 'dense' | 'rows';
  /** How the kernel wants its weights (pack/pack.ts); absent: as the graph has them. */
  readonly packing?: Packing;
  /** What it requantizes with, where that is not the op's own tables; equal in effect. */
  readonly requantization?: ShortForm;
  /** All that a layer takes, where its kernel has tables of its own form. */
  readonly tables?: LayerTables;
  /** It takes a bias of its own for outputs near the edges (host/ir/border.ts). */
  readonly border?: boolean;
  /** The plane that an add is (pack/plane.ts). */
  readonly plane?: Plane;
  /** Of an op without weights whose accumulators have a line of levels. */
  readonly levels?: ReducedLevels;
  /** What an op that takes one byte at a time calls, for each operand (lower/select/bytes.ts). */
  readonly bytes?: readonly ByteKernel[];
  /** Its output, no larger than its first operand, may lie where that begins. */
  readonly inPlace?: boolean;
  /** Bytes of memory that it works in. */
  readonly scratchBytes?: number;
  /** One that does the same in less memory and more time (lower/trade-memory.ts). */
  readonly smaller?: Kernel;
  /** About how many instructions it takes, where another one could do. */
  readonly instructions?: number;
}

/** Bytes of the arena. */
export interface Window {
  readonly offset: number;
  readonly bytes: number;
}

/** One kernel call. */
export interface LoweredStep {
  readonly node: StepNode;
  readonly kernel: Kernel;
  /** Multiply-accumulates of one inference. */
  readonly macs: number;
  /** The value of the int8 graph whose elements this step computes. */
  readonly source: ValueId;
  /** For each channel (last axis) of the step's value, its channel in `source`; absent: the same. */
  readonly channels?: readonly number[];
  /** Where the step's value lies until a later step overwrites it. */
  readonly window: Window;
  readonly scratch?: Window;
}

/** Rows from `first` on, up to the next class, that are computed alike. */
export interface RowClass {
  readonly first: number;
  /** The graph in which the node's operands and output have the rows of one call. */
  readonly graph: Graph;
  readonly node: StepNode;
  readonly kernel: Kernel;
}

/** How a node is computed row by row. */
export interface RowLayer {
  readonly node: StepNode;
  /** The rows of each operand that is an image. */
  readonly windows: ReadonlyMap<ValueId, RowWindow>;
  readonly classes: readonly RowClass[];
}

/** An image of a group: a source (without a layer), a layer's lines, or the result. */
export interface GroupImage extends RowImage {
  readonly value: ValueId;
  readonly layer?: RowLayer;
  readonly lineBytes: number;
  /** Lines that are kept: all rows of the result and of an input that is resident. */
  readonly lines: number;
}

/** The first layers of a graph, row by row. The result is the last image. */
export interface RowGroup {
  /** How many steps of the graph it stands for. */
  readonly steps: number;
  readonly images: readonly GroupImage[];
  readonly memory: RowMemory;
  /** The rows of the input arrive one by one and are not kept. */
  readonly streams: boolean;
  readonly scratchBytes: number;
}

/** Where a group lies in the arena. */
export interface PlacedGroup {
  readonly group: RowGroup;
  /** The first line of each image. */
  readonly offsets: readonly number[];
  readonly counters: number;
}

/** The int32 arithmetic of one step cannot overflow, shown by interval arithmetic. */
export interface StepProof {
  readonly value: ValueId;
  /**
   * Per output channel (one entry where channels do not differ): what no partial sum exceeds,
   * nor the sum as its requantization shifts it left.
   */
  readonly largest: readonly number[];
}

export interface Lowered {
  /** Stage `lowered`; each value has the id of the int8 value that it equals. */
  readonly graph: Graph;
  readonly target: Target;
  readonly steps: readonly LoweredStep[];
  readonly plan: Plan;
  readonly arenaBytes: number;
  /** Where each input, output and computed value lies; a reshape shares its operand's window. */
  readonly windows: ReadonlyMap<ValueId, Window>;
  /** In the order of graph.inputs; of an input that is streamed, the lines that are kept. */
  readonly inputs: readonly Window[];
  /** In the order of graph.outputs. */
  readonly outputs: readonly Window[];
  /** One entry per step that accumulates. */
  readonly proof: readonly StepProof[];
  /** The layers that step 0 computes row by row (lower/rows); absent: every step is one layer. */
  readonly rows?: PlacedGroup;
}

/** What a step is called: its op, or `rows` where it is several layers row by row. */
export const stepOp = ({ steps, rows }: Lowered, step: number): string =>
  rows && step === 0 ? 'rows' : steps[step]!.node.op;
