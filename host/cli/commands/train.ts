/** `edge-nn train`: a model file and data to a checkpoint. */
import { join } from 'node:path';
import { UsageError } from '../../core/errors.js';
import { augmented, parseAugmentation } from '../../data/augment.js';
import type { Dataset } from '../../data/dataset.js';
import { createEngine, type Engine, engineNames, usefulThreads } from '../../engine/engine.js';
import type { Model } from '../../front/model.js';
import { createFakeQuantizer } from '../../quant/qat/qat.js';
import { schemes } from '../../scheme/schemes.js';
import type { TrainEvent } from '../../train/loop.js';
import { type Hyper, optimizerNames } from '../../train/optimizers.js';
import type { FakeQuantizer } from '../../train/qat.js';
import { type QatSetup, qatDefaults, rangeKinds } from '../../train/qat-setup.js';
import { scheduleNames } from '../../train/schedules.js';
import {
  type TrainChoices,
  type TrainResult,
  trainDefaults,
  trainModel,
} from '../../train/train.js';
import { type Context, command, defined, exitInterrupted, type Flags, silent } from '../command.js';
import { needsOf, openTestData, openTrainData } from '../datasets.js';
import { read, requireTexts, shared } from '../options.js';
import { layerSchemes, requireScheme } from '../schemes.js';
import { duration, facts, percent } from '../table.js';
import { loadTrainable } from '../trainable-model.js';

export interface TrainOptions extends TrainChoices {
  /** A .ts or .js file whose default export is a model. */
  readonly model: string;
  /** A dataset, such as `mnist` or `npy:train-x.npy,train-y.npy`. */
  readonly data: string;
  /** Needed where `data` has no test part of its own. */
  readonly testData?: string;
  /** Random changes of the training inputs, such as `shift=2,flip,noise=0.05,cutout=4`. */
  readonly augment?: string;
  /** Learning rate; default: the optimizer's own. */
  readonly lr?: number;
  /** wasm (default), native, webgpu; with a variant: native:avx2, wasm:simd128. */
  readonly engine?: string;
  /** Threads of the engines wasm and native; default what the machine has, at most 8. */
  readonly threads?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Train for a quantization scheme: int8, int16x8 or int8w4. */
  readonly qat?: string;
  /** Other schemes for some layers: `conv1=int16x8,fc=int8`. */
  readonly qatLayers?: string;
  /** Where scales come from; default learned. */
  readonly qatRanges?: string;
  /** Epochs with each batch's own statistics, before batch normalization freezes; default 1. */
  readonly qatFreeze?: number;
  /** With `qat`: one scale per output of a dense layer. */
  readonly perAxisDense?: boolean;
  /** Go on from `<out>/last.safetensors`. */
  readonly resume?: boolean;
  /** Default: runs/<name of the model>. */
  readonly out?: string;
}

/** Without the network itself, which is in the checkpoint. */
export type TrainReport = Omit<TrainResult, 'graph' | 'history'>;

const numberText = (value: number | null): string =>
  value === null ? '-' : Math.abs(value) < 1e6 ? value.toFixed(4) : value.toPrecision(4);

/** A bar per epoch on a terminal, and everywhere a line per epoch that fits 80 columns as a rule. */
function reporter(context: Context, examples: number): (event: TrainEvent) => void {
  let bar: ReturnType<Context['progress']> | undefined;
  return (event) => {
    const speed = `${Math.round(event.imagesPerSecond)} img/s`;
    if (event.kind === 'step') {
      bar ??= context.progress(`epoch ${event.epoch}/${event.epochs}`, examples);
      const done = Math.min(examples, Math.round((event.step / event.steps) * examples));
      const accuracy = event.accuracy === null ? '' : `, accuracy ${percent(event.accuracy)}`;
      const left = `${duration(event.secondsLeft)} left`;
      bar.update(done, `loss ${numberText(event.loss)}${accuracy}, ${speed}, ${left}`);
      return;
    }
    bar?.stop();
    bar = undefined;
    const { trainAccuracy: train, testAccuracy: test } = event;
    const parts = [
      `epoch ${event.epoch}/${event.epochs}`,
      `loss ${numberText(event.trainLoss)}`,
      train === null ? [] : `accuracy ${percent(train)}`,
      `test ${[numberText(event.testLoss), test === null ? [] : percent(test)].flat().join(', ')}`,
      speed,
    ];
    context.note(parts.flat().join('  '));
  };
}

/**
 * Trains a model. The same seed, data and engine give the same bytes.
 *
 * @throws BadInputError, UsageError, UnsupportedError
 */
