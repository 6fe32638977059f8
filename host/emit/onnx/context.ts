/**
 * An .onnx graph under construction. The graph's values are NHWC, ONNX windows and batch
 * normalization are NCHW: a value may exist in both forms, and the second one is made by a
 * Transpose when a node first asks for it. So a chain of convolutions, activations and pools has
 * one Transpose at its beginning and one at its end.
 */
import { UnsupportedError } from '../../core/errors.js';
import type { Shape } from '../../core/shape.js';
import type { OnnxAttribute, OnnxNode } from '../../format/onnx.js';
import type { OnnxTensor } from '../../format/onnx-tensor.js';
import { type Graph, getData, getValue, type Node, type ValueId } from '../../ir/graph.js';

export type Layout = 'nhwc' | 'nchw';

export interface OnnxContext {
  readonly graph: Graph;
  readonly nodes: OnnxNode[];
  readonly initializers: OnnxTensor[];
  /** The names under which a value exists; rank other than 4 has only `nhwc`. */
  readonly names: Map<ValueId, { [L in Layout]?: string }>;
}

const toNchw = [0, 3, 1, 2];
const toNhwc = [0, 2, 3, 1];

/** The error for a node that the exporter cannot express. */
export const noOnnxForm = (node: Node, what: string, hint: string): UnsupportedError =>
  new UnsupportedError(`onnx: ${node.op} %${node.output} ${what}`, {
    hint,
    where: `%${node.output}`,
  });

const attribute = (value: number | string | readonly number[]): OnnxAttribute =>
  typeof value === 'number'
    ? { type: 'INT', value }
    : typeof value === 'string'
      ? { type: 'STRING', value }
      : { type: 'INTS', value };

export const float = (value: number): OnnxAttribute => ({ type: 'FLOAT', value });

export type Attributes = Readonly<
  Record<string, number | string | readonly number[] | OnnxAttribute>
>;

/** Adds an ONNX node. Numbers become INT, lists INTS; a FLOAT is given by `float`. */
export function addNode(
  ctx: OnnxContext,
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: Attributes = {},
): string {
  const entries = Object.entries(attributes).map(
    ([key, value]) =>
      [key, typeof value === 'object' && 'type' in value ? value : attribute(value)] as const,
  );
  ctx.nodes.push({
    name: output,
    opType,
    domain: '',
    inputs,
    outputs: [output],
    attributes: new Map(entries),
  });
  return output;
}

/** Adds a float initializer and returns its name. */
export function addFloats(ctx: OnnxContext, name: string, dims: Shape, data: Float32Array): string {
  ctx.initializers.push({ name, dataType: 'FLOAT', dims, data });
  return name;
}

export const addScalar = (ctx: OnnxContext, name: string, value: number): string =>
  addFloats(ctx, name, [], Float32Array.of(value));

/** Adds a list of int64, such as a shape, as an initializer and returns its name. */
export function addInts(ctx: OnnxContext, name: string, values: readonly number[]): string {
  const data = BigInt64Array.from(values, BigInt);
  ctx.initializers.push({ name, dataType: 'INT64', dims: [values.length], data });
  return name;
}

/** The float contents of a const or state. */
export function floatsOf(ctx: OnnxContext, id: ValueId): Float32Array {
  const data = getData(ctx.graph, id);
  if (data instanceof Float32Array) return data;
  throw new UnsupportedError(`onnx: %${id} has the dtype ${getValue(ctx.graph, id).dtype}`, {
    hint: 'Export the float model; for a quantized one write .tflite.',
    where: `%${id}`,
  });
}

function makeName(ctx: OnnxContext, id: ValueId, layout: Layout): string {
  const forms = ctx.names.get(id);
  if (!forms) {
    const name = addFloats(ctx, id, getValue(ctx.graph, id).shape, floatsOf(ctx, id));
    ctx.names.set(id, { nhwc: name });
    return inLayout(ctx, id, layout);
  }
  const other = layout === 'nchw' ? forms.nhwc! : forms.nchw!;
  const perm = layout === 'nchw' ? toNchw : toNhwc;
  const name = layout === 'nchw' ? `${id}:nchw` : id;
  return (forms[layout] = addNode(ctx, 'Transpose', [other], name, { perm }));
}

/** The name of a value in a layout; constants are added, Transposes inserted where needed. */
export function inLayout(ctx: OnnxContext, id: ValueId, layout: Layout = 'nhwc'): string {
  return ctx.names.get(id)?.[layout] ?? makeName(ctx, id, layout);
}

/** The layout in which a value exists already. */
export const layoutOf = (ctx: OnnxContext, id: ValueId): Layout =>
  ctx.names.get(id)?.nchw === undefined ? 'nhwc' : 'nchw';

/** Says that a node's output is computed in this layout; returns the name to give it. */
export function outputName(ctx: OnnxContext, id: ValueId, layout: Layout = 'nhwc'): string {
  const name = layout === 'nhwc' ? id : `${id}:nchw`;
  ctx.names.set(id, { [layout]: name });
  return name;
}
