/**
 * Promotion: which layers to compute with int16 activations so that the output comes nearer to the
 * float graph's.
 *
 * What rounds is a value between layers. It keeps 16 bits only where the layer that computes it and
 * all layers that read it have int16 activations, so these are promoted together. The value whose
 * promotion leaves least noise in the outputs goes first; noise is measured by running every
 * candidate over some examples.
 */
import type { Dataset } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import { consumers, type Graph, type Node, type ValueId } from '../ir/graph.js';
import { type SchemeName, schemes } from '../scheme/schemes.js';
import { sampleExamples } from './calibrate.js';
import { batchSize, runFloat } from './float-runs.js';
import { fuseBounds, measuredValues, type Step } from './fuse.js';
import { createSimulator } from './simulate.js';
import { createStepRuns } from './step-runs.js';

/** Schemes of layers, by the values that they compute. */
export type LayerSchemes = ReadonlyMap<ValueId, SchemeName>;

/** The scheme that promoted layers get. */
export const promotedScheme = 'int16x8' satisfies SchemeName;

/** A value that may keep 16 bits, and what has to be promoted for that. */
export interface Candidate {
  readonly value: ValueId;
  /** What computes it and what reads it, by the values that these compute. */
  readonly layers: readonly ValueId[];
}

const follows = ({ rule }: Step): boolean => rule.kind === 'same' || rule.kind === 'bound';

/**
 * The candidates of a float graph.
 *
 * @param graph stage float, prepared for quantization
 */
export function candidatesOf(graph: Graph): Candidate[] {
  const steps = fuseBounds(graph);
  const readers = consumers(graph);
  const stepOf = new Map<Node, Step>(steps.map((step) => [step.node, step]));
  /** The steps that round what they make of a value; those that only move its bytes follow it. */
  const roundersOf = (value: ValueId): ValueId[] =>
    (readers.get(value) ?? []).flatMap((node) => {
      const step = stepOf.get(node);
      if (!step) return [];
      return follows(step) ? roundersOf(step.output) : [step.output];
    });
  const own = steps.filter((step) => !follows(step)).map(({ output }) => output);
  return [...graph.inputs, ...own].map((value) => ({
    value,
    layers: [...new Set([value, ...roundersOf(value)])],
  }));
}

/** The schemes with a candidate's layers promoted. */
export const promote = (schemes: LayerSchemes, { layers }: Candidate): LayerSchemes =>
  new Map([...schemes, ...layers.map((id) => [id, promotedScheme] as const)]);

/** Whether promoting a candidate would change nothing. */
export const isPromoted = (layers: LayerSchemes, base: SchemeName, candidate: Candidate): boolean =>
  candidate.layers.every(
    (id) =>
      schemes[layers.get(id) ?? base].types.activation === schemes[promotedScheme].types.activation,
  );

export interface RankOptions {
  /** The float graph to come near to. */
  readonly reference: Graph;
  /** The one that the integer graphs are made of: the reference, or the same with other biases. */
  readonly source: Graph;
  /** The integer graph as it is. */
  readonly now: Graph;
  /** The integer graph with a candidate promoted. */
  readonly quantize: (candidate: Candidate) => Graph;
  readonly dataset: Dataset;
  readonly engine: Engine;
  readonly samples: number;
  readonly seed?: number;
  readonly onProgress?: ((done: number) => void) | undefined;
}

export interface Ranked {
  readonly candidate: Candidate;
  /** Signal over noise at the outputs (softmax: at what it reads) with it promoted; of several, summed. */
  readonly outputSnrDb: number;
}

/** Noise of values as a part of their power. */
function noiseOf(
  values: readonly ValueId[],
  wanted: ReadonlyMap<ValueId, Float32Array>,
  got: ReadonlyMap<ValueId, Float32Array>,
): number {
  return values.reduce((sum, id) => {
    let [signal, noise] = [0, 0];
    wanted.get(id)!.forEach((x, i) => {
      signal += x ** 2;
      noise += (x - got.get(id)![i]!) ** 2;
    });
    return sum + (signal > 0 ? noise / signal : noise);
  }, 0);
}

/** The candidates by what they leave of the outputs' noise, least first. */
export async function rankCandidates(
  candidates: readonly Candidate[],
  options: RankOptions,
): Promise<Ranked[]> {
  const { reference, source, now, quantize, dataset, engine, onProgress } = options;
  const steps = fuseBounds(source);
  const keep = steps.map(({ output }) => output);
  const count = Math.min(options.samples, batchSize(reference, keep));
  const examples = sampleExamples(dataset, count, options.seed ?? 0);
  const runs = createStepRuns(source, engine, examples.length, { bounds: false });
  const ranked: Ranked[] = [];
  try {
    const measured = measuredValues(reference, steps);
    const floatRuns = { graph: reference, dataset, engine, keep: measured };
    await runFloat(floatRuns, examples, (program) => {
      const read = (id: ValueId) => [id, program.read(id) as Float32Array] as const;
      const wanted = new Map(measured.map(read));
      const simulator = createSimulator(steps, runs, new Map(reference.inputs.map(read)));
      simulator.run(now, { keep: true });
      for (const candidate of candidates) {
        const noise = noiseOf(measured, wanted, simulator.run(quantize(candidate)));
        ranked.push({ candidate, outputSnrDb: -10 * Math.log10(Math.max(noise, 1e-12)) });
        onProgress?.(ranked.length);
      }
    });
  } finally {
    runs.dispose();
  }
  return ranked.sort((a, b) => b.outputSnrDb - a.outputSnrDb);
}
