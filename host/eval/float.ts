/**
 * A dataset run through a float graph in the engine.
 */
import type { NumericArray } from '../core/dtype.js';
import { elements } from '../core/shape.js';
import { batches } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { requireInputShape } from '../data/dataset.js';
import { subset } from '../data/split.js';
import type { Engine, Program } from '../engine/engine.js';
import { type Graph, getValue } from '../ir/graph.js';
import { forInference } from '../rewrite/for-inference.js';
import { batchOf, rebatch } from '../rewrite/rebatch.js';
import { createScorer, type Score } from './score.js';

const batchSize = 100;

/**
 * Scores a float graph.
 *
 * @param graph stage float, batch 1
 * @param limit how many examples, from the first
 */
export function evaluateFloat(
  graph: Graph,
  dataset: Dataset,
  engine: Engine,
  limit: number,
  onProgress: (done: number) => void = () => {},
): Score {
  const inference = forInference(graph);
  const [input] = inference.inputs;
  const [outputId] = inference.outputs;
  requireInputShape(dataset, getValue(inference, input!).shape.slice(1));
  const output = getValue(inference, outputId!);
  const scorer = createScorer(dataset, output);
  const each = elements(output.shape);
  const first = subset(
    dataset,
    Array.from({ length: limit }, (_, i) => i),
  );
  let done = 0;
  let program: Program | undefined;
  for (const indices of batches(first.count, batchSize)) {
    if (!program || batchOf(program.graph) !== indices.length) {
      program?.dispose();
      program = engine.compile(rebatch(inference, indices.length));
    }
    program.write(input!, first.inputs(indices));
    program.run();
    const results = program.read(outputId!) as NumericArray;
    for (const [k, index] of indices.entries()) {
      scorer.add(index, results.subarray(k * each, (k + 1) * each) as NumericArray);
    }
    onProgress((done += indices.length));
  }
  program?.dispose();
  return scorer.score();
}
