/**
 * The certificate of a build: what it takes of flash and RAM, from the linker map, the planner and
 * the call graph, with the board's limits beside it, and the proof that no accumulator overflows.
 */
import { byteSize } from '../core/dtype.js';
import { elements } from '../core/shape.js';
import { borderClasses, borderOf } from '../ir/border.js';
import { getValue } from '../ir/graph.js';
import type { Lowered } from '../lower/lowered.js';
import { accumulatorLimit } from '../lower/proof.js';
import { keptBytes } from '../lower/rows/group.js';
import type { Board, MemoryLimits } from './boards.js';
import { type LiveTensor, liveTensors } from './fit.js';
import type { Image, ImageSize, StackBound } from './image.js';
import { type PlacedSection, placedBytes } from './image-map.js';

/** All sizes in bytes. */
export interface Certificate {
  readonly format: 1;
  readonly board: string;
  /** The graph's name. */
  readonly model: string;
  /** The first 16 bytes of the SHA-256 of the .tflite file, as hex; what HELLO says. */
  readonly modelHash: string;
  readonly buildHash: string;
  /**
   * Of the model: its code with the kernels that it calls, its constant tables but for `borders`,
   * and all of it.
   */
  readonly flash: {
    readonly code: number;
    readonly weights: number;
    readonly total: number;
  };
  /** The biases of outputs near the edges that lowering added (host/ir/border.ts); in the total. */
  readonly borders: number;
  /** `static`: all data but the arena; `stack`: see `stackBound`. */
  readonly ram: {
    readonly arena: number;
    readonly stack: number;
    readonly static: number;
    readonly total: number;
  };
  readonly limits: MemoryLimits;
  /** The whole image: model, runtime, start-up code, libraries. */
  readonly firmware: ImageSize;
  readonly stackBound: Pick<StackBound, 'method' | 'path'>;
  readonly accumulators: AccumulatorSummary;
  readonly peak: PeakSummary;
  /** The first layers, where they go row by row as one step (`--ram`). */
  readonly rows?: RowSummary;
  readonly image: { readonly file: string; readonly bytes: number; readonly sha256: string };
  readonly compiler: string;
}

/** The proof of every channel, and the channel that comes closest to the limit. */
export interface AccumulatorSummary {
  readonly bits: 32;
  /** Channels for which it was shown that no partial sum leaves int32. */
  readonly channels: number;
  readonly largest: number;
  readonly limit: number;
  /** The value with the largest accumulator, and per value its own. */
  readonly where: string | null;
  readonly values: readonly {
    readonly value: string;
    readonly channels: number;
    readonly largest: number;
  }[];
}

export interface RowSummary {
  /** How many layers; their multiplications are those of layers by themselves. */
  readonly layers: number;
  /** The value that they compute. */
  readonly output: string;
  /** The input is consumed as it arrives (`--stream-input`). */
  readonly streamed: boolean;
  /** Of each image before the result of which not all rows are kept, how many of its rows the arena holds. */
  readonly lines: readonly {
    readonly value: string;
    readonly lines: number;
    readonly rows: number;
    readonly bytes: number;
  }[];
}

/** The step at which most of the arena is live, and what lives there. */
export interface PeakSummary {
  readonly step: number;
  readonly value: string;
  /** No order of placement makes the arena smaller than this. */
  readonly lowerBound: number;
  readonly tensors: readonly LiveTensor[];
}

function accumulators({ proof }: Lowered): AccumulatorSummary {
  const values = proof.map(({ value, largest }) => ({
    value,
    channels: largest.length,
    largest: largest.reduce((a, b) => Math.max(a, b), 0),
  }));
  const worst = values.reduce<(typeof values)[number] | undefined>(
    (a, b) => (a === undefined || b.largest > a.largest ? b : a),
    undefined,
  );
  return {
    bits: 32,
    channels: values.reduce((sum, { channels }) => sum + channels, 0),
    largest: worst?.largest ?? 0,
    limit: accumulatorLimit,
    where: worst?.value ?? null,
    values,
  };
}

