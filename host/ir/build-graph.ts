/**
 * A graph under construction: every stage that makes a graph from nothing (builder, importers,
 * differentiation, quantization) adds values here, with shapes inferred at once.
 */
import { type AnyArray, dtypes } from '../core/dtype.js';
import { elements, formatShape } from '../core/shape.js';
import type { Graph, LossName, Node, Quantization, StateEdge, Value, ValueId } from './graph.js';
import { located } from './located.js';
import type { Stage, TensorType } from './op-spec.js';
import { type OpAttrs, type OpName, opSpec } from './ops.js';
import { verify } from './verify.js';

export interface GraphHead {
  readonly name: string;
  readonly stage: Stage;
  readonly loss?: LossName | undefined;
  readonly labels?: readonly string[] | undefined;
}

export interface ValueOptions {
  /** The wanted id; a number is appended when it is taken. Default: the op's name. */
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly quant?: Quantization | undefined;
  readonly trainable?: boolean | undefined;
}

export interface GraphBuilder {
  readonly values: ReadonlyMap<ValueId, Value>;
  input(type: TensorType, options?: ValueOptions): ValueId;
  constant(type: TensorType, data: AnyArray, options?: ValueOptions): ValueId;
  state(type: TensorType, data: AnyArray, options?: ValueOptions): ValueId;
  /** Adds a node; the output's type comes from the op's shape rule. */
  add<O extends OpName>(
    op: O,
    inputs: readonly ValueId[],
    attrs: OpAttrs<O>,
    options?: ValueOptions,
  ): ValueId;
  /** Says what a state becomes at the end of a run. */
  update(state: ValueId, value: ValueId): void;
  /** The finished graph, verified. */
  finish(outputs: readonly ValueId[]): Graph;
}

const idPattern = /[^A-Za-z0-9_.]/g;

/** An id made of letters, digits, `_` and `.`, not yet taken. */
function freeId(taken: ReadonlyMap<ValueId, unknown>, wanted: string): ValueId {
  const base = wanted.replace(idPattern, '_') || '_';
  if (!taken.has(base)) return base;
  for (let n = 2; ; n++) if (!taken.has(`${base}_${n}`)) return `${base}_${n}`;
}

/** A graph while it is made. */
interface Parts {
  readonly values: Map<ValueId, Value>;
  readonly data: Map<ValueId, AnyArray>;
  readonly nodes: Node[];
  readonly inputs: ValueId[];
  readonly states: Map<ValueId, StateEdge>;
}

function put(
  { values }: Parts,
  kind: Value['kind'],
  { shape, dtype }: TensorType,
  options: ValueOptions,
  base: string,
): ValueId {
  const id = freeId(values, options.id ?? base);
  const { name = id, quant, trainable } = options;
  const more = { ...(quant && { quant }), ...(trainable && { trainable }) };
  values.set(id, { id, name, shape, dtype, kind, ...more });
  return id;
}

function putData(
  { data }: Parts,
  id: ValueId,
  { shape, dtype }: TensorType,
  content: AnyArray,
): ValueId {
  if (content.length !== elements(shape) || !(content instanceof dtypes[dtype].array)) {
    throw new Error(
      `%${id}: ${dtype}${formatShape(shape)} given ${content.constructor.name}(${content.length})`,
    );
  }
  data.set(id, content);
  return id;
}

function addNode(
  parts: Parts,
  op: OpName,
  inputs: readonly ValueId[],
  attrs: object,
  options: ValueOptions,
): ValueId {
  const types = inputs.map((id) => parts.values.get(id) ?? missing(op, id));
  const output = put(parts, 'temp', inferred(op, types, attrs, options.id ?? op), options, op);
  parts.nodes.push({ op, inputs, output, attrs } as unknown as Node);
  return output;
}

function missing(op: OpName, id: ValueId): never {
  throw new Error(`${op}: no value %${id}`);
}

/** The type of an op's output. */
function inferred(op: OpName, types: TensorType[], attrs: object, wanted: ValueId): TensorType {
  try {
    return opSpec(op).infer(types, attrs as never);
  } catch (error) {
    throw located(error, op, wanted);
  }
}

function finished(head: GraphHead, parts: Parts, outputs: readonly ValueId[]): Graph {
  const { name, stage, loss, labels } = head;
  const { values, nodes, inputs, states, data } = parts;
  return verify({
    ...{ name, stage, ...(loss && { loss }), ...(labels && { labels }) },
    ...{ values, nodes, inputs, outputs, states: [...states.values()], data },
  });
}

/**
 * Starts a graph; `from` seeds it with all that another graph holds, under its stage and name
 * unless `head` says otherwise.
 */
export function buildGraph(head: GraphHead, from?: Graph): GraphBuilder {
  const parts: Parts = {
    values: new Map(from?.values),
    data: new Map(from?.data),
    nodes: [...(from?.nodes ?? [])],
    inputs: [...(from?.inputs ?? [])],
    states: new Map(from?.states.map((edge) => [edge.value, edge])),
  };
  return {
    values: parts.values,
    input(type, options = {}) {
      const id = put(parts, 'input', type, options, 'input');
      parts.inputs.push(id);
      return id;
    },
    constant: (type, content, options = {}) =>
      putData(parts, put(parts, 'const', type, options, 'const'), type, content),
    state(type, content, options = {}) {
      const id = putData(parts, put(parts, 'state', type, options, 'state'), type, content);
      parts.states.set(id, { value: id });
      return id;
    },
    add: (op, inputs, attrs, options = {}) => addNode(parts, op, inputs, attrs, options),
    update(state, value) {
      parts.states.set(state, { value: state, update: value });
    },
    finish: (outputs) => finished(head, parts, outputs),
  };
}
