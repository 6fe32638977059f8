/**
 * Diagnosis of a quantized graph, layer by layer: how far its dequantized values lie from those of
 * the float graph.
 */
import type { NumericArray } from '../core/dtype.js';
import { elements } from '../core/shape.js';
import type { Dataset } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import { type Graph, getValue, type ValueId } from '../ir/graph.js';
import { dequantize } from '../scheme/affine.js';
import { sampleExamples } from './calibrate.js';
import { encodeInput } from './evaluate.js';
import { computedValues, runFloat, soleInput } from './float-runs.js';
import { createOracle } from './interpret.js';
import { prepareForQuantization } from './quantize.js';

export interface LayerNoise {
  readonly id: ValueId;
  /** The name in the source. */
  readonly name: string;
  /** 10 log10(sum of float^2 / sum of (float - int8)^2). */
  readonly snrDb: number;
  /** The ratio that the layer's own noise would leave: what its noisiest input brought is taken off. */
  readonly ownSnrDb: number;
}

/** Ratios are cut here: values that are equal, or zero in float only. */
export const mostSnrDb = 120;

interface Power {
  signal: number;
  noise: number;
}

function ratio({ signal, noise }: Power): number {
  if (noise === 0) return mostSnrDb;
  if (signal === 0) return -mostSnrDb;
  return Math.max(-mostSnrDb, Math.min(mostSnrDb, 10 * Math.log10(signal / noise)));
}

function add(power: Power, float: Float32Array, other: Float32Array): void {
  for (let i = 0; i < float.length; i++) {
    power.signal += float[i]! ** 2;
    power.noise += (float[i]! - other[i]!) ** 2;
  }
}

/** The values that both graphs compute, the model's input first. */
function sharedValues(float: Graph, integer: Graph): ValueId[] {
  const known = new Set(computedValues(float));
  return [...integer.inputs, ...computedValues(integer).filter((id) => known.has(id))];
}

/** Of a ratio in dB, the noise for a signal of 1. */
const noiseOf = (snrDb: number): number => 10 ** (-snrDb / 10);

const ownRatio = (snrDb: number, before: number): number =>
  ratio({ signal: 1, noise: Math.max(0, noiseOf(snrDb) - noiseOf(before)) });

function layersOf(integer: Graph, powers: ReadonlyMap<ValueId, Power>): LayerNoise[] {
  const ratios = new Map([...powers].map(([id, power]) => [id, ratio(power)]));
  const layers: LayerNoise[] = [];
  for (const { inputs, output } of integer.nodes) {
    const snrDb = ratios.get(output);
    const before = Math.min(mostSnrDb, ...inputs.map((id) => ratios.get(id) ?? mostSnrDb));
    // A requantize has no counterpart: its noise is counted where its result is used.
    if (snrDb === undefined) ratios.set(output, before);
    else
      layers.push({
        id: output,
        name: getValue(integer, output).name,
        snrDb,
        ownSnrDb: ownRatio(snrDb, before),
      });
  }
  return layers;
}

/**
 * Compares a float graph with the int8 graph made from it.
 *
 * @param graph stage float, batch 1, as given to quantizeGraph
 * @param samples how many examples, drawn by the seed
 * @returns one entry per computed value that both have, in topological order
 */
export async function diagnose(
  graph: Graph,
  integer: Graph,
  dataset: Dataset,
  options: { readonly engine: Engine; readonly samples: number; readonly seed?: number },
): Promise<LayerNoise[]> {
  const float = prepareForQuantization(graph);
  const oracle = createOracle(integer);
  const input = soleInput(integer, dataset);
  const shared = sharedValues(float, integer);
  const powers = new Map<ValueId, Power>(shared.map((id) => [id, { signal: 0, noise: 0 }]));
  const examples = sampleExamples(dataset, options.samples, options.seed ?? 0);
  const runs = { graph: float, dataset, engine: options.engine, keep: computedValues(float) };
  await runFloat(runs, examples, (program, numbers) => {
    const batch = new Map(shared.map((id) => [id, program.read(id) as Float32Array]));
    for (const [i, example] of numbers.entries()) {
      const values = oracle.runAll([encodeInput(dataset, example, input) as NumericArray]);
      for (const [id, power] of powers) {
        const { quant, shape } = getValue(integer, id);
        const size = elements(shape);
        const part = batch.get(id)!.subarray(i * size, (i + 1) * size);
        add(power, part, dequantize(values.get(id) as NumericArray, quant!, shape));
      }
    }
  });
  return layersOf(integer, powers);
}
