/**
 * Training: options in, checkpoints and a result out. The loop itself is in loop.ts.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../core/errors.js';
import { sha256 } from '../core/hash.js';
import { requireOtherFile } from '../core/output-file.js';
import { elements } from '../core/shape.js';
import type { Dataset } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import { type Graph, getValue } from '../ir/graph.js';
import { dataHash } from '../ir/text.js';
import {
  type Checkpoint,
  type EpochResult,
  loadCheckpoint,
  requireSame,
  type Setup,
  type Tensors,
  withData,
  withWeightsOf,
} from './checkpoint.js';
import { type Run, runTraining, type TrainEvent } from './loop.js';
import { checkData, lossOf, requireSmoothing } from './losses.js';
import { bestOf, nothingSeen } from './metrics.js';
import { type Hyper, type OptimizerName, optimizers, resolveOptimizer } from './optimizers.js';
import type { FakeQuantizer } from './qat.js';
import { holdRunFolder } from './run-folder.js';
import { resolveSchedule } from './schedules.js';

/** What holds where an option is not given; the learning rate's default is the optimizer's own. */
export const trainDefaults = {
  epochs: 2,
  batch: 32,
  optimizer: 'adam',
  schedule: 'restarts',
  checkpointEvery: 500,
} as const;

/** How to train, in numbers and names: what a caller passes on as its user gave it. */
export interface TrainChoices {
  /** Default 2. */
  readonly epochs?: number | undefined;
  /** Examples per step; default 32. */
  readonly batch?: number | undefined;
  /** Default adam. */
  readonly optimizer?: string | undefined;
  /** The optimizer's numbers beside its rate, such as {momentum: 0.8}; default: its own. */
  readonly hyper?: Hyper | undefined;
  /**
   * How the learning rate falls: restarts (in every epoch; default), cosine, inverse, step,
   * exponential, constant.
   */
  readonly schedule?: string | undefined;
  /** Epochs in which the rate rises to its full value; default 0. */
  readonly warmup?: number | undefined;
  /** What step and exponential multiply the rate by in every period; default 0.5. */
  readonly rateDecay?: number | undefined;
  /** The period of step and exponential in epochs; default 1. */
  readonly ratePeriod?: number | undefined;
  /** Scales all gradients together so that their norm is at most this; default: not. */
  readonly clipNorm?: number | undefined;
  /** See Regularization; default 0, of adamw 0.01. */
  readonly weightDecay?: number | undefined;
  /** The part of every target that is spread over all classes; default 0. */
  readonly labelSmoothing?: number | undefined;
  /** Ends the training after so many epochs without a better one; default: never. */
  readonly patience?: number | undefined;
  /** A checkpoint of the same network whose weights to begin with; default: drawn by the seed. */
  readonly from?: string | undefined;
  /** Computes cheap values again in the backward pass: less memory, the same bytes. */
  readonly recompute?: boolean | undefined;
  /** Steps between checkpoints within an epoch; default 500. */
  readonly checkpointEvery?: number | undefined;
}

export interface TrainOptions extends TrainChoices {
  /** What to train: a model of the builder, or anything that gives a float graph of batch 1. */
  readonly model: { graph(seed?: number): Graph };
  /** Initial weights, order of the examples and dropout follow from it. Default 0. */
  readonly seed?: number | undefined;
  readonly data: Dataset;
  readonly testData?: Dataset | undefined;
  /** Default: the optimizer's own. */
  readonly learningRate?: number | undefined;
  readonly engine: Engine;
  /** Trains for integers: rounds weights and activations as the quantized model will. */
  readonly quantizer?: FakeQuantizer | undefined;
  /** The folder for last.safetensors and best.safetensors; without it nothing is written. */
  readonly out?: string | undefined;
  /** Continues a checkpoint: a path, or true for `<out>/last.safetensors`. */
  readonly resume?: string | boolean | undefined;
  /** Ends the training after the current step, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: TrainEvent) => void) | undefined;
}

export interface TrainResult {
  /** Of the last finished epoch; null when there is none. */
  readonly trainLoss: number | null;
  /** Of `checkpoint`'s epoch, the best one; null without test data or classes. */
  readonly testAccuracy: number | null;
  readonly testLoss: number | null;
  /** Finished epochs, those before a resume included. */
  readonly epochs: number;
  /** Of this call, evaluation not counted. */
  readonly imagesPerSecond: number;
  /** Bytes of memory of the training: weights, optimizer state, batches, the planned arenas. */
  readonly peakBytes: number;
  /** The file of the best epoch, or of the last step when no epoch ended; null without `out`. */
  readonly checkpoint: string | null;
  /** True when the signal ended the training early. */
  readonly aborted: boolean;
  readonly history: readonly EpochResult[];
  /** Stage float, batch 1, with the weights of the last step. */
  readonly graph: Graph;
}

