/**
 * The graph: plain readonly data. A value is known by its id, which is also its printed name; a
 * node computes exactly one value; nodes are in topological order.
 */
import type { AnyArray, DType } from '../core/dtype.js';
import type { Shape } from '../core/shape.js';
import type { Stage } from './op-spec.js';
import type { OpAttrs, OpName } from './ops.js';

export type ValueId = string;

/**
 * real = scale * (stored - zeroPoint). One scale and zero point, or one per index of `axis`.
 * `scheme` names the rules that chose them (host/scheme).
 */
export interface Quantization {
  readonly scheme: string;
  readonly scale: Float32Array;
  readonly zeroPoint: Int32Array;
  readonly axis?: number;
}

export interface Value {
  readonly id: ValueId;
  /** The name in the source: a .tflite tensor, a layer of the builder. */
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly kind: 'input' | 'const' | 'state' | 'temp';
  readonly quant?: Quantization;
  /**
   * For each channel (last axis), its channel in the value of this id before lowering dropped some;
   * absent: the same. Only when lowered.
   */
  readonly channels?: readonly number[];
  /** A parameter that training changes; only on `const` (float) and `state` (train). */
  readonly trainable?: boolean;
}

/** One computation. Distributes over the op names, so that testing `op` narrows `attrs`. */
export type Node = {
  readonly [O in OpName]: NodeOf<O>;
}[OpName];

export interface NodeOf<O extends OpName> {
  readonly op: O;
  readonly inputs: readonly ValueId[];
  readonly output: ValueId;
  readonly attrs: OpAttrs<O>;
}

/** A node but for its attributes, for code that serves every op. */
export type NodeHead = Pick<NodeOf<OpName>, 'op' | 'inputs' | 'output'>;

/** A value that lives from one run to the next; it becomes `update` at the end of a run. */
export interface StateEdge {
  readonly value: ValueId;
  readonly update?: ValueId;
}

export const lossNames = [
  'softmaxCrossEntropy',
  'sigmoidCrossEntropy',
  'meanSquares',
  'sumSquares',
] as const;
export type LossName = (typeof lossNames)[number];

export interface Graph {
  readonly name: string;
  readonly stage: Stage;
  readonly loss?: LossName;
  readonly labels?: readonly string[];
  readonly values: ReadonlyMap<ValueId, Value>;
  readonly nodes: readonly Node[];
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly ValueId[];
  readonly states: readonly StateEdge[];
  /** Contents of const values, and what states hold at the start. Row-major. */
  readonly data: ReadonlyMap<ValueId, AnyArray>;
}

/** A value that must exist. */
export function getValue(graph: Graph, id: ValueId): Value {
  const value = graph.values.get(id);
  if (!value) throw new Error(`graph ${graph.name} has no value %${id}`);
  return value;
}

/** A name for people: converters join the names of all layers that they fused by `;`. */
export const shortName = (name: string): string => name.split(';')[0]!;

/** The contents of a const or state that must exist. */
export function getData(graph: Graph, id: ValueId): AnyArray {
  const data = graph.data.get(id);
  if (!data) throw new Error(`graph ${graph.name} has no data for %${id}`);
  return data;
}

/** The values that a node reads, in order. */
export const inputsOf = (graph: Graph, node: NodeHead): Value[] =>
  node.inputs.map((id) => getValue(graph, id));

/** For each value, the nodes that read it, in order. */
export function consumers(graph: Graph): Map<ValueId, Node[]> {
  const out = new Map<ValueId, Node[]>();
  for (const node of graph.nodes) {
    for (const id of new Set(node.inputs)) {
      const list = out.get(id);
      if (list) list.push(node);
      else out.set(id, [node]);
    }
  }
  return out;
}
