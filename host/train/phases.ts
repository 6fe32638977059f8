/**
 * The stepper and the evaluator of a training, with quantization in the loop or without. With it,
 * the graph of the steps changes between epochs (qat.ts); weights, slots and ranges go on.
 */
import type { Dataset } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import { type Checkpoint, type Tensors, withData } from './checkpoint.js';
import { createEvaluator, type Evaluator } from './evaluator.js';
import { type FakeQuantizer, updatedRanges } from './qat.js';
import { phaseOf, type QatPhase } from './qat-setup.js';
import { createStepper, type Stepper } from './stepper.js';

export interface PhasedStepper extends Stepper {
  /** Prepares the steps of an epoch, from 0. */
  enter(epoch: number): void;
  /** Copies of the scales and ranges of quantization-aware training; empty without. */
  ranges(): Tensors;
}

interface Options {
  readonly engine: Engine;
  readonly recompute?: boolean | undefined;
  readonly quantizer?: FakeQuantizer | undefined;
}

/** The stepper that goes on from a checkpoint. */
export function createPhasedStepper(from: Checkpoint, options: Options): PhasedStepper {
  const { engine, recompute, quantizer } = options;
  const { setup } = from;
  const phaseAt = (epoch: number): QatPhase | undefined =>
    quantizer && phaseOf(quantizer.setup, epoch);
  const make = ({ graph, ranges, slots }: Checkpoint, phase: QatPhase | undefined): Stepper => {
    const shape = quantizer && phase ? quantizer.graph(graph, ranges, phase) : graph;
    const keep = new Set([...shape.values.keys()].filter((id) => !graph.values.has(id)));
    return createStepper(shape, setup, engine, { slots, recompute, undecayed: keep });
  };
  let phase = phaseAt(from.progress.epoch);
  let current = make(from, phase);
  const ranges = (): Tensors => updatedRanges(from.ranges, current.weights());
  /** Of the model alone. */
  const weights = (): Tensors =>
    new Map([...current.weights()].filter(([id]) => from.graph.values.has(id)));
  return {
    step: (size, inputs) => current.step(size, inputs),
    weights: () => current.weights(),
    slots: () => current.slots(),
    memoryBytes: () => current.memoryBytes(),
    dispose: () => current.dispose(),
    ranges,
    enter(epoch) {
      const next = phaseAt(epoch);
      if (next === phase) return;
      phase = next;
      const graph = withData(from.graph, weights());
      const state = { ...from, graph, ranges: ranges(), slots: current.slots() };
      current.dispose();
      current = make(state, phase);
    },
  };
}

/** The evaluator of a training: with quantization in the loop, of what a device will compute. */
export function createPhasedEvaluator(
  { graph, ranges }: Checkpoint,
  dataset: Dataset,
  { engine, quantizer }: Options,
): Evaluator {
  if (!quantizer) return createEvaluator(graph, dataset, engine);
  let memoryBytes = 0;
  return {
    // The steps that sums are rounded to follow from the scales, so each time has its own graph.
    async evaluate(weights, signal) {
      const own = [...weights].filter(([id]) => graph.values.has(id));
      const trained = withData(graph, new Map(own));
      const inference = quantizer.inference(trained, updatedRanges(ranges, weights));
      const evaluator = createEvaluator(inference, dataset, engine);
      try {
        const sums = await evaluator.evaluate(new Map(), signal);
        memoryBytes = Math.max(memoryBytes, evaluator.memoryBytes());
        return sums;
      } finally {
        evaluator.dispose();
      }
    },
    memoryBytes: () => memoryBytes,
    dispose() {},
  };
}
