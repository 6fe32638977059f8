/** `edge-nn quantize`: a trained float model to an integer .tflite. */
import { basename, dirname, extname } from 'node:path';
import { BadInputError, UsageError } from '../../core/errors.js';
import { requireOtherFile, writeOutputFile } from '../../core/output-file.js';
import { exportTflite } from '../../emit/tflite/tflite.js';
import { createEngine } from '../../engine/engine.js';
import { type Graph, getValue, shortName, type ValueId } from '../../ir/graph.js';
import { lower } from '../../lower/pipeline.js';
import type { Promotion } from '../../quant/auto.js';
import type { LayerNoise } from '../../quant/diagnose.js';
import { type ObserverName, observers } from '../../quant/observers.js';
import { quantizeModel, type TrainedScore } from '../../quant/quantize-model.js';
import { schemes } from '../../scheme/schemes.js';
import type { QatSetup } from '../../train/qat-setup.js';
import { type Context, command, defined, type Flags, silent } from '../command.js';
import { needsOf, openEvaluationData, openTestData, openTrainData } from '../datasets.js';
import { readModelFile } from '../model-file.js';
import { read, requireLimit, requireTexts, shared } from '../options.js';
import { layerSchemes, requireScheme } from '../schemes.js';
import { facts, percent, table } from '../table.js';

export interface QuantizeOptions {
  /** A .safetensors checkpoint, or a float .tflite. */
  readonly model: string;
  /** Calibration data: its training part. */
  readonly data: string;
  /** What accuracy is measured on; default: the test part of `data`, or all of it. */
  readonly testData?: string;
  /** Calibration examples; default 500. */
  readonly samples?: number;
  readonly scheme?: string;
  /** Other schemes for some layers: `conv1=int16x8,fc=int8w4`. */
  readonly layers?: string;
  /** One scale per output of a dense layer; older TFLite interpreters know only one per layer. */
  readonly perAxisDense?: boolean;
  /** Calibrate although the checkpoint holds trained scales (`train --qat`). */
  readonly recalibrate?: boolean;
  /** How ranges are found; default percentile. */
  readonly observer?: string;
  /** Balance channels between layers before quantizing; default true, false for trained scales. */
  readonly equalize?: boolean;
  /** Take back what rounding shifts in the mean of each layer; default as that of equalize. */
  readonly biasCorrection?: boolean;
  /** The largest accepted loss: points of accuracy, or percent more squared error of values. */
  readonly maxDrop?: number;
  /** Give layers int16 activations until the loss is within maxDrop. */
  readonly auto?: boolean;
  /** How many test examples; default all. */
  readonly limit?: number;
  readonly engine?: string;
  readonly seed?: number;
  /** The .tflite to write; default: beside the model. */
  readonly out?: string;
}

export interface QuantizeReport {
  readonly output: string;
  readonly bytes: number;
  /** Null where the targets are values that are not yes or no. */
  readonly floatAccuracy: number | null;
  readonly int8Accuracy: number | null;
  /** Mean squared errors; null where there is an accuracy. */
  readonly floatMeanSquares: number | null;
  readonly int8MeanSquares: number | null;
  /** What the graph with fake quantization scores; null where ranges were calibrated. */
  readonly trained: TrainedScore | null;
  readonly layers: readonly LayerNoise[];
  /** How many values had their channels balanced. */
  readonly equalized: number;
  /** What --auto gave int16 activations, in order. */
  readonly promotions: readonly PromotionReport[];
}

export interface PromotionReport {
  /** The value that keeps 16 bits. */
  readonly value: ValueId;
  readonly name: string;
  /** Names of the layers that were promoted for it. */
  readonly layers: readonly string[];
  /** With all promotions so far. */
  readonly accuracy: number | null;
  readonly meanSquares: number | null;
  readonly outputSnrDb: number;
  /** Bytes of the arena on a board without kernels of its own, and of the .tflite. */
  readonly arena: number;
  readonly bytes: number;
}

/** Chosen by measurement on four networks (README). */
const defaults = { observer: 'percentile', equalize: true, biasCorrection: true } as const;
/** What was trained stays as it is. */
const trainedDefaults = { ...defaults, equalize: false, biasCorrection: false } as const;

function describePromotion({ graph, ...promotion }: Promotion): PromotionReport {
  const nameOf = (id: ValueId): string => getValue(graph, id).name;
  const { value, layers, score, outputSnrDb } = promotion;
  return {
    value,
    name: nameOf(value),
    layers: layers.map(nameOf),
    accuracy: score.accuracy,
    meanSquares: score.meanSquares,
    outputSnrDb,
    arena: lower(graph).arenaBytes,
    bytes: exportTflite(graph).length,
  };
}