/** A whole number of 32 bits, at least `least`. @throws UsageError */
function requireCount(what: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least && value <= 0xffffffff) return value;
  throw new UsageError(`${what} must be a whole number from ${least} to 2^32 - 1, got ${value}`, {
    hint: `Leave it out, or give ${least} or more.`,
  });
}

/** The learning rate that is asked for, or an optimizer's own. @throws UsageError */
function learningRateOf({ learningRate }: TrainOptions, name: OptimizerName): number {
  const own = optimizers[name].learningRate;
  const rate = learningRate ?? own;
  if (rate > 0 && Number.isFinite(rate)) return rate;
  throw new UsageError(`the learning rate must be a positive number, got ${rate}`, {
    hint: `The default for ${name} is ${own}.`,
  });
}

function setupOf(options: TrainOptions, graph: Graph): Setup {
  const { clipNorm, weightDecay, warmup, rateDecay: decay, ratePeriod: period } = options;
  const optimizer = resolveOptimizer(options.optimizer ?? trainDefaults.optimizer, options.hyper, {
    clipNorm,
    weightDecay,
  });
  const schedule = resolveSchedule(
    options.schedule ?? trainDefaults.schedule,
    options.epochs ?? trainDefaults.epochs,
    { warmup, decay, period },
  );
  const { name, variant } = options.engine;
  return {
    seed: options.seed ?? 0,
    // Read where a checkpoint is compared or written: a first step need not wait for all data.
    get data() {
      return options.data.hash;
    },
    get testData() {
      return options.testData?.hash ?? null;
    },
    batch: Math.min(
      requireCount('batch', options.batch ?? trainDefaults.batch, 1),
      options.data.count,
    ),
    optimizer,
    learningRate: learningRateOf(options, optimizer.name),
    schedule,
    labelSmoothing: requireSmoothing(options.labelSmoothing ?? 0, lossOf(graph), options.data),
    patience: options.patience === undefined ? null : requireCount('patience', options.patience, 1),
    engine: { name, variant },
    ...(options.quantizer && { qat: options.quantizer.setup }),
    ...(options.from !== undefined && { from: weightsHash(graph) }),
  };
}

/** SHA-256 of all that training may change. */
function weightsHash(graph: Graph): string {
  const hashes = [...graph.data].map(([id]) => dataHash(graph, id));
  return sha256(Buffer.from(hashes.join()));
}

/** The file of a checkpoint. @throws UsageError where it is missing */
function readCheckpoint(file: string, what: string, hint: string): Checkpoint {
  if (existsSync(file)) return loadCheckpoint(readFileSync(file), file);
  throw new UsageError(`no checkpoint ${what}: ${file} does not exist`, { hint, where: file });
}

const checkpointFiles = (out: string): string[] =>
  ['best', 'last'].map((name) => join(out, `${name}.safetensors`));

/** The graph to train, with the weights to begin with. */
function startGraph({ from, out }: TrainOptions, graph: Graph): Graph {
  if (from === undefined) return graph;
  for (const file of out === undefined ? [] : checkpointFiles(out)) requireOtherFile(file, [from]);
  const saved = readCheckpoint(from, 'to begin with', 'Give a checkpoint of `edge-nn train`.');
  return withWeightsOf(graph, saved, from);
}

