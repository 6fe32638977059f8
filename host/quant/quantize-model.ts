/**
 * Quantization from end to end: calibrate, quantize, measure, compare with a budget.
 */
import { GateError } from '../core/errors.js';
import type { Dataset } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import type { Graph, ValueId } from '../ir/graph.js';
import type { SchemeName } from '../scheme/schemes.js';
import type { Ranges } from './assign.js';
import { calibrate, defaultSamples } from './calibrate.js';
import { diagnose, type LayerNoise } from './diagnose.js';
import { evaluateFloat, evaluateInteger } from './evaluate.js';
import { fuseBounds } from './fuse.js';
import type { ObserverName } from './observers.js';
import { prepareForQuantization, quantizeGraph } from './quantize.js';

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
  readonly layers?: ReadonlyMap<ValueId, SchemeName> | undefined;
  readonly observer?: ObserverName | undefined;
  readonly perAxisDense?: boolean | undefined;
  /** The largest loss of accuracy that is accepted, as a fraction: 0.003 is 0.3 points. */
  readonly maxDrop?: number | undefined;
  /** How many test examples, from the first; default all. */
  readonly limit?: number | undefined;
  readonly onProgress?: ((stage: QuantizeStage, done: number, total: number) => void) | undefined;
}

export type QuantizeStage = 'calibrate' | 'float' | 'int8';

export interface QuantizedModel {
  /** Stage int8, batch 1. */
  readonly graph: Graph;
  readonly ranges: Ranges;
  /** Null where the test data has values, not classes. */
  readonly floatAccuracy: number | null;
  readonly int8Accuracy: number | null;
  readonly layers: readonly LayerNoise[];
}

/** Diagnosis needs few examples: the ratios hardly change with more. */
const diagnoseSamples = 32;
const namedLayers = 3;

const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)} %`;

/**
 * Checks the loss of accuracy.
 *
 * @throws GateError (exit code 10) naming the layers that add most of the noise
 */
export function requireAccuracy(
  {
    floatAccuracy,
    int8Accuracy,
    layers,
  }: Pick<QuantizedModel, 'floatAccuracy' | 'int8Accuracy' | 'layers'>,
  maxDrop: number,
): void {
  if (floatAccuracy === null || int8Accuracy === null) return;
  const drop = floatAccuracy - int8Accuracy;
  if (drop <= maxDrop) return;
  const worst = [...layers].sort((a, b) => a.ownSnrDb - b.ownSnrDb).slice(0, namedLayers);
  const named = worst.map(
    ({ name, snrDb, ownSnrDb }) =>
      `${name} (${ownSnrDb.toFixed(1)} dB by itself, ${snrDb.toFixed(1)} dB with those before it)`,
  );
  throw new GateError(
    `int8 accuracy ${percent(int8Accuracy)} is ${percent(drop)} below float ${percent(floatAccuracy)}, more than ${percent(maxDrop)}; worst layers: ${named.join(', ')}`,
    {
      hint: 'Calibrate with more --samples, bound these layers by relu6, or allow a larger --max-drop.',
      where: worst[0]?.name,
    },
  );
}

/**
 * Quantizes a trained float graph and measures what it costs.
 *
 * @throws UnsupportedError (4) for an op without int8 form, before any data is read;
 * GateError (10) when accuracy falls by more than maxDrop
 */
export async function quantizeModel(options: QuantizeModelOptions): Promise<QuantizedModel> {
  const { graph, data, testData, engine, samples = defaultSamples, seed = 0, limit } = options;
  fuseBounds(prepareForQuantization(graph));
  const count = Math.min(limit ?? testData.count, testData.count);
  const report = (stage: QuantizeStage, total: number) => (done: number) =>
    options.onProgress?.(stage, done, total);

  const ranges = await calibrate(graph, data, {
    engine,
    samples,
    seed,
    observer: options.observer ?? 'minMax',
    onProgress: report('calibrate', Math.min(samples, data.count)),
  });
  const quantized = quantizeGraph(graph, ranges, {
    scheme: options.scheme ?? 'int8',
    ...(options.layers && { layers: options.layers }),
    perAxisDense: options.perAxisDense ?? false,
  });
  const layers = await diagnose(graph, quantized, data, { engine, samples: diagnoseSamples, seed });
  const floatAccuracy = await evaluateFloat(graph, testData, engine, {
    limit,
    onProgress: report('float', count),
  });
  const int8Accuracy = await evaluateInteger(quantized, testData, {
    limit,
    onProgress: report('int8', count),
  });
  const result = { graph: quantized, ranges, floatAccuracy, int8Accuracy, layers };
  if (options.maxDrop !== undefined) requireAccuracy(result, options.maxDrop);
  return result;
}
