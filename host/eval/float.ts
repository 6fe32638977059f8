/**
 * A dataset run through a float graph in the engine.
 */
import type { NumericArray } from '../core/dtype.js';
import { elements } from '../core/shape.js';
import { allIndices, type Dataset } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import { type Graph, getValue } from '../ir/graph.js';
import { runFloat } from '../quant/float-runs.js';
import { forInference } from '../rewrite/for-inference.js';
import { createScorer, type Score } from './score.js';

/**
 * Scores a float graph on the first `limit` examples.
 *
 * @param graph stage float, batch 1
 */
export async function scoreFloat(
  graph: Graph,
  dataset: Dataset,
  engine: Engine,
  limit: number,
  onProgress?: (done: number) => void,
): Promise<Score> {
  const inference = forInference(graph);
  const output = getValue(inference, inference.outputs[0]!);
  const scorer = createScorer(dataset, output);
  const each = elements(output.shape);
  const runs = { graph: inference, dataset, engine, onProgress };
  await runFloat(runs, allIndices(dataset, limit), (program, examples) => {
    const results = program.read(output.id) as NumericArray;
    for (const [k, example] of examples.entries()) {
      scorer.add(example, results.subarray(k * each, (k + 1) * each) as NumericArray);
    }
  });
  return scorer.score();
}
