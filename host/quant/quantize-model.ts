/**
 * Quantization from end to end: calibrate, quantize, measure, compare with a budget.
 */
import type { NumericArray } from '../core/dtype.js';
import { UsageError } from '../core/errors.js';
import type { Dataset } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import type { Graph, ValueId } from '../ir/graph.js';
import { type SchemeName, schemes } from '../scheme/schemes.js';
import type { Tensors } from '../train/checkpoint.js';
import type { QatSetup } from '../train/qat-setup.js';
import type { Ranges } from './assign.js';
import { type AutoOptions, type AutoResult, type Promotion, promoteUntilEnough } from './auto.js';
import { calibrate, defaultSamples } from './calibrate.js';
import { correctBiases } from './correct-bias.js';
import { diagnose, type LayerNoise } from './diagnose.js';
import { measureMagnitudes } from './equalize/channel-magnitudes.js';
import { type Equalized, equalizeChannels } from './equalize/equalize.js';
import { scoreFloat, scoreInteger } from './evaluate.js';
import { fuseBounds } from './fuse.js';
import { dropOf, requireQuality } from './gate.js';
import type { ObserverName } from './observers.js';
import { type LayerSchemes, promotedScheme } from './promote.js';
import { planQat } from './qat/plan.js';
import { fakeQuantized } from './qat/qat.js';
import { type TrainedQuantization, trainedQuantization } from './qat/ranges.js';
import { prepareForQuantization, quantizeGraph } from './quantize.js';
import { decisionOf, type Score, type ScoreOptions } from './score.js';

export interface QuantizeModelOptions {
  /** Stage float, batch 1. */
  readonly graph: Graph;
  /** Examples to calibrate with. */
  readonly data: Dataset;
  /** Examples to measure accuracy with. */
  readonly testData: Dataset;
  readonly engine: Engine;
  /** For calibration; default 500. */
  readonly samples?: number | undefined;
  readonly seed?: number | undefined;
  readonly scheme?: SchemeName | undefined;
  /** Other schemes for some layers, by the values that they compute. */
  readonly layers?: LayerSchemes | undefined;
  readonly observer?: ObserverName | undefined;
  /** Scales and ranges of quantization-aware training: nothing is calibrated then. */
  readonly trained?: TrainedRanges | undefined;
  readonly perAxisDense?: boolean | undefined;
  /** Balance channels between layers (equalize/equalize.ts); default false. */
  readonly equalize?: boolean | undefined;
  /** Take back what rounding shifts in the mean (correct-bias.ts); default false. */
  readonly biasCorrection?: boolean | undefined;
  /**
   * The largest loss of accuracy that is accepted, as a fraction: 0.003 is 0.3 points. Where the test
   * data has values: the largest rise of the mean squared error, as a part of the float graph's.
   */
  readonly maxDrop?: number | undefined;
  /** Gives layers int16 activations until the loss is at most maxDrop. */
  readonly auto?: boolean | undefined;
  /** How many test examples, from the first; default all. */
  readonly limit?: number | undefined;
  readonly onProgress?: ((stage: QuantizeStage, done: number, total: number) => void) | undefined;
  readonly onPromotion?: ((promotion: Promotion) => void) | undefined;
}

/** What a checkpoint of quantization-aware training holds; schemes are those of its setup. */
export interface TrainedRanges {
  readonly setup: QatSetup;
  readonly ranges: Tensors;
}

/** The graph with fake quantization, which was trained, beside the integer graph. */
export interface TrainedScore {
  /** Null where the targets are values that are not yes or no. */
  readonly accuracy: number | null;
  readonly meanSquares: number | null;
  /** The fraction of test examples for which both say the same class, or yes and no alike. */
  readonly agreement: number;
}

export type QuantizeStage = 'calibrate' | 'trained' | 'float' | 'int8' | 'int16';

export interface QuantizedModel {
  /** Stage int8, batch 1. */
  readonly graph: Graph;
  /** Of calibration; empty where training chose the quantization. */
  readonly ranges: Ranges;
  /** Null where ranges were calibrated. */
  readonly trained: TrainedScore | null;
  /** Null where the targets are values that are not yes or no. */
  readonly floatAccuracy: number | null;
  readonly int8Accuracy: number | null;
  /** Mean squared errors; null where there is an accuracy. */
  readonly floatMeanSquares: number | null;
  readonly int8MeanSquares: number | null;
  readonly layers: readonly LayerNoise[];
  /** How many values had their channels balanced. */
  readonly equalized: number;
  /** In order; empty without `auto`, and where int8 was good enough. */
  readonly promotions: readonly Promotion[];
}

