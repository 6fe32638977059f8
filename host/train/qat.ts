/**
 * Quantization-aware training, as the training loop sees it. What is put into its graphs is in
 * host/quant/qat/graph.ts.
 */
import type { Graph, ValueId } from '../ir/graph.js';
import type { Tensors } from './checkpoint.js';
import type { QatPhase, QatSetup } from './qat-setup.js';

/** Makes the graphs of a model with fake quantization. */
export interface FakeQuantizer {
  readonly setup: QatSetup;
  /** The scales and ranges to begin with, by name: from examples, as after training. */
  start(model: Graph): Promise<Tensors>;
  /** Stage train, batch 1: what the quantized model will compute. */
  inference(model: Graph, ranges: Tensors): Graph;
  /**
   * Stage train, batch 1: the values of `model` that training changes keep their ids, those of
   * `ranges` have rangeId(name).
   */
  graph(model: Graph, ranges: Tensors, phase: QatPhase): Graph;
}

const prefix = 'qat.';

/** The id of a range's value in a graph with fake quantization. */
export const rangeId = (name: string): ValueId => `${prefix}${name}`;

/** Ranges with the contents that their values have in a program. */
export const updatedRanges = (ranges: Tensors, values: Tensors): Tensors =>
  new Map([...ranges].map(([name, data]) => [name, values.get(rangeId(name)) ?? data]));
