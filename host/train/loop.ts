/**
 * The training loop: batches, epochs, evaluation, checkpoints. It goes from one checkpoint to the
 * next; all that it knows of the past is in the checkpoint, so it can stop and go on anywhere.
 */
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { debug } from '../core/debug.js';
import { BadInputError } from '../core/errors.js';
import { writeOutputFile } from '../core/output-file.js';
import { elements } from '../core/shape.js';
import { batches } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import { type Graph, getValue } from '../ir/graph.js';
import {
  type Checkpoint,
  type EpochResult,
  type Progress,
  type Running,
  type Setup,
  withData,
  writeCheckpoint,
} from './checkpoint.js';
import type { Evaluator } from './evaluator.js';
import { type Judge, judgeOf } from './judge.js';
import { losses, lossOf, targetsOf } from './losses.js';
import { addBatch, bestOf, isStale, lossSoFar, nothingSeen } from './metrics.js';
import { optimizers, weightDecayOf } from './optimizers.js';
import { createPhasedEvaluator, createPhasedStepper, type PhasedStepper } from './phases.js';
import type { FakeQuantizer } from './qat.js';
import { rateFactor } from './schedules.js';

/** What happened: after every step, and after every epoch. Epochs and steps count from 1. */
export type TrainEvent =
  | {
      readonly kind: 'step';
      readonly epoch: number;
      readonly epochs: number;
      readonly step: number;
      /** Steps of one epoch. */
      readonly steps: number;
      /** Mean of the epoch so far. */
      readonly loss: number;
      readonly accuracy: number | null;
      readonly imagesPerSecond: number;
      readonly secondsLeft: number;
    }
  | ({
      readonly kind: 'epoch';
      readonly epochs: number;
      readonly imagesPerSecond: number;
    } & EpochResult);

export interface LoopOptions {
  readonly data: Dataset;
  readonly testData: Dataset | undefined;
  readonly engine: Engine;
  readonly out: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly epochs: number;
  readonly checkpointEvery: number;
  readonly recompute: boolean | undefined;
  readonly quantizer: FakeQuantizer | undefined;
  readonly onProgress: (event: TrainEvent) => void;
}

export interface Run {
  readonly checkpoint: Checkpoint;
  readonly aborted: boolean;
  /** Trained on in this run, and how long that took. */
  readonly images: number;
  readonly seconds: number;
  /** Bytes of memory of all programs. */
  readonly peakBytes: number;
}

/** The parts of a running training. */
interface Context extends LoopOptions {
  readonly graph: Graph;
  readonly setup: Setup;
  readonly stepper: PhasedStepper;
  readonly evaluator: Evaluator | undefined;
  readonly judge: Judge | undefined;
  readonly testJudge: Judge | undefined;
  /** Batches of one epoch. */
  readonly steps: number;
  /** Numbers per output. */
  readonly units: number;
  readonly clock: { images: number; seconds: number };
}

function requireFinite(what: string, loss: number, { epoch, step }: Progress): void {
  if (Number.isFinite(loss)) return;
  throw new BadInputError(`the ${what} became ${loss} in epoch ${epoch + 1}, step ${step + 1}`, {
    hint: 'Lower the learning rate (--lr), and check that the data holds no NaN or huge numbers.',
  });
}

/** The optimizer's rate of the next step, and its decoupled weight decay. */
function ratesOf({ setup, steps }: Context, progress: Progress) {
  const { optimizer, schedule } = setup;
  const factor = rateFactor(schedule, progress.steps / steps, 1 / steps);
  const learningRate = setup.learningRate * factor;
  const { rate } = optimizers[optimizer.name];
  return {
    rate: rate(learningRate, progress.steps + 1, optimizer.hyper),
    decay: learningRate * weightDecayOf(optimizer),
  };
}

function stepOnce(context: Context, indices: Uint32Array, progress: Progress): Progress {
  const { data, graph, setup, stepper, units } = context;
  const loss = lossOf(graph);
  const result = stepper.step(indices.length, {
    inputs: data.inputs(indices, progress.epoch),
    targets: targetsOf(loss, data, indices, units, setup.labelSmoothing) as Float32Array,
    ...ratesOf(context, progress),
    key: [setup.seed, progress.epoch, progress.step],
  });
  requireFinite('loss', result.loss, progress);
  const correct = context.judge?.(result.outputs, indices) ?? 0;
  const running = addBatch(progress.running, losses[loss], indices.length, result.loss, correct);
  return { ...progress, step: progress.step + 1, steps: progress.steps + 1, running };
}

/** Loss and accuracy of some sums, as an epoch reports them. */
function measures({ graph }: Context, sums: Running, judge: Judge | undefined) {
  return {
    loss: lossSoFar(sums, losses[lossOf(graph)]),
    accuracy: judge ? sums.correct / Math.max(sums.seen, 1) : null,
  };
}

function checkpointOf({ graph, setup, stepper }: Context, progress: Progress): Checkpoint {
  const weights = new Map([...stepper.weights()].filter(([id]) => graph.values.has(id)));
  const ranges = stepper.ranges();
  return { graph: withData(graph, weights), setup, progress, slots: stepper.slots(), ranges };
}