/** A model without labels takes the names of the classes from its data. */
function withLabels(graph: Graph, { classNames }: Dataset): Graph {
  const units = elements(getValue(graph, graph.outputs[0]!).shape);
  if (graph.labels || classNames?.length !== units) return graph;
  return { ...graph, labels: classNames };
}

/** The checkpoint to continue, checked against what is asked for now. */
function readResume(options: TrainOptions, graph: Graph, setup: Setup): Checkpoint | undefined {
  const { resume, out } = options;
  if (resume === undefined || resume === false) return undefined;
  if (resume === true && out === undefined) {
    throw new UsageError('resume needs an output folder', {
      hint: 'Give --out, the folder of the training to continue.',
    });
  }
  const file = resume === true ? join(out!, 'last.safetensors') : resume;
  const hint =
    out !== undefined && existsSync(out)
      ? 'A training that stopped before its first checkpoint left nothing: run the same command without --resume.'
      : 'Train without --resume, or give the --out folder of an earlier training.';
  const saved = readCheckpoint(file, 'to resume', hint);
  requireSame(saved, graph, setup, file);
  return { ...saved, graph: withData(graph, saved.graph.data as Tensors) };
}

async function start(
  graph: Graph,
  setup: Setup,
  quantizer: FakeQuantizer | undefined,
): Promise<Checkpoint> {
  return {
    graph,
    setup,
    progress: { epoch: 0, step: 0, steps: 0, running: nothingSeen, history: [] },
    slots: new Map(),
    ranges: quantizer ? await quantizer.start(graph) : new Map(),
  };
}

function resultOf(out: string | undefined, run: Run): TrainResult {
  const { graph, progress } = run.checkpoint;
  const best = bestOf(progress.history);
  const files = out === undefined ? [] : checkpointFiles(out);
  const file = files.slice(best ? 0 : 1).find((path) => existsSync(path));
  return {
    trainLoss: progress.history.at(-1)?.trainLoss ?? null,
    testAccuracy: best?.testAccuracy ?? null,
    testLoss: best?.testLoss ?? null,
    epochs: progress.epoch,
    imagesPerSecond: run.seconds > 0 ? run.images / run.seconds : 0,
    peakBytes: run.peakBytes,
    checkpoint: file ?? null,
    aborted: run.aborted,
    history: progress.history,
    graph,
  };
}

/**
 * Trains a model. The same options and seed give the same bytes, resumed or not.
 *
 * @throws UsageError (exit code 2) for a wrong option, an output folder that cannot be written, or
 * a checkpoint that does not belong to this training; BadInputError (3) when model and data do not
 * fit or the loss is no longer finite; UnsupportedError (4) for an op without gradient
 */
export async function trainModel(options: TrainOptions): Promise<TrainResult> {
  const { data, testData, engine, out, signal, recompute, quantizer } = options;
  const epochs = requireCount('epochs', options.epochs ?? trainDefaults.epochs, 1);
  const checkpointEvery = requireCount(
    'checkpoint-every',
    options.checkpointEvery ?? trainDefaults.checkpointEvery,
    1,
  );
  const drawn = withLabels(options.model.graph(requireCount('seed', options.seed ?? 0, 0)), data);
  const graph = startGraph(options, drawn);
  const setup = setupOf(options, graph);
  checkData(graph, data);
  if (testData) checkData(graph, testData);
  const from = readResume(options, graph, setup) ?? (await start(graph, setup, quantizer));
  const giveBack = out === undefined ? () => {} : holdRunFolder(out);
  const onProgress = options.onProgress ?? (() => {});
  try {
    const run = await runTraining(from, {
      ...{ data, testData, engine, out, signal, epochs, checkpointEvery, onProgress, recompute },
      quantizer,
    });
    return resultOf(out, run);
  } finally {
    giveBack();
  }
}