function promotionLine(report: PromotionReport): string {
  const { layers, accuracy, meanSquares, outputSnrDb, arena, bytes } = report;
  const quality =
    accuracy === null
      ? `mean squared error ${meanSquares?.toPrecision(4)}`
      : `accuracy ${percent(accuracy)}`;
  const sizes = [arena, bytes].map((n) => n.toLocaleString('en-US'));
  return `int16: ${layers.map(shortName).join(', ')}: ${quality}, output ${outputSnrDb.toFixed(1)} dB, arena ${sizes[0]}, file ${sizes[1]} bytes`;
}

/** A scheme and layers that are asked for must be those that the scales were trained for. */
function requireTrainedScheme(options: QuantizeOptions, setup: QatSetup, context: Context): void {
  const asked = options.scheme ?? setup.scheme;
  if (asked !== setup.scheme || options.layers !== undefined) {
    const what = options.layers === undefined ? `scheme ${asked}` : `layers ${options.layers}`;
    throw new UsageError(`${options.model} was trained for ${setup.scheme}, not for ${what}`, {
      hint: 'Leave --scheme and --layers out, or give --recalibrate.',
      where: options.model,
    });
  }
  context.note(`scales of ${setup.scheme} from training (${setup.ranges}); nothing is calibrated`);
}

const defaultOutput = (model: string): string =>
  `${dirname(model)}/${basename(model, extname(model))}.tflite`;

/** A bar per stage. */
function reporter(context: Context) {
  let bar: ReturnType<Context['progress']> | undefined;
  let stage = '';
  return {
    update(now: string, done: number, total: number): void {
      if (now !== stage) {
        bar?.stop();
        bar = context.progress(now, total);
      }
      stage = now;
      bar?.update(done);
    },
    stop: (): void => bar?.stop(),
  };
}

/** The float graph of a file, with the scales that it was trained with where they count. */
function readFloatModel({ model, recalibrate }: QuantizeOptions) {
  const { graph, trained } = readModelFile(model);
  if (graph.stage === 'float') return { graph, trained: recalibrate ? undefined : trained };
  throw new BadInputError(`${model} is an ${graph.stage} model already`, {
    hint: 'Give the float model: a .safetensors checkpoint of `edge-nn train`.',
    where: model,
  });
}

async function openData(
  { data: spec, testData }: QuantizeOptions,
  { config }: Context,
  graph: Graph,
) {
  const needs = needsOf(graph);
  const data = await openTrainData(config, spec, needs);
  return {
    data,
    testData:
      testData === undefined
        ? await openEvaluationData(config, spec, needs)
        : await openTestData(config, spec, testData, data, needs),
  };
}

/**
 * Calibrates, quantizes, measures what it costs, and writes the .tflite.
 *
 * @throws UnsupportedError (exit code 4) for an op without int8 form; GateError (10) when accuracy
 *   falls by more than `maxDrop`, naming the layers; nothing is written then
 */
export async function quantize(
  options: QuantizeOptions,
  context: Context = silent,
): Promise<QuantizeReport> {
  requireTexts('quantize', options, 'model', 'data');
  requireLimit(options.limit);
  const { graph, trained } = readFloatModel(options);
  const output = options.out ?? defaultOutput(options.model);
  requireOtherFile(output, [options.model]);
  if (trained) requireTrainedScheme(options, trained.setup, context);
  const progress = reporter(context);
  const preset = trained ? trainedDefaults : defaults;
  const promotions: PromotionReport[] = [];
  const result = await quantizeModel({
    ...(await openData(options, context, graph)),
    graph,
    engine: await createEngine(options.engine),
    samples: options.samples,
    seed: options.seed ?? 1,
    scheme: options.scheme === undefined ? undefined : requireScheme(options.scheme),
    layers: options.layers === undefined ? undefined : layerSchemes(graph, options.layers),
    perAxisDense: options.perAxisDense,
    observer: (options.observer ?? preset.observer) as ObserverName,
    trained,
    equalize: options.equalize ?? preset.equalize,
    biasCorrection: options.biasCorrection ?? preset.biasCorrection,
    auto: options.auto,
    onPromotion(promotion) {
      const report = describePromotion(promotion);
      promotions.push(report);
      context.note(promotionLine(report));
    },
    maxDrop: options.maxDrop === undefined ? undefined : options.maxDrop / 100,
    limit: options.limit,
    onProgress: progress.update,
  });
  progress.stop();
  const bytes = exportTflite(result.graph);
  writeOutputFile(output, bytes);
  const { graph: _, ranges: __, promotions: ___, ...measured } = result;
  return { output, bytes: bytes.length, ...measured, promotions };
}

