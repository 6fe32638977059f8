/** The largest magnitude of every channel over a sample of the data. */
import type { Dataset } from '../../data/dataset.js';
import type { Engine } from '../../engine/engine.js';
import { type Graph, getValue, type ValueId } from '../../ir/graph.js';
import { sampleExamples } from '../calibrate.js';
import { runFloat } from '../float-runs.js';
import { fuseBounds } from '../fuse.js';
import type { Magnitudes } from './estimate-magnitudes.js';

/**
 * Measures what each step of a float graph computes.
 *
 * @param graph stage float, batch 1, prepared for quantization
 */
export async function measureMagnitudes(
  graph: Graph,
  dataset: Dataset,
  options: { readonly engine: Engine; readonly samples: number; readonly seed?: number },
): Promise<Magnitudes> {
  const keep = fuseBounds(graph).map(({ output }) => output);
  const out = new Map<ValueId, Float64Array>(
    keep.map((id) => [id, new Float64Array(getValue(graph, id).shape.at(-1) ?? 1)]),
  );
  const examples = sampleExamples(dataset, options.samples, options.seed ?? 0);
  await runFloat({ graph, dataset, engine: options.engine, keep }, examples, (program) => {
    for (const [id, most] of out) {
      const data = program.read(id) as Float32Array;
      for (let i = 0; i < data.length; i++) {
        const magnitude = Math.abs(data[i]!);
        const channel = i % most.length;
        if (magnitude > most[channel]!) most[channel] = magnitude;
      }
    }
  });
  return out;
}