/** Diagnosis needs few examples: the ratios hardly change with more. */
const diagnoseSamples = 32;
/** For magnitudes of channels, and means of layers. */
const fewSamples = 100;
/** For the noise that a candidate leaves. */
const rankSamples = 32;

const gateHint =
  'Try --auto (int16 where it helps), another --observer, --per-axis-dense or more --samples; or allow a larger --max-drop.';
const exhaustedHint =
  'Activations are not what costs, weights of 8 bits are: try --per-axis-dense, leave --equalize and --bias-correction on, train with quantization, or allow a larger --max-drop.';

function requireBudget({ auto, maxDrop, scheme = 'int8' }: QuantizeModelOptions): void {
  if (!auto) return;
  if (maxDrop === undefined) {
    throw new UsageError('--auto needs a budget', {
      hint: 'Say how much may be lost: --max-drop 0.5 for half a point of accuracy.',
    });
  }
  if (schemes[scheme].types.activation === schemes[promotedScheme].types.activation) {
    throw new UsageError(`--auto has nothing to promote in a model of scheme ${scheme}`, {
      hint: 'Leave --scheme out: --auto gives int16 activations to the layers that need them.',
    });
  }
}

const trainedHint =
  'Leave it out, or give --recalibrate: then ranges are calibrated as for any checkpoint.';

/** What would change the function or the types that scales were trained for. */
function requireUnchanged({ equalize, auto }: QuantizeModelOptions): void {
  const flag = equalize ? '--equalize' : auto ? '--auto' : undefined;
  if (flag === undefined) return;
  throw new UsageError(`${flag} does not fit scales that were trained`, { hint: trainedHint });
}

/** Options with the schemes that a model was trained for. */
function withTrainedSchemes(options: QuantizeModelOptions): QuantizeModelOptions {
  if (!options.trained) return options;
  requireUnchanged(options);
  const { scheme, layers, perAxisDense } = options.trained.setup;
  return {
    ...options,
    scheme: scheme as SchemeName,
    layers: new Map(Object.entries(layers) as [ValueId, SchemeName][]),
    perAxisDense,
  };
}

/** Quantizes one model with any schemes of layers, from the same ranges. */
interface Quantizer {
  /** The float graph that is quantized, channels balanced where asked. */
  readonly reference: Graph;
  readonly equalized: number;
  readonly ranges: Ranges;
  readonly quantize: AutoOptions['quantize'];
  readonly requantize: AutoOptions['requantize'];
  readonly diagnose: (integer: Graph) => Promise<LayerNoise[]>;
}

/** The prepared graph, with the values whose channels were balanced. */
async function balanced(options: QuantizeModelOptions): Promise<Equalized> {
  const graph = prepareForQuantization(options.graph);
  fuseBounds(graph);
  if (!options.equalize) return { graph, values: [] };
  const { data, engine, seed = 0, perAxisDense } = options;
  const magnitudes = await measureMagnitudes(graph, data, { engine, samples: fewSamples, seed });
  return equalizeChannels(graph, { magnitudes, perAxisDense });
}

async function createQuantizer(options: QuantizeModelOptions): Promise<Quantizer> {
  const { data, engine, samples = defaultSamples, seed = 0, scheme = 'int8' } = options;
  const { graph: reference, values } = await balanced(options);
  const total = Math.min(samples, data.count);
  const trained = options.trained && trainedOf(options.graph, options.trained);
  const ranges: Ranges = trained
    ? new Map()
    : await calibrate(reference, data, {
        engine,
        samples,
        seed,
        observer: options.observer ?? 'minMax',
        onProgress: (done) => options.onProgress?.('calibrate', done, total),
      });
  const perAxisDense = options.perAxisDense ?? false;
  const requantize = (source: Graph, layers: LayerSchemes): Graph =>
    quantizeGraph(source, ranges, { scheme, layers, perAxisDense, trained });
  const runs = { engine, seed };
  return {
    reference,
    equalized: values.length,
    ranges,
    requantize,
    async quantize(layers) {
      const means = { dataset: data, ...runs, samples: fewSamples };
      const source = options.biasCorrection
        ? await correctBiases(reference, (graph) => requantize(graph, layers), means)
        : reference;
      return { source, integer: requantize(source, layers), layers };
    },
    diagnose: (integer) =>
      diagnose(reference, integer, data, { ...runs, samples: diagnoseSamples }),
  };
}

