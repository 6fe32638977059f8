/**
 * Checkpoints: .safetensors files with the weights and statistics under their graph ids, the
 * optimizer's slots as `optimizer/<slot>/<parameter>`, the scales and ranges of quantization-aware
 * training as `ranges/<name>`, and in the metadata the float graph's text (`graph`) and, as JSON, how
 * the training was set up (`setup`), how far it is (`progress`) and the hashes of slots and ranges
 * (`slots`, `ranges`).
 * Nothing in a file depends on the clock, so the same training gives the same bytes.
 */
import { bytesOf } from '../core/dtype.js';
import { BadInputError, UsageError } from '../core/errors.js';
import { sha256 } from '../core/hash.js';
import { readSafetensors, type Safetensor, writeSafetensors } from '../format/safetensors.js';
import { type Graph, getValue, type ValueId } from '../ir/graph.js';
import { parse } from '../ir/parse.js';
import { dataHash, print } from '../ir/text.js';
import type { Optimizer } from './optimizers.js';
import type { QatSetup } from './qat-setup.js';
import type { Schedule } from './schedules.js';

/** What must be the same for a resumed training to give the same weights. */
export interface Setup {
  readonly seed: number;
  /** SHA-256 of the training data's contents. */
  readonly data: string;
  /** The same of the test data, by which the best epoch is chosen. */
  readonly testData: string | null;
  readonly batch: number;
  readonly optimizer: Optimizer;
  readonly learningRate: number;
  readonly schedule: Schedule;
  /** The part of every target that is spread over all classes. */
  readonly labelSmoothing: number;
  /** Epochs without a better one after which the training ends; null: never. */
  readonly patience: number | null;
  readonly engine: { readonly name: string; readonly variant: string };
  /** Quantization in the loop; absent without. */
  readonly qat?: QatSetup;
  /** SHA-256 of the weights to begin with; absent where they are drawn by the seed. */
  readonly from?: string;
}

/** The result of one epoch; null where there is no test data or no accuracy. */
export interface EpochResult {
  readonly epoch: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number | null;
  readonly testLoss: number | null;
  readonly testAccuracy: number | null;
}

/** Sums over the examples of the current epoch. */
export interface Running {
  readonly loss: number;
  readonly correct: number;
  readonly seen: number;
}

export interface Progress {
  /** Finished epochs. */
  readonly epoch: number;
  /** Finished batches of the current epoch. */
  readonly step: number;
  /** Finished batches of all epochs. */
  readonly steps: number;
  readonly running: Running;
  readonly history: readonly EpochResult[];
}

export type Tensors = ReadonlyMap<string, Float32Array<ArrayBuffer>>;

export interface Checkpoint {
  /** Stage float, batch 1, with the trained weights and statistics. */
  readonly graph: Graph;
  readonly setup: Setup;
  readonly progress: Progress;
  /** Optimizer slots by `<slot>/<parameter>`. */
  readonly slots: Tensors;
  /** Scales and ranges of quantization-aware training, by name; empty without. */
  readonly ranges: Tensors;
}

const slotPrefix = 'optimizer/';
const rangePrefix = 'ranges/';
const damagedHint =
  'Give a .safetensors file that `edge-nn train` wrote; if it did, the file was changed or cut.';

/** The graph with other contents of some consts and states. */
export const withData = (graph: Graph, data: Tensors): Graph => ({
  ...graph,
  data: new Map([...graph.data, ...data]),
});

const hashes = (tensors: Tensors): Readonly<Record<string, string>> =>
  Object.fromEntries([...tensors].map(([name, data]) => [name, sha256(bytesOf(data))]));

/** The bytes of a checkpoint. */
export function writeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { graph, setup, progress, slots, ranges } = checkpoint;
  const tensors = new Map<string, Safetensor>();
  for (const [id, data] of graph.data) {
    const { shape, dtype } = getValue(graph, id);
    if (!(data instanceof Float32Array)) throw new Error(`%${id}: ${dtype} in a float graph`);
    tensors.set(id, { dtype: 'F32', shape, data: data as Float32Array<ArrayBuffer> });
  }
  for (const [name, data] of slots) {
    const parameter = name.slice(name.indexOf('/') + 1);
    // A trained scale is no value of the model.
    const { shape } = graph.values.get(parameter) ?? { shape: [data.length] };
    tensors.set(slotPrefix + name, { dtype: 'F32', shape, data });
  }
  for (const [name, data] of ranges) {
    tensors.set(rangePrefix + name, { dtype: 'F32', shape: [data.length], data });
  }
  return writeSafetensors({
    metadata: {
      format: 'edge-nn checkpoint 1',
      graph: print(graph),
      setup: JSON.stringify(setup),
      progress: JSON.stringify(progress),
      slots: JSON.stringify(hashes(slots)),
      ...(ranges.size > 0 && { ranges: JSON.stringify(hashes(ranges)) }),
    },
    tensors,
  });
}

/** A file of tensors. */
interface Opened {
  readonly file: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, Safetensor>;
}

function damaged(file: string, what: string, cause?: unknown): BadInputError {
  return new BadInputError(`${file}: ${what}`, { hint: damagedHint, where: file, cause });
}

function readJson<T>(file: string, key: string, text: string | undefined): T {
  try {
    return JSON.parse(text ?? '') as T;
  } catch (cause) {
    throw damaged(file, `its ${key} metadata is missing or no JSON`, cause);
  }
}