export async function train(
  options: TrainOptions,
  context: Context = silent,
): Promise<TrainReport> {
  requireTexts('train', options, 'model', 'data');
  const { lr, model: file, data: spec, testData: testSpec, engine: named, ...choices } = options;
  const seed = options.seed ?? 1;
  requireQat(options);
  // Kernels are compiled while the model and the data are read; who waits for them hears of errors.
  const engineReady = createEngine(named, {
    threads: options.threads ?? usefulThreads(),
    report: context.note,
  });
  engineReady.catch(() => {});
  const model = await loadTrainable(file, context.note);
  const needs = needsOf(model.graph(null));
  const plain = await openTrainData(context.config, spec, needs);
  const testData = await openTestData(context.config, spec, testSpec, plain, needs);
  const data = augmentedData(options, model, plain, seed);
  const engine = await engineReady;
  const result = await trainModel({
    ...choices,
    model,
    data,
    testData,
    seed,
    learningRate: lr,
    engine,
    quantizer: fakeQuantizer(options, model, plain, engine),
    out: options.out ?? join('runs', model.name),
    signal: context.signal,
    onProgress: reporter(context, data.count),
  });
  const { graph: _, history: __, ...report } = result;
  if (report.aborted) context.note('stopped; the same command with --resume goes on from here');
  return report;
}

/** The training data with the changes that the command, or else the model file, asks for. */
function augmentedData(
  { augment }: TrainOptions,
  model: Model,
  data: Dataset,
  seed: number,
): Dataset {
  const changes = augment === undefined ? model.augment : parseAugmentation(augment);
  return changes ? augmented(data, changes, seed) : data;
}

/** Options of quantization-aware training alone would change nothing. @throws UsageError */
function requireQat({ qat, qatLayers, perAxisDense }: TrainOptions): void {
  if (qat !== undefined || (qatLayers === undefined && !perAxisDense)) return;
  const option = qatLayers === undefined ? '--per-axis-dense' : '--qat-layers';
  throw new UsageError(`${option} is an option of quantization-aware training`, {
    hint: 'Say for which integers to train: --qat int8, int16x8 or int8w4.',
    where: option,
  });
}

/** What --qat asks for; undefined without it. */
function fakeQuantizer(
  options: TrainOptions,
  model: Model,
  data: Dataset,
  engine: Engine,
): FakeQuantizer | undefined {
  if (options.qat === undefined) return undefined;
  const { qatLayers: layers, qatRanges, qatFreeze: freeze = qatDefaults.freeze } = options;
  const ranges = rangeKinds.find((kind) => kind === (qatRanges ?? qatDefaults.ranges));
  if (!ranges) {
    throw new UsageError(`there are no ranges ${qatRanges}`, {
      hint: `Choose one of: ${rangeKinds.join(', ')}.`,
    });
  }
  if (!Number.isInteger(freeze) || freeze < 0) {
    throw new UsageError(`--qat-freeze must be a whole number of epochs, got ${freeze}`, {
      hint: 'Give 0 to keep the statistics that the model comes with.',
    });
  }
  const setup: QatSetup = {
    scheme: requireScheme(options.qat),
    layers: layers === undefined ? {} : Object.fromEntries(layerSchemes(model.graph(null), layers)),
    ranges,
    freeze,
    perAxisDense: options.perAxisDense ?? false,
  };
  return createFakeQuantizer({ setup, data, engine, seed: options.seed ?? 1 });
}

/** momentum=0.8,beta2=0.99 as numbers by name. @throws UsageError */
function hyperOf(text: string | undefined): Hyper | undefined {
  if (text === undefined) return undefined;
  const entries = text.split(',').map((part): [string, number] => {
    const [name = '', value = ''] = part.split('=').map((side) => side.trim());
    if (name !== '' && value !== '' && Number.isFinite(Number(value))) return [name, Number(value)];
    throw new UsageError(`--hyper: '${part}' is no name=number`, {
      hint: 'Write --hyper momentum=0.8 or --hyper beta1=0.8,beta2=0.99.',
    });
  });
  return Object.fromEntries(entries);
}

const options = (flags: Flags): TrainOptions =>
  defined({
    model: read.required(flags, 'model'),
    data: read.required(flags, 'data'),
    testData: read.text(flags, 'test-data'),
    augment: read.text(flags, 'augment'),
    epochs: read.number(flags, 'epochs'),
    batch: read.number(flags, 'batch'),
    optimizer: read.text(flags, 'optimizer'),
    lr: read.number(flags, 'lr'),
    hyper: hyperOf(read.text(flags, 'hyper')),
    schedule: read.text(flags, 'schedule'),
    warmup: read.number(flags, 'warmup'),
    rateDecay: read.number(flags, 'lr-decay'),
    ratePeriod: read.number(flags, 'lr-period'),
    clipNorm: read.number(flags, 'clip-norm'),
    weightDecay: read.number(flags, 'weight-decay'),
    labelSmoothing: read.number(flags, 'label-smoothing'),
    patience: read.number(flags, 'patience'),
    engine: read.text(flags, 'engine'),
    threads: read.number(flags, 'threads'),
    recompute: read.flag(flags, 'recompute'),
    qat: read.text(flags, 'qat'),
    qatLayers: read.text(flags, 'qat-layers'),
    qatRanges: read.text(flags, 'qat-ranges'),
    qatFreeze: read.number(flags, 'qat-freeze'),
    perAxisDense: read.flag(flags, 'per-axis-dense'),
    from: read.text(flags, 'from'),
    seed: read.number(flags, 'seed'),
    resume: read.flag(flags, 'resume'),
    checkpointEvery: read.number(flags, 'checkpoint-every'),
    out: read.text(flags, 'out'),
  });

