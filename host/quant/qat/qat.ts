/**
 * Quantization-aware training of a model: what `train --qat` puts into its graphs, and what
 * `quantize` takes from its checkpoints.
 */
import type { Dataset } from '../../data/dataset.js';
import type { Engine } from '../../engine/engine.js';
import type { Graph } from '../../ir/graph.js';
import type { Tensors } from '../../train/checkpoint.js';
import type { FakeQuantizer } from '../../train/qat.js';
import type { QatSetup } from '../../train/qat-setup.js';
import { calibrate } from '../calibrate.js';
import { qatGraph } from './graph.js';
import { planQat } from './plan.js';
import { startRanges, trainedQuantization } from './ranges.js';

export interface FakeQuantizerOptions {
  readonly setup: QatSetup;
  /** Examples that the ranges begin with. */
  readonly data: Dataset;
  readonly engine: Engine;
  readonly seed?: number | undefined;
}

/** How a model is trained for its integers; give it to trainModel. */
export function createFakeQuantizer(options: FakeQuantizerOptions): FakeQuantizer {
  const { setup, data, engine, seed = 0 } = options;
  return {
    setup,
    async start(model) {
      const plan = planQat(model, setup);
      return startRanges(plan, await calibrate(plan.prepared, data, { engine, seed }));
    },
    graph: (model, ranges, phase) => qatGraph(planQat(model, setup), ranges, { phase }),
    inference(model, ranges) {
      const plan = planQat(model, setup);
      const device = trainedQuantization(plan, ranges);
      return qatGraph(plan, ranges, { phase: 'frozen', device });
    },
  };
}

/**
 * The float graph that computes what the integer graph of a trained model computes, up to the 31
 * bits of its multipliers and the rounding of float32.
 *
 * @param model with its trained weights, stage float, batch 1
 */
export function fakeQuantized(model: Graph, setup: QatSetup, ranges: Tensors): Graph {
  const plan = planQat(model, setup);
  const device = trainedQuantization(plan, ranges);
  return qatGraph(plan, ranges, { phase: 'frozen', probabilities: true, device });
}