function readGraph(file: string, text: string, tensors: ReadonlyMap<string, Safetensor>): Graph {
  const graph = parse(text, (_, id) => {
    const tensor = tensors.get(id);
    return tensor?.dtype === 'F32' ? (tensor.data as Float32Array<ArrayBuffer>) : undefined;
  });
  // The text names contents by hash; a tensor that was swapped or changed shows up here.
  for (const line of text.split('\n')) {
    const [, id, hash] =
      /^[@$]([\w.]+): .* = (?:const|state) sha256:([0-9a-f]{64})/.exec(line) ?? [];
    if (id !== undefined && dataHash(graph, id) !== hash) {
      throw damaged(file, `tensor '${id}' is not the one that was saved`);
    }
  }
  return graph;
}

/** The tensors under a prefix, compared with the hashes in the metadata. */
function readHashed(
  { file, metadata, tensors }: Opened,
  key: 'slots' | 'ranges',
  prefix: string,
): Tensors {
  const out = new Map<string, Float32Array<ArrayBuffer>>();
  const saved = readJson<Readonly<Record<string, string>>>(file, key, metadata[key]);
  for (const [name, hash] of Object.entries(saved)) {
    const tensor = tensors.get(prefix + name);
    if (tensor?.dtype !== 'F32' || sha256(bytesOf(tensor.data)) !== hash) {
      throw damaged(file, `tensor '${prefix}${name}' is not the one that was saved`);
    }
    out.set(name, tensor.data as Float32Array<ArrayBuffer>);
  }
  return out;
}

/**
 * Reads a checkpoint.
 *
 * @param file name for the errors
 * @throws BadInputError (exit code 3) when the bytes are damaged or no checkpoint
 */
export function loadCheckpoint(bytes: Uint8Array, file = 'checkpoint'): Checkpoint {
  const { metadata, tensors } = readSafetensors(bytes, file);
  if (metadata.format !== 'edge-nn checkpoint 1' || metadata.graph === undefined) {
    throw damaged(file, 'is no checkpoint of edge-nn: it has no graph in its metadata');
  }
  const opened = { file, metadata, tensors };
  const slots = readHashed(opened, 'slots', slotPrefix);
  const hasRanges = metadata.ranges !== undefined;
  return {
    graph: readGraph(file, metadata.graph, tensors),
    setup: readJson<Setup>(file, 'setup', metadata.setup),
    progress: readJson<Progress>(file, 'progress', metadata.progress),
    slots,
    ranges: hasRanges ? readHashed(opened, 'ranges', rangePrefix) : new Map(),
  };
}

/** The text of a graph with all that training changes set to zero. */
function structure(graph: Graph): string[] {
  const trained = (id: ValueId): boolean => {
    const { kind, trainable } = getValue(graph, id);
    return kind === 'state' || trainable === true;
  };
  const zeroed = [...graph.data].map(
    ([id, data]) => [id, trained(id) ? new Float32Array(data.length) : data] as const,
  );
  return print({ ...graph, data: new Map(zeroed) })
    .split('\n')
    .sort();
}

/** A line that only one of two graphs has, whatever training changes. */
function graphDifference(saved: Graph, graph: Graph): string | undefined {
  const before = structure(saved);
  const now = structure(graph);
  const changed =
    now.find((line) => !before.includes(line)) ?? before.find((line) => !now.includes(line));
  return changed?.slice(0, 100);
}

/** What differs between two setups and graphs, as one line each. */
function differences(saved: Checkpoint, graph: Graph, setup: Setup): string[] {
  const changed = graphDifference(saved.graph, graph);
  const out = changed === undefined ? [] : [`graph (${changed})`];
  const keys = new Set([...Object.keys(saved.setup), ...Object.keys(setup)]);
  for (const key of keys as Set<keyof Setup>) {
    const was = JSON.stringify(saved.setup[key]);
    const is = JSON.stringify(setup[key]);
    if (was !== is) out.push(`${key} (was ${was}, is ${is})`);
  }
  return out;
}

/**
 * A graph with the weights and statistics of a checkpoint, to begin another training with.
 *
 * @throws UsageError (exit code 2) where the checkpoint is of another network
 */
export function withWeightsOf(graph: Graph, saved: Checkpoint, file: string): Graph {
  const difference = graphDifference(saved.graph, graph);
  if (difference === undefined) return withData(graph, saved.graph.data as Tensors);
  throw new UsageError(`${file} has the weights of another network: ${difference}`, {
    hint: 'Give a checkpoint of the same model file.',
    where: file,
  });
}

/**
 * Checks that a checkpoint can be continued to the weights that an uninterrupted training gives.
 *
 * @throws UsageError (exit code 2) naming all that differs
 */
export function requireSame(saved: Checkpoint, graph: Graph, setup: Setup, file: string): void {
  const list = differences(saved, graph, setup);
  if (list.length === 0) return;
  const { name, variant } = saved.setup.engine;
  const isMoved = name !== setup.engine.name || variant !== setup.engine.variant;
  const engine = variant.startsWith(`${name}-`) ? variant.replace('-', ':') : name;
  throw new UsageError(`cannot resume ${file}: other ${list.join(', ')}`, {
    hint: isMoved
      ? `Other instructions round differently: give --engine ${engine} (where the processor has them), or train without --resume.`
      : 'Use the options of the first run, or train without --resume.',
    where: file,
  });
}
