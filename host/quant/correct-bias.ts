/**
 * Bias correction (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
 * Correction", 2019, section 4.2, in its empirical form): rounded weights and activations shift the
 * mean of a layer's outputs; the bias takes the shift back. Layers are corrected in order, each
 * behind those already corrected.
 */
import type { Dataset } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import { consumers, type Graph, getData, getValue, type Node, type ValueId } from '../ir/graph.js';
import { mapGraph } from '../rewrite/map-graph.js';
import { sampleExamples } from './calibrate.js';
import { batchSize, computedValues, runFloat } from './float-runs.js';
import { fuseBounds, type Step } from './fuse.js';
import { isLayer } from './quant-rules.js';
import { createSimulator } from './simulate.js';
import { createStepRuns } from './step-runs.js';

export interface CorrectBiasOptions {
  readonly dataset: Dataset;
  readonly engine: Engine;
  /** Examples to estimate means with; fewer where their values do not fit memory. */
  readonly samples: number;
  readonly seed?: number;
}

/** The graph with a bias of zeros wherever a layer has none. */
function withBiases(graph: Graph): Graph {
  return mapGraph(graph, {
    node(node, out) {
      if (!isLayer(node) || node.inputs.length > 2) return out.keepNode(node);
      const { id, name, shape } = getValue(graph, node.output);
      const channels = shape.at(-1)!;
      const zeros = new Float32Array(channels);
      const bias = out.builder.constant({ shape: [channels], dtype: 'f32' }, zeros, {
        id: `${id}.bias`,
        trainable: true,
      });
      const inputs = [...node.inputs.map(out.get), bias];
      return out.builder.add(node.op, inputs, node.attrs as never, { id, name });
    },
  });
}

/** Per channel, the mean of got - wanted; `got` loses it. */
function takeShift(got: Float32Array, wanted: Float32Array, channels: number): Float64Array {
  const shift = new Float64Array(channels);
  for (let i = 0; i < got.length; i++) shift[i % channels]! += got[i]! - wanted[i]!;
  const count = got.length / channels;
  for (let c = 0; c < channels; c++) shift[c]! /= count;
  for (let i = 0; i < got.length; i++) got[i]! -= shift[i % channels]!;
  return shift;
}

/**
 * A float graph whose biases make up for what its integers lose; only the integer graph that
 * `quantize` makes of it is better than the original's.
 *
 * @param source stage float, batch 1, prepared for quantization
 * @param quantize makes the integer graph; values keep their ids
 */
export async function correctBiases(
  source: Graph,
  quantize: (graph: Graph) => Graph,
  options: CorrectBiasOptions,
): Promise<Graph> {
  const graph = withBiases(source);
  const { dataset, engine, samples, seed = 0 } = options;
  const steps = fuseBounds(graph);
  const keep = computedValues(graph);
  const count = Math.min(samples, batchSize(graph, keep));
  const examples = sampleExamples(dataset, count, seed);
  const data = new Map<ValueId, Float32Array>();
  const runs = createStepRuns(graph, engine, examples.length, { bounds: false });
  const integer = quantize(graph);
  const readers = consumers(graph);
  // A bias that several layers share cannot make up for each of them.
  const correctable = (node: Node) => isLayer(node) && readers.get(node.inputs[2]!)!.length === 1;
  try {
    await runFloat({ graph, dataset, engine, keep }, examples, (program) => {
      const inputs = new Map(graph.inputs.map((id) => [id, program.read(id) as Float32Array]));
      const adjust = ({ node }: Step, got: Float32Array): void => {
        if (!correctable(node)) return;
        const bias = getData(graph, node.inputs[2]!) as Float32Array;
        const wanted = program.read(node.output) as Float32Array;
        const shift = takeShift(got, wanted, bias.length);
        data.set(
          node.inputs[2]!,
          bias.map((b, c) => b - shift[c]!),
        );
      };
      createSimulator(steps, runs, inputs).run(integer, { adjust });
    });
  } finally {
    runs.dispose();
  }
  return { ...graph, data: new Map([...graph.data, ...data]) };
}