function save(context: Context, name: 'last' | 'best', progress: Progress): void {
  if (context.out === undefined) return;
  const bytes = writeCheckpoint(checkpointOf(context, progress));
  writeOutputFile(join(context.out, `${name}.safetensors`), bytes);
}

function reportStep(context: Context, progress: Progress): void {
  const { clock, steps, epochs, data } = context;
  const imagesPerSecond = clock.seconds > 0 ? clock.images / clock.seconds : 0;
  const left = (epochs - progress.epoch) * data.count - progress.running.seen;
  context.onProgress({
    kind: 'step',
    epoch: progress.epoch + 1,
    epochs,
    step: progress.step,
    steps,
    ...measures(context, progress.running, context.judge),
    imagesPerSecond,
    secondsLeft: imagesPerSecond > 0 ? left / imagesPerSecond : 0,
  });
}

/** The rest of an epoch's batches; stops early when the signal says so. */
async function trainEpoch(context: Context, from: Progress): Promise<Progress> {
  const { data, setup, signal, clock, checkpointEvery } = context;
  let progress = from;
  const order = batches(data.count, setup.batch, { seed: setup.seed, epoch: from.epoch });
  for (const indices of order.slice(from.step)) {
    const started = performance.now();
    progress = stepOnce(context, indices, progress);
    clock.seconds += (performance.now() - started) / 1000;
    if (clock.images === 0) {
      debug(
        'time',
        'from the start of the process to the first step done',
        () =>
          `${performance.now().toFixed(0)} ms, ${(process.cpuUsage().user / 1000).toFixed(0)} ms of the processor`,
      );
    }
    clock.images += indices.length;
    reportStep(context, progress);
    if (progress.steps % checkpointEvery === 0) save(context, 'last', progress);
    // The event loop must turn for a signal handler to run.
    await setImmediate();
    if (signal?.aborted) break;
  }
  return progress;
}

/** Evaluates after an epoch and writes its checkpoints; undefined when aborted. */
async function finishEpoch(context: Context, progress: Progress): Promise<Progress | undefined> {
  const { testData, evaluator, stepper, signal, epochs, clock } = context;
  const train = measures(context, progress.running, context.judge);
  const sums = await evaluator?.evaluate(stepper.weights(), signal);
  if (evaluator && !sums) return undefined;
  const test = sums && testData ? measures(context, sums, context.testJudge) : undefined;
  requireFinite('test loss', test?.loss ?? 0, { ...progress, step: progress.step - 1 });
  const result: EpochResult = {
    epoch: progress.epoch + 1,
    trainLoss: train.loss,
    trainAccuracy: train.accuracy,
    testLoss: test?.loss ?? null,
    testAccuracy: test?.accuracy ?? null,
  };
  const history = [...progress.history, result];
  const { steps } = progress;
  const next = { epoch: progress.epoch + 1, step: 0, steps, running: nothingSeen, history };
  if (bestOf(history) === result) save(context, 'best', next);
  save(context, 'last', next);
  const imagesPerSecond = clock.seconds > 0 ? clock.images / clock.seconds : 0;
  context.onProgress({ kind: 'epoch', epochs, imagesPerSecond, ...result });
  return next;
}

async function loop(
  context: Context,
  from: Progress,
): Promise<{ progress: Progress; aborted: boolean }> {
  let progress = from;
  while (progress.epoch < context.epochs && !isStale(progress.history, context.setup.patience)) {
    context.stepper.enter(progress.epoch);
    progress = await trainEpoch(context, progress);
    const done = progress.step < context.steps ? undefined : await finishEpoch(context, progress);
    if (!done) {
      save(context, 'last', progress);
      return { progress, aborted: true };
    }
    progress = done;
    if (context.signal?.aborted && progress.epoch < context.epochs) {
      return { progress, aborted: true };
    }
  }
  return { progress, aborted: false };
}

/**
 * Trains from a checkpoint (of step 0 for a fresh training) up to `epochs` epochs, or until the
 * signal, whichever comes first.
 */
export async function runTraining(from: Checkpoint, options: LoopOptions): Promise<Run> {
  const { graph, setup, progress } = from;
  const { data, testData } = options;
  const stepper = createPhasedStepper(from, options);
  const evaluator = testData && createPhasedEvaluator(from, testData, options);
  const context: Context = {
    ...options,
    ...{ graph, setup, stepper, evaluator, judge: judgeOf(graph, data) },
    testJudge: testData && judgeOf(graph, testData),
    steps: Math.ceil(data.count / setup.batch),
    units: elements(getValue(graph, graph.outputs[0]!).shape.slice(1)),
    clock: { images: 0, seconds: 0 },
  };
  try {
    const end = await loop(context, progress);
    return {
      checkpoint: checkpointOf(context, end.progress),
      aborted: end.aborted,
      ...context.clock,
      peakBytes: stepper.memoryBytes() + (evaluator?.memoryBytes() ?? 0),
    };
  } finally {
    stepper.dispose();
    evaluator?.dispose();
  }
}
