/**
 * An integer graph in float: the engine computes each layer with the rounded weights, and every
 * result is rounded to the steps of its value. Nearly what the oracle computes (requantization
 * rounds once more there), for a batch of examples at once.
 */
import type { NumericArray } from '../core/dtype.js';
import { type Graph, getData, getValue, type Node, type Value, type ValueId } from '../ir/graph.js';
import { dequantize, roundAway } from '../scheme/affine.js';
import type { Step } from './fuse.js';
import { clampOf } from './interpret/params.js';
import { storedRange } from './interpret/quant.js';
import type { StepRuns } from './step-runs.js';

export interface SimulateOptions {
  /** Keeps what this run computes for runs after it, which then compute what differs. */
  readonly keep?: boolean;
  /** May change what a step computed before it is rounded, [batch, ...] and before any bound. */
  readonly adjust?: (step: Step, computed: Float32Array) => void;
}

export interface Simulator {
  /** The values of an integer graph in real units, [batch, ...], by id. */
  run(integer: Graph, options?: SimulateOptions): ReadonlyMap<ValueId, Float32Array>;
}

/** The numbers that remain when a value stores them. */
function rounded(data: Float32Array, value: Value, [low, high]: readonly [number, number]) {
  const [scale, zero] = [value.quant!.scale[0]!, value.quant!.zeroPoint[0]!];
  return data.map((x) => {
    const q = Math.min(high, Math.max(low, zero + roundAway(x / scale)));
    return scale * (q - zero);
  });
}

/** All that decides how a value rounds. */
const describe = ({ id, dtype, quant }: Value): string =>
  `${id} ${dtype} ${quant?.scale} ${quant?.zeroPoint}`;

/** What a layer reads that is stored in steps: activations, weights; no bias. */
const isRounded = ({ dtype }: Value): boolean => dtype !== 's32' && dtype !== 's64';

/** What a node reads in real units, by the values that the float graph's step reads. */
function operandsOf(
  integer: Graph,
  node: Node,
  step: Step,
  values: ReadonlyMap<ValueId, Float32Array>,
): Map<ValueId, Float32Array> {
  const operands = new Map<ValueId, Float32Array>();
  for (const [i, id] of node.inputs.entries()) {
    const operand = getValue(integer, id);
    if (!isRounded(operand)) continue;
    const real =
      operand.kind === 'const'
        ? dequantize(getData(integer, id) as NumericArray, operand.quant!, operand.shape)
        : values.get(id);
    if (real) operands.set(step.node.inputs[i]!, real);
  }
  return operands;
}

/** A number for each key, the same for the same key. */
function createNumbers(): (key: string) => number {
  const numbers = new Map<string, number>();
  return (key) => {
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  };
}

/** What a node computes; `step` is that of the float graph, absent for a requantize it lacks. */
function compute(
  integer: Graph,
  node: Node,
  step: Step | undefined,
  values: ReadonlyMap<ValueId, Float32Array>,
  run: (step: Step, operands: ReadonlyMap<ValueId, Float32Array>) => Float32Array,
): Float32Array {
  const value = getValue(integer, node.output);
  if (!step) return rounded(values.get(node.inputs[0]!)!, value, storedRange(value));
  const computed = run(step, operandsOf(integer, node, step, values));
  return rounded(computed, value, clampOf(integer, node));
}

/**
 * A simulator of the integer graphs that are made from one float graph.
 *
 * @param runs of the float graph, without bounds
 * @param inputs of the float graph, [batch, ...]
 */
export function createSimulator(
  steps: readonly Step[],
  runs: StepRuns,
  inputs: ReadonlyMap<ValueId, Float32Array>,
): Simulator {
  const stepOf = new Map(steps.map((step) => [step.output, step]));
  /** One number for values that are computed alike. */
  const numberOf = createNumbers();
  let known = new Map<number, Float32Array>();

  function run(integer: Graph, { keep = false, adjust }: SimulateOptions = {}) {
    const values = new Map<ValueId, Float32Array>();
    const runStep = (step: Step, operands: ReadonlyMap<ValueId, Float32Array>) => {
      const computed = runs.run(step, (id) => operands.get(id));
      adjust?.(step, computed);
      return computed;
    };
    const keys = new Map<ValueId, number>();
    const kept = new Map<number, Float32Array>();
    const put = (id: ValueId, key: number, data: Float32Array): void => {
      keys.set(id, key);
      values.set(id, data);
      if (keep) kept.set(key, data);
    };
    for (const id of integer.inputs) {
      const value = getValue(integer, id);
      put(id, numberOf(describe(value)), rounded(inputs.get(id)!, value, storedRange(value)));
    }
    for (const node of integer.nodes) {
      const from = node.inputs.map((id) => keys.get(id) ?? describe(getValue(integer, id)));
      const clamp = clampOf(integer, node);
      const key = numberOf(`${describe(getValue(integer, node.output))} ${clamp} ${from}`);
      const step = stepOf.get(node.output);
      put(node.output, key, known.get(key) ?? compute(integer, node, step, values, runStep));
    }
    if (keep) known = kept;
    return values;
  }
  return { run };
}