const options = (flags: Flags): QuantizeOptions =>
  defined({
    model: read.required(flags, 'model'),
    data: read.required(flags, 'data'),
    testData: read.text(flags, 'test-data'),
    samples: read.number(flags, 'samples'),
    scheme: read.text(flags, 'scheme'),
    layers: read.text(flags, 'layers'),
    perAxisDense: read.flag(flags, 'per-axis-dense'),
    recalibrate: read.flag(flags, 'recalibrate'),
    observer: read.text(flags, 'observer'),
    equalize: read.optionalFlag(flags, 'equalize'),
    biasCorrection: read.optionalFlag(flags, 'bias-correction'),
    maxDrop: read.number(flags, 'max-drop'),
    auto: read.flag(flags, 'auto'),
    limit: read.number(flags, 'limit'),
    engine: read.text(flags, 'engine'),
    seed: read.number(flags, 'seed'),
    out: read.text(flags, 'out'),
  });

const percentText = (value: number | null): string => (value === null ? '-' : percent(value));

export const quantizeCommand = command<QuantizeReport>({
  verb: 'quantize',
  summary: 'Quantize a trained model to an integer .tflite',
  positionals: { model: { describe: 'Checkpoint (.safetensors) or float .tflite' } },
  options: {
    data: { ...shared.data, demandOption: true },
    'test-data': shared.testData,
    samples: { type: 'number', default: 500, describe: 'Calibration examples' },
    scheme: {
      type: 'string',
      choices: Object.keys(schemes),
      describe:
        'Types of activations and weights: int16x8 is 16 and 8 bits, int8w4 8 and 4; default int8, or what it was trained for',
    },
    layers: {
      type: 'string',
      describe: 'Other schemes for some layers, such as conv1=int16x8,fc=int8w4',
    },
    'per-axis-dense': {
      type: 'boolean',
      default: false,
      describe: 'A scale per output of dense layers (older TFLite interpreters know one)',
    },
    recalibrate: {
      type: 'boolean',
      default: false,
      describe: 'Calibrate, although the checkpoint holds the scales of train --qat',
    },
    observer: {
      type: 'string',
      default: defaults.observer,
      choices: Object.keys(observers),
      describe: 'How ranges are found',
    },
    equalize: {
      type: 'boolean',
      describe:
        'Balance channels between layers; the float function stays; done unless scales were trained (--equalize=false: not)',
    },
    'bias-correction': {
      type: 'boolean',
      describe:
        'Take back what rounding shifts in the mean of each layer; done unless scales were trained (--bias-correction=false: not)',
    },
    'max-drop': {
      type: 'number',
      describe:
        'Fail when accuracy falls by more points than this; of values: when their squared error rises by more percent',
    },
    auto: {
      type: 'boolean',
      default: false,
      describe: 'Give layers int16 activations until the loss is within --max-drop',
    },
    limit: shared.limit,
    engine: { type: 'string', default: 'wasm', describe: 'What runs the float model' },
    seed: shared.seed,
    out: { ...shared.out, describe: 'The .tflite; default: beside the model' },
  },
  examples: [
    [
      'edge-nn quantize runs/lenet5/best.safetensors --data mnist --out lenet5.tflite',
      'Calibrate with 500 images, measure on the test images',
    ],
    [
      'edge-nn quantize m.safetensors --data mnist --max-drop 0.3',
      'Fail when more than 0.3 points are lost',
    ],
  ],
  run: (flags, context) => quantize(options(flags), context),
  render: (report) =>
    [
      facts([
        ['output', report.output],
        ['bytes', report.bytes],
        ['float accuracy', percentText(report.floatAccuracy)],
        ['trained accuracy', report.trained ? percentText(report.trained.accuracy) : undefined],
        ['same class', report.trained ? percentText(report.trained.agreement) : undefined],
        ['quantized accuracy', percentText(report.int8Accuracy)],
        ['float squared error', report.floatMeanSquares?.toPrecision(4)],
        ['quantized squared error', report.int8MeanSquares?.toPrecision(4)],
      ]),
      table(
        ['layer', 'SNR dB', 'by itself', 'at output'],
        report.layers.map(({ name, snrDb, ownSnrDb, outputSnrDb }) => [
          shortName(name),
          snrDb.toFixed(1),
          ownSnrDb.toFixed(1),
          outputSnrDb.toFixed(1),
        ]),
      ),
    ].join('\n\n'),
});
