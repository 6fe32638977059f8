/**
 * A graph under construction: every stage that makes a graph from nothing (builder, importers,
 * differentiation, quantization) adds values here, with shapes inferred at once.
 */
import { type AnyArray, type DType, dtypes } from '../core/dtype.js';
import { EdgeNnError } from '../core/errors.js';
import { elements, formatShape, type Shape } from '../core/shape.js';
import type { Graph, LossName, Node, Quantization, StateEdge, Value, ValueId } from './graph.js';
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

/** The same error, saying where in the graph it arose. */
function located(error: unknown, op: OpName, id: ValueId): unknown {
  if (!(error instanceof EdgeNnError) || error.where) return error;
  return new (
    error.constructor as typeof EdgeNnError as never as new (
      message: string,
      details: object,
    ) => EdgeNnError
  )(`${op} %${id}: ${error.message}`, { hint: error.hint, where: `%${id}` });
}

/**
 * Starts a graph; `from` seeds it with all that another graph holds, under its stage and name
 * unless `head` says otherwise.
 */
export function buildGraph(head: GraphHead, from?: Graph): GraphBuilder {
  const values = new Map<ValueId, Value>(from?.values);
  const data = new Map<ValueId, AnyArray>(from?.data);
  const nodes: Node[] = [...(from?.nodes ?? [])];
  const inputs: ValueId[] = [...(from?.inputs ?? [])];
  const states = new Map<ValueId, StateEdge>(from?.states.map((edge) => [edge.value, edge]));

  function put(
    kind: Value['kind'],
    type: TensorType,
    options: ValueOptions,
    base: string,
  ): ValueId {
    const id = freeId(values, options.id ?? base);
    values.set(id, {
      id,
      name: options.name ?? id,
      shape: type.shape,
      dtype: type.dtype,
      kind,
      ...(options.quant && { quant: options.quant }),
      ...(options.trainable && { trainable: true }),
    });
    return id;
  }

  function putData(id: ValueId, type: TensorType, content: AnyArray): ValueId {
    const count = elements(type.shape);
    if (content.length !== count || !(content instanceof dtypes[type.dtype as DType].array)) {
      throw new Error(
        `%${id}: ${type.dtype}${formatShape(type.shape)} given ${content.constructor.name}(${content.length})`,
      );
    }
    data.set(id, content);
    return id;
  }

  return {
    values,
    input(type, options = {}) {
      const id = put('input', type, options, 'input');
      inputs.push(id);
      return id;
    },
    constant: (type, content, options = {}) =>
      putData(put('const', type, options, 'const'), type, content),
    state(type, content, options = {}) {
      const id = putData(put('state', type, options, 'state'), type, content);
      states.set(id, { value: id });
      return id;
    },
    add(op, operands, attrs, options = {}) {
      const types = operands.map((id) => {
        const value = values.get(id);
        if (!value) throw new Error(`${op}: no value %${id}`);
        return value as { shape: Shape; dtype: DType };
      });
      const wanted = options.id ?? op;
      let type: TensorType;
      try {
        type = opSpec(op).infer(types, attrs as never);
      } catch (error) {
        throw located(error, op, wanted);
      }
      const output = put('temp', type, options, op);
      nodes.push({ op, inputs: operands, output, attrs } as unknown as Node);
      return output;
    },
    update(state, value) {
      states.set(state, { value: state, update: value });
    },
    finish(outputs) {
      const { name, stage, loss, labels } = head;
      return verify({
        name,
        stage,
        ...(loss && { loss }),
        ...(labels && { labels }),
        values,
        nodes,
        inputs,
        outputs,
        states: [...states.values()],
        data,
      });
    },
  };
}
