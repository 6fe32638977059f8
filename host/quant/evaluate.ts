/**
 * What a graph scores on a dataset: the integer graph through the oracle, the float graph through
 * an engine.
 */
import { setImmediate } from 'node:timers/promises';
import type { AnyArray, NumericArray } from '../core/dtype.js';
import { UnsupportedError } from '../core/errors.js';
import { elements } from '../core/shape.js';
import { allIndices, type Dataset, requireClasses } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import { type Graph, getValue, type Value } from '../ir/graph.js';
import { forInference } from '../rewrite/for-inference.js';
import { quantizeS8 } from '../scheme/affine.js';
import { runFloat, soleInput } from './float-runs.js';
import { createOracle } from './interpret.js';

/**
 * One example as a model's input takes it: float32, or s8 on the input's scale. s8 data whose
 * source states no scale is handed over as it is.
 */
export function encodeInput(
  dataset: Dataset,
  example: number,
  input: Value,
): Float32Array | Int8Array {
  const real = dataset.inputs([example]);
  if (input.dtype === 'f32') return real;
  if (input.dtype === 's8' && dataset.grid?.direct) return Int8Array.from(real);
  if (input.dtype === 's8' && input.quant) return quantizeS8(real, input.quant, input.shape);
  throw new UnsupportedError(`input %${input.id} is ${input.dtype}, expected s8 or f32`, {
    hint: 'Convert the model with int8 or float32 inputs.',
    where: `%${input.id}`,
  });
}

/** Index of the largest element; the first of equals. */
function argmax(values: ArrayLike<number>, from: number, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[from + i]! > values[from + best]!) best = i;
  return best;
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