export const trainCommand = command<TrainReport>({
  verb: 'train',
  summary: 'Train a model file to a checkpoint',
  positionals: {
    model: { describe: 'A .ts or .js file whose default export is a model; or a float .tflite' },
  },
  presets: ({ model }) => ({ model }),
  options: {
    data: { ...shared.data, demandOption: true },
    'test-data': shared.testData,
    augment: { type: 'string', describe: 'Random changes: shift=2,flip,noise=0.05,cutout=4' },
    epochs: { type: 'number', default: trainDefaults.epochs, describe: 'Passes over the data' },
    batch: { type: 'number', default: trainDefaults.batch, describe: 'Examples per step' },
    optimizer: {
      type: 'string',
      default: trainDefaults.optimizer,
      choices: optimizerNames,
      describe: 'Update rule',
    },
    lr: { type: 'number', describe: "Learning rate; default: the optimizer's own" },
    hyper: { type: 'string', describe: 'Its other numbers: momentum=0.8 or beta1=0.8,beta2=0.99' },
    schedule: {
      type: 'string',
      default: trainDefaults.schedule,
      choices: scheduleNames,
      describe: 'How the learning rate falls',
    },
    warmup: { type: 'number', describe: 'Epochs in which the learning rate rises' },
    'lr-decay': { type: 'number', describe: 'Factor per period: step, exponential' },
    'lr-period': { type: 'number', describe: 'Its period in epochs' },
    'clip-norm': { type: 'number', describe: 'Largest norm of the gradients' },
    'weight-decay': { type: 'number', describe: 'Pull of every parameter to 0' },
    'label-smoothing': { type: 'number', describe: 'Part of a target for all classes' },
    patience: { type: 'number', describe: 'Stop after so many epochs without a better one' },
    engine: {
      type: 'string',
      default: 'wasm',
      describe: `What computes: ${engineNames.join(', ')}; native is built with cc when first wanted`,
    },
    threads: { type: 'number', describe: "Of wasm and native; default the machine's, at most 8" },
    recompute: {
      type: 'boolean',
      default: false,
      describe: 'Less memory: compute cheap values twice',
    },
    from: { type: 'string', describe: 'A checkpoint of this network whose weights to begin with' },
    qat: {
      type: 'string',
      choices: Object.keys(schemes),
      describe: 'Train with the rounding of this quantization scheme',
    },
    'qat-layers': {
      type: 'string',
      describe: 'Other schemes for some layers, such as conv1=int16x8,fc=int8',
    },
    'qat-ranges': {
      type: 'string',
      default: qatDefaults.ranges,
      choices: rangeKinds,
      describe: 'Where scales come from: parameters, or averages of what batches hold',
    },
    'qat-freeze': {
      type: 'number',
      default: qatDefaults.freeze,
      describe: 'Epochs after which batch normalization and averages stay',
    },
    'per-axis-dense': {
      type: 'boolean',
      default: false,
      describe: 'With --qat: a scale per output of dense layers',
    },
    seed: shared.seed,
    resume: { type: 'boolean', default: false, describe: 'Go on from <out>/last.safetensors' },
    'checkpoint-every': {
      type: 'number',
      default: trainDefaults.checkpointEvery,
      describe: 'Steps between checkpoints',
    },
    out: { ...shared.out, describe: 'Folder of the checkpoints; default runs/<model>' },
  },
  examples: [
    ['edge-nn train lenet5.ts --data mnist --epochs 2 --out runs/lenet5', 'LeNet-5 on MNIST'],
    [
      'edge-nn train lenet5.ts --data mnist --qat int8w4 --from runs/lenet5/best.safetensors --out runs/w4',
      'Train on for weights of 4 bits',
    ],
    [
      'edge-nn train m.ts --data npy:x.npy,y.npy --test-data npy:tx.npy,ty.npy',
      'Data without a split of its own',
    ],
  ],
  run: (flags, context) => train(options(flags), context),
  render: (report) =>
    facts([
      ['train loss', numberText(report.trainLoss)],
      ['test loss', numberText(report.testLoss)],
      ['test accuracy', report.testAccuracy === null ? undefined : percent(report.testAccuracy)],
      ['epochs', report.epochs],
      ['images/s', Math.round(report.imagesPerSecond)],
      ['memory', `${(report.peakBytes / 2 ** 20).toFixed(1)} MiB`],
      ['checkpoint', report.checkpoint ?? '-'],
    ]),
  interrupted: exitInterrupted,
});