const trainedOf = (graph: Graph, { setup, ranges }: TrainedRanges): TrainedQuantization =>
  trainedQuantization(planQat(graph, setup), ranges);

/** Runs the graph that was trained, and compares it with the integer graph. */
async function scoreTrained(
  { graph, testData, engine, limit, trained, ...options }: QuantizeModelOptions,
  predictions: readonly string[],
): Promise<TrainedScore | null> {
  if (!trained) return null;
  const fake = fakeQuantized(graph, trained.setup, trained.ranges);
  const decide = decisionOf(fake, testData);
  const total = predictions.length;
  let at = 0;
  let same = 0;
  const { accuracy, meanSquares } = await scoreFloat(fake, testData, engine, {
    limit,
    each(output) {
      if (decide(output) === predictions[at++]) same++;
    },
    onProgress: (done) => options.onProgress?.('trained', done, total),
  });
  return { accuracy, meanSquares, agreement: same / Math.max(total, 1) };
}

/** The model in its scheme, or with as many layers promoted as the budget asks for. */
async function searchSchemes(
  quantizer: Quantizer,
  float: Score,
  options: QuantizeModelOptions,
  each: (graph: Graph) => ScoreOptions['each'],
): Promise<AutoResult> {
  const { data, testData, engine, limit, maxDrop = 0, scheme = 'int8', seed = 0 } = options;
  const total = Math.min(limit ?? testData.count, testData.count);
  const scored = (stage: QuantizeStage) => (integer: Graph) =>
    scoreInteger(integer, testData, {
      limit,
      each: each(integer),
      onProgress: (done) => options.onProgress?.(stage, done, total),
    });
  const first = await quantizer.quantize(options.layers ?? new Map());
  const score = await scored('int8')(first.integer);
  const start = { ...first, score };
  const enough = (one: Score): boolean => dropOf(float, one) <= maxDrop;
  if (!options.auto || enough(score)) return { ...start, enough: true, promotions: [] };
  return promoteUntilEnough(start, {
    ...quantizer,
    scheme,
    score: scored('int16'),
    enough,
    onPromotion: options.onPromotion,
    dataset: data,
    engine,
    samples: rankSamples,
    seed,
  });
}

/**
 * Quantizes a trained float graph and measures what it costs.
 *
 * @throws UnsupportedError (4) for an op without int8 form, before any data is read; GateError (10)
 *   when more than maxDrop is lost, with `auto` even with int16 activations throughout
 */
export async function quantizeModel(given: QuantizeModelOptions): Promise<QuantizedModel> {
  const options = withTrainedSchemes(given);
  requireBudget(options);
  const { graph, testData, engine, limit, maxDrop } = options;
  const quantizer = await createQuantizer(options);
  const total = Math.min(limit ?? testData.count, testData.count);
  const float = await scoreFloat(graph, testData, engine, {
    limit,
    onProgress: (done) => options.onProgress?.('float', done, total),
  });
  const predictions: string[] = [];
  const each = (integer: Graph) => {
    const decide = decisionOf(integer, testData);
    return options.trained && ((output: NumericArray) => predictions.push(decide(output)));
  };
  const found = await searchSchemes(quantizer, float, options, each);
  const { integer, score, enough, promotions } = found;
  const trained = await scoreTrained(options, predictions);
  const layers = await quantizer.diagnose(integer);
  if (maxDrop !== undefined) {
    requireQuality(float, score, {
      what: enough ? (options.scheme ?? 'int8') : 'with int16 activations throughout,',
      maxDrop,
      layers,
      hint: enough ? gateHint : exhaustedHint,
    });
  }
  return {
    graph: integer,
    ranges: quantizer.ranges,
    trained,
    floatAccuracy: float.accuracy,
    int8Accuracy: score.accuracy,
    floatMeanSquares: float.meanSquares,
    int8MeanSquares: score.meanSquares,
    layers,
    equalized: quantizer.equalized,
    promotions,
  };
}
