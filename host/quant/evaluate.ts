/**
 * What a graph scores on a dataset: the integer graph through the oracle, the float graph through
 * an engine.
 */
import { setImmediate } from 'node:timers/promises';
import type { AnyArray, NumericArray } from '../core/dtype.js';
import { UnsupportedError } from '../core/errors.js';
import { elements } from '../core/shape.js';
import { allIndices, type Dataset, type InputGrid } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import { type Graph, getValue, type Quantization, type Value } from '../ir/graph.js';
import { forInference } from '../rewrite/for-inference.js';
import { perTensor, quantizeAs, quantizeS8 } from '../scheme/affine.js';
import { runFloat, soleInput } from './float-runs.js';
import { createOracle } from './interpret/interpret.js';
import { createScorer, type Score, type ScoreOptions } from './score.js';

/** Two scales this near, and zero points within two steps, stand for the same units. */
const nearScales = 1.05;
const nearZeros = 2;

function sameUnits(grid: InputGrid, { scale, zeroPoint }: Quantization): boolean {
  const factor = grid.scale / scale[0]!;
  const near = factor < nearScales && factor > 1 / nearScales;
  return near && Math.abs(grid.zeroPoint - zeroPoint[0]!) <= nearZeros;
}

/**
 * The quantization by which a dataset's inputs enter a model: the model's own. Bytes of unknown
 * units enter as they are where the model was made for other units: pixel - 128 for pixels.
 */
function entryQuantization({ grid }: Dataset, own: Quantization): Quantization {
  if (!grid?.direct || sameUnits(grid, own)) return own;
  return perTensor(own.scheme, grid.scale, grid.zeroPoint);
}

/** One example as a model's input takes it: float32, s8 or s16. */
export function encodeInput(
  dataset: Dataset,
  example: number,
  input: Value,
): Float32Array | Int8Array | Int16Array {
  const real = dataset.inputs([example]);
  if (input.dtype === 'f32') return real;
  if (input.dtype === 's8' && input.quant) {
    return quantizeS8(real, entryQuantization(dataset, input.quant), input.shape);
  }
  if (input.dtype === 's16' && input.quant) {
    return quantizeAs('s16', real, input.quant, input.shape);
  }
  throw new UnsupportedError(`input %${input.id} is ${input.dtype}, expected s8, s16 or f32`, {
    hint: 'Convert the model with int8, int16 or float32 inputs.',
    where: `%${input.id}`,
  });
}

/**
 * Scores an integer graph through the oracle.
 *
 * @param graph stage int8, batch 1
 * @throws BadInputError where the data has more classes than the graph has outputs
 */
export async function scoreInteger(
  graph: Graph,
  dataset: Dataset,
  { limit, onProgress, each, signal }: ScoreOptions = {},
): Promise<Score> {
  const scorer = createScorer(dataset, graph);
  const input = soleInput(graph, dataset);
  const oracle = createOracle(graph);
  const examples = allIndices(dataset, limit);
  for (const [i, example] of examples.entries()) {
    const inputs: AnyArray[] = [encodeInput(dataset, example, input) as NumericArray];
    const output = oracle.run(inputs)[0] as NumericArray;
    scorer.add(example, output);
    each?.(output);
    if (i % 100 === 99) {
      onProgress?.(i + 1);
      await setImmediate();
      if (signal?.aborted) break;
    }
  }
  onProgress?.(examples.length);
  return scorer.score();
}

/**
 * Scores a float graph through an engine.
 *
 * @param graph stage float, batch 1
 * @throws BadInputError where the data has more classes than the graph has outputs
 */
export async function scoreFloat(
  graph: Graph,
  dataset: Dataset,
  engine: Engine,
  { limit, onProgress, each, signal }: ScoreOptions = {},
): Promise<Score> {
  const inference = forInference(graph);
  const output = getValue(inference, inference.outputs[0]!);
  const scorer = createScorer(dataset, inference);
  const size = elements(output.shape);
  const runs = { graph: inference, dataset, engine, onProgress, signal };
  await runFloat(runs, allIndices(dataset, limit), (program, examples) => {
    const results = program.read(output.id) as NumericArray;
    for (const [k, example] of examples.entries()) {
      const one = results.subarray(k * size, (k + 1) * size) as NumericArray;
      scorer.add(example, one);
      each?.(one);
    }
  });
  return scorer.score();
}