const tablePattern = /^static const ENN_CONST (?:_Alignas\(\d+\) )?u?int(?:8|16|32)_t (\w+)\[/gm;

/** The names of the constant tables in an emitted model: weights, biases, multipliers, tables. */
export const tableNames = (modelC: string): Set<string> =>
  new Set([...modelC.matchAll(tablePattern)].map(([, name]) => name!));

const isStored = ({ section, output }: PlacedSection): boolean =>
  !/^\.(bss|data)/.test(section) && !output.startsWith('.debug') && output !== '.comment';
/** Sections that neither code nor data are, such as those for debuggers. */
const isMemory = ({ section, output }: PlacedSection): boolean =>
  output === 'CODE' || /^\.(text|rodata|data|vectors)/.test(section);

/** Code and constant tables of the model in an image. */
export function modelFlash(placed: readonly PlacedSection[], modelC: string): Certificate['flash'] {
  const tables = tableNames(modelC);
  const own = placed.filter((s) => s.object === 'model' && isMemory(s) && isStored(s));
  const isTable = ({ section }: PlacedSection): boolean =>
    tables.has(section.replace(/^\.rodata\./, ''));
  const weights = placedBytes(own, isTable);
  const total = placedBytes(own, () => true);
  return { code: total - weights, weights, total };
}

/** Bytes of the biases beyond one per channel, and of the tables that say whose they are. */
function borderBytes({ graph }: Lowered): number {
  return graph.nodes.reduce((sum, node) => {
    const border = borderOf(node);
    if (!border) return sum;
    const channels = getValue(graph, node.output).shape.at(-1)!;
    const extra = elements(borderClasses(border)) - 1;
    return sum + byteSize('s32', extra * channels + border.length);
  }, 0);
}

function flashOf(
  { placed }: Image,
  modelC: string,
  lowered: Lowered,
): Pick<Certificate, 'flash' | 'borders'> {
  const { code, weights, total } = modelFlash(placed, modelC);
  const borders = borderBytes(lowered);
  return { flash: { code, weights: weights - borders, total }, borders };
}

function rowsOf({ rows }: Lowered): RowSummary | undefined {
  if (!rows) return undefined;
  const { images, steps, streams } = rows.group;
  const kept = images.slice(0, -1).filter(({ lines, rows: all }) => lines < all);
  return {
    layers: steps,
    output: images.at(-1)!.value,
    streamed: streams,
    lines: kept.map((image) => ({
      value: image.value,
      lines: image.lines,
      rows: image.rows,
      bytes: keptBytes(image),
    })),
  };
}

export interface CertificateInputs {
  readonly board: Board;
  readonly lowered: Lowered;
  readonly image: Image;
  readonly modelC: string;
  readonly modelHash: string;
  readonly buildHash: string;
  /** SHA-256 of the image, as hex. */
  readonly imageHash: string;
}

/** Puts the certificate together. */
export function makeCertificate(inputs: CertificateInputs): Certificate {
  const { board, lowered, image, modelC, modelHash, buildHash, imageHash } = inputs;
  const { arenaBytes: arena, plan, graph, steps } = lowered;
  const stack = image.stack.bytes;
  const rows = rowsOf(lowered);
  return {
    format: 1,
    board: board.name,
    model: graph.name,
    modelHash,
    buildHash,
    ...flashOf(image, modelC, lowered),
    ram: { arena, stack, static: image.size.ram - stack - arena, total: image.size.ram },
    limits: board.limits,
    firmware: image.size,
    stackBound: { method: image.stack.method, path: image.stack.path },
    accumulators: accumulators(lowered),
    peak: {
      step: plan.peakStep,
      value: steps[plan.peakStep]?.node.output ?? graph.outputs[0]!,
      lowerBound: plan.lowerBound,
      tensors: liveTensors(lowered),
    },
    ...(rows && { rows }),
    image: { file: image.file, bytes: image.bytes.length, sha256: imageHash },
    compiler: image.compiler,
  };
}
