/**
 * Runs a float graph over examples of a dataset, batch by batch.
 */
import { setImmediate } from 'node:timers/promises';
import { UnsupportedError } from '../core/errors.js';
import { elements } from '../core/shape.js';
import { batches } from '../data/batches.js';
import { type Dataset, requireInputShape } from '../data/dataset.js';
import type { Engine, Program } from '../engine/engine.js';
import { type Graph, getValue, type Value, type ValueId } from '../ir/graph.js';
import { rebatch } from '../rewrite/rebatch.js';

/** Elements of kept values that one batch may hold: 64 MB. */
const mostElements = 2 ** 24;
const mostBatch = 100;

/**
 * The one input of a graph; a dataset has no more to give.
 *
 * @throws UnsupportedError where there are several, BadInputError where the shapes differ
 */
export function soleInput(graph: Graph, dataset: Dataset): Value {
  if (graph.inputs.length !== 1) {
    throw new UnsupportedError(
      `graph ${graph.name} has ${graph.inputs.length} inputs, a dataset feeds one`,
      { hint: 'Build the model with one input and slice it inside.', where: graph.name },
    );
  }
  const input = getValue(graph, graph.inputs[0]!);
  requireInputShape(dataset, input.shape.slice(1));
  return input;
}

/** The values that nodes compute, in order. */
export const computedValues = (graph: Graph): ValueId[] => graph.nodes.map(({ output }) => output);

/** How many examples fit one batch that keeps these values. */
export function batchSize(graph: Graph, keep: readonly ValueId[]): number {
  const each = keep.reduce((sum, id) => sum + elements(getValue(graph, id).shape), 1);
  return Math.max(1, Math.min(mostBatch, Math.floor(mostElements / each)));
}

export interface FloatRuns {
  /** Stage float, batch 1. */
  readonly graph: Graph;
  readonly dataset: Dataset;
  readonly engine: Engine;
  /** Values beside the outputs that `each` reads. */
  readonly keep?: readonly ValueId[];
  readonly onProgress?: ((done: number) => void) | undefined;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs the examples with the given numbers.
 *
 * @param each called after each batch, with the program and the numbers of its examples
 */
export async function runFloat(
  { graph, dataset, engine, keep = [], onProgress, signal }: FloatRuns,
  examples: Uint32Array,
  each: (program: Program, examples: Uint32Array) => void,
): Promise<void> {
  const input = soleInput(graph, dataset);
  let done = 0;
  let program: Program | undefined;
  let size = 0;
  try {
    for (const positions of batches(examples.length, batchSize(graph, keep))) {
      if (!program || size !== positions.length) {
        program?.dispose();
        size = positions.length;
        program = engine.compile(rebatch(graph, size), { keep });
      }
      const numbers = positions.map((i) => examples[i]!);
      program.write(input.id, dataset.inputs(numbers) as Float32Array<ArrayBuffer>);
      program.run();
      each(program, numbers);
      done += numbers.length;
      onProgress?.(done);
      await setImmediate();
      if (signal?.aborted) break;
    }
  } finally {
    program?.dispose();
  }
}
