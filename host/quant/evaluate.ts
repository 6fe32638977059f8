/**
 * What a graph scores on a dataset: the integer graph through the oracle, the float graph through
 * an engine.
 */
import { setImmediate } from 'node:timers/promises';
import { argmax } from '../core/argmax.js';
import type { AnyArray, NumericArray } from '../core/dtype.js';
import { UnsupportedError } from '../core/errors.js';
import { elements } from '../core/shape.js';
import { allIndices, type Dataset, type InputGrid, requireClasses } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import { type Graph, getValue, type Quantization, type Value } from '../ir/graph.js';
import { forInference } from '../rewrite/for-inference.js';
import { perTensor, quantizeAs, quantizeS8 } from '../scheme/affine.js';
import { runFloat, soleInput } from './float-runs.js';
import { createOracle } from './interpret.js';

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

export interface EvaluateOptions {
  /** How many examples, from the first; default all. */
  readonly limit?: number | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** The number of outputs of a classifier for this data; undefined where the targets are values. */
function classOutputs(graph: Graph, dataset: Dataset): number | undefined {
  if (dataset.target.kind !== 'class') return undefined;
  const count = elements(getValue(graph, graph.outputs[0]!).shape);
  requireClasses(dataset, count);
  return count;
}

/**
 * The fraction of examples that an integer graph classifies right, through the oracle.
 *
 * @returns null where the dataset has values, not classes
 */
export async function evaluateInteger(
  graph: Graph,
  dataset: Dataset,
  options: EvaluateOptions = {},
): Promise<number | null> {
  const classes = classOutputs(graph, dataset);
  if (classes === undefined) return null;
  const input = soleInput(graph, dataset);
  const oracle = createOracle(graph);
  const examples = allIndices(dataset, options.limit);
  const labels = dataset.labels(examples);
  let correct = 0;
  for (const [i, example] of examples.entries()) {
    const inputs: AnyArray[] = [encodeInput(dataset, example, input) as NumericArray];
    const output = oracle.run(inputs)[0] as NumericArray;
    if (argmax(output, 0, classes) === labels[i]) correct++;
    if (i % 100 === 99) {
      options.onProgress?.(i + 1);
      await setImmediate();
    }
  }
  options.onProgress?.(examples.length);
  return correct / examples.length;
}

/**
 * The fraction of examples that a float graph classifies right, through an engine.
 *
 * @param graph stage float, batch 1
 * @returns null where the dataset has values, not classes
 */
export async function evaluateFloat(
  graph: Graph,
  dataset: Dataset,
  engine: Engine,
  options: EvaluateOptions = {},
): Promise<number | null> {
  const inference = forInference(graph);
  const classes = classOutputs(inference, dataset);
  if (classes === undefined) return null;
  const runs = { graph: inference, dataset, engine, onProgress: options.onProgress };
  const examples = allIndices(dataset, options.limit);
  let correct = 0;
  await runFloat(runs, examples, (program, numbers) => {
    const outputs = program.read(inference.outputs[0]!) as Float32Array;
    dataset.labels(numbers).forEach((label, i) => {
      if (argmax(outputs, i * classes, classes) === label) correct++;
    });
  });
  return correct / examples.length;
}
