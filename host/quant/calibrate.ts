/**
 * Calibration: the range of every activation over a sample of the data.
 */
import { UsageError } from '../core/errors.js';
import { randomPermutation } from '../core/random.js';
import type { Dataset } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import type { Graph, ValueId } from '../ir/graph.js';
import type { Range } from '../scheme/affine.js';
import type { Ranges } from './assign.js';
import { computedValues, runFloat, soleInput } from './float-runs.js';
import { type Observer, type ObserverName, observers } from './observers.js';
import { prepareForQuantization } from './quantize.js';

export interface CalibrateOptions {
  readonly engine: Engine;
  /** How many examples, drawn by the seed; all where the dataset has fewer. Default 500. */
  readonly samples?: number;
  readonly seed?: number;
  /** How a range follows from the numbers. Default `minMax`. */
  readonly observer?: ObserverName;
  readonly onProgress?: (done: number) => void;
}

export const defaultSamples = 500;

/** The numbers of `count` different examples of a dataset: a pure function of its arguments. */
export function sampleExamples(dataset: Dataset, count: number, seed: number): Uint32Array {
  if (!Number.isInteger(count) || count < 1) {
    throw new UsageError(`cannot calibrate with ${count} examples`, {
      hint: 'Give --samples a whole number of 1 or more.',
    });
  }
  return randomPermutation({ seed, purpose: 'calibrate' }, dataset.count).slice(0, count);
}

/** Where the source says on which grid its inputs lie, that is the range, whatever was drawn. */
function gridRange({ grid }: Dataset): Range | undefined {
  if (!grid) return undefined;
  const { scale, zeroPoint } = grid;
  return { min: scale * (-128 - zeroPoint), max: scale * (127 - zeroPoint) };
}

/**
 * Runs the prepared float graph over a sample and observes its input and every computed value.
 *
 * @param graph stage float, batch 1; need not be prepared
 * @returns ranges by value of `prepareForQuantization(graph)`
 */
export async function calibrate(
  graph: Graph,
  dataset: Dataset,
  options: CalibrateOptions,
): Promise<Ranges> {
  const prepared = prepareForQuantization(graph);
  const { engine, samples = defaultSamples, seed = 0, observer = 'minMax', onProgress } = options;
  const examples = sampleExamples(dataset, samples, seed);
  const input = soleInput(prepared, dataset);
  const keep = computedValues(prepared);
  const seen = new Map<ValueId, Observer>(
    [input.id, ...keep].map((id) => [id, observers[observer]()]),
  );
  await runFloat({ graph: prepared, dataset, engine, keep, onProgress }, examples, (program) => {
    for (const [id, observe] of seen) observe.add(program.read(id) as Float32Array);
  });
  const ranges = new Map([...seen].map(([id, observe]) => [id, observe.range()]));
  const grid = gridRange(dataset);
  if (grid) ranges.set(input.id, grid);
  return ranges;
}
