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
import { computedValues, runFloat } from './float-runs.js';
import { fuseBounds, measuredValues, type Step } from './fuse.js';
import { createOracle, type Oracle } from './interpret/interpret.js';
import { prepareForQuantization } from './quantize.js';
import { createStepRuns, type StepRuns } from './step-runs.js';

export interface LayerNoise {
  readonly id: ValueId;
  /** The name in the source. */
  readonly name: string;
  /** 10 log10(sum of float^2 / sum of (float - int8)^2): noise of all layers up to this one. */
  readonly snrDb: number;
  /**
   * The same with the layer's own noise alone: the int8 layer against the float layer on the very
   * operands that the int8 layer reads.
   */
  readonly ownSnrDb: number;
  /**
   * The same at the outputs (softmax: at what it reads), were this the only layer that rounds. It
   * tells what a layer costs: a channel far above the others makes its layer's ratio look good, and
   * takes the bits of those that are read.
   */
  readonly outputSnrDb: number;
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

/** Adds the power of a signal, and that of the difference between what was expected and got. */
function add(power: Power, signal: Float32Array, expected: Float32Array, got: Float32Array): void {
  for (let i = 0; i < signal.length; i++) {
    power.signal += signal[i]! ** 2;
    power.noise += (expected[i]! - got[i]!) ** 2;
  }
}

/** The values that steps read and compute, the model's input first; constants are none of them. */
function sharedValues(integer: Graph, steps: readonly Step[]): ValueId[] {
  return [...integer.inputs, ...steps.map(({ output }) => output)];
}

interface Powers {
  readonly all: Power;
  readonly own: Power;
  readonly output: Power;
}

const noPowers = (): Powers => ({
  all: { signal: 0, noise: 0 },
  own: { signal: 0, noise: 0 },
  output: { signal: 0, noise: 0 },
});

/** Real numbers of values of a batch, by value: those of the float graph, those of the integers. */
interface Batch {
  readonly float: ReadonlyMap<ValueId, Float32Array>;
  readonly integer: ReadonlyMap<ValueId, Float32Array>;
}

/** Runs the integer graph over the examples of a batch; values [examples, ...] in real units. */
function integerValues(
  oracle: Oracle,
  dataset: Dataset,
  examples: Uint32Array,
  shared: readonly ValueId[],
): Map<ValueId, Float32Array> {
  const { graph } = oracle;
  const input = getValue(graph, graph.inputs[0]!);
  const sizes = new Map(shared.map((id) => [id, elements(getValue(graph, id).shape)]));
  const out = new Map(
    shared.map((id) => [id, new Float32Array(sizes.get(id)! * examples.length)] as const),
  );
  for (const [i, example] of examples.entries()) {
    const values = oracle.runAll([encodeInput(dataset, example, input) as NumericArray]);
    for (const [id, all] of out) {
      const { quant, shape } = getValue(graph, id);
      const real = dequantize(values.get(id) as NumericArray, quant!, shape);
      all.set(real, i * sizes.get(id)!);
    }
  }
  return out;
}

/** Steps of a float graph, and where its noise is measured. */
interface Layers {
  readonly steps: readonly Step[];
  readonly measured: readonly ValueId[];
  readonly runs: StepRuns;
}

/** The float values behind step `at` when its own is another; those that it does not reach are absent. */
function carriedOn(
  { steps, runs }: Layers,
  float: Batch['float'],
  at: number,
  value: Float32Array,
): Map<ValueId, Float32Array> {
  const changed = new Map([[steps[at]!.output, value]]);
  for (const step of steps.slice(at + 1)) {
    if (!step.node.inputs.some((id) => changed.has(id))) continue;
    changed.set(
      step.output,
      runs.run(step, (id) => changed.get(id) ?? float.get(id)),
    );
  }
  return changed;
}

function addBatch(
  { float, integer }: Batch,
  layers: Layers,
  powers: ReadonlyMap<ValueId, Powers>,
): void {
  const { steps, measured, runs } = layers;
  for (const [i, step] of steps.entries()) {
    const { all, own, output } = powers.get(step.output)!;
    const [exact, rounded] = [float.get(step.output)!, integer.get(step.output)!];
    const fromRounded = runs.run(step, (id) => integer.get(id));
    add(all, exact, exact, rounded);
    add(own, exact, fromRounded, rounded);
    if (fromRounded.every((x, k) => x === rounded[k])) continue;
    const alone = exact.map((x, k) => x + rounded[k]! - fromRounded[k]!);
    const changed = carriedOn(layers, float, i, alone);
    for (const id of measured) {
      const wanted = float.get(id)!;
      add(output, wanted, wanted, changed.get(id) ?? wanted);
    }
  }
}

/**
 * Compares a float graph with the int8 graph made from it.
 *
 * @param graph stage float, batch 1, as given to quantizeGraph
 * @param samples how many examples, drawn by the seed
 * @returns one entry per layer (with its activation), in topological order
 */
export async function diagnose(
  graph: Graph,
  integer: Graph,
  dataset: Dataset,
  options: { readonly engine: Engine; readonly samples: number; readonly seed?: number },
): Promise<LayerNoise[]> {
  const { engine, samples, seed = 0 } = options;
  const float = prepareForQuantization(graph);
  const steps = fuseBounds(float);
  const oracle = createOracle(integer);
  const shared = sharedValues(integer, steps);
  const powers = new Map(steps.map(({ output }) => [output, noPowers()] as const));
  const measured = measuredValues(float, steps);
  const examples = sampleExamples(dataset, samples, seed);
  let runs: StepRuns | undefined;
  try {
    const floatRuns = { graph: float, dataset, engine, keep: computedValues(float) };
    await runFloat(floatRuns, examples, (program, numbers) => {
      if (runs?.batch !== numbers.length) {
        runs?.dispose();
        runs = createStepRuns(float, engine, numbers.length, { bounds: true });
      }
      const batch: Batch = {
        float: new Map(shared.map((id) => [id, program.read(id) as Float32Array])),
        integer: integerValues(oracle, dataset, numbers, shared),
      };
      addBatch(batch, { steps, measured, runs }, powers);
    });
  } finally {
    runs?.dispose();
  }
  return steps.map(({ output: id }) => ({
    id,
    name: getValue(integer, id).name,
    snrDb: ratio(powers.get(id)!.all),
    ownSnrDb: ratio(powers.get(id)!.own),
    outputSnrDb: ratio(powers.get(id)!.output),
  }));
}
