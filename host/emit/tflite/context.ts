/**
 * A .tflite model under construction: tensors, buffers and operators, and what the export rules
 * share.
 */
import { type AnyArray, bytesOf, type DType, packNibbles } from '../../core/dtype.js';
import { UnsupportedError } from '../../core/errors.js';
import { formatShape, type Padding2d, type Shape, samePadding } from '../../core/shape.js';
import { activationRange, rangeActivations } from '../../format/tflite/activation.js';
import type { TfliteActivation, TflitePadding, TfliteType } from '../../format/tflite/ops.js';
import type { TfliteModelInput, TfliteOperatorCode } from '../../format/tflite/tflite.js';
import {
  type Graph,
  getData,
  getValue,
  type Node,
  type Quantization,
  type ValueId,
} from '../../ir/graph.js';
import { storedRange } from '../../quant/interpret/quant.js';

type Subgraph = NonNullable<TfliteModelInput['subgraphs']>[number];
type Tensor = NonNullable<Subgraph['tensors']>[number];
type Operator = NonNullable<Subgraph['operators']>[number];
export type BuiltinOptions = NonNullable<Operator['builtinOptions']>;

export interface ExportContext {
  readonly graph: Graph;
  readonly tensors: Tensor[];
  readonly buffers: Uint8Array[];
  readonly codes: TfliteOperatorCode[];
  readonly operators: Operator[];
  readonly indices: Map<ValueId, number>;
}

const typeOf: Partial<Record<DType, TfliteType>> = {
  s4: 'INT4',
  s8: 'INT8',
  u8: 'UINT8',
  s16: 'INT16',
  s32: 'INT32',
  s64: 'INT64',
};

export function startExport(graph: Graph): ExportContext {
  // Buffer 0 stays empty: it is the buffer of every tensor without contents.
  const buffers = [new Uint8Array(0)];
  return { graph, tensors: [], buffers, codes: [], operators: [], indices: new Map() };
}

/** The error for a node that TFLite cannot express. */
export const noForm = (node: Node, what: string, hint: string): UnsupportedError =>
  new UnsupportedError(`tflite: ${node.op} %${node.output} ${what}`, {
    hint,
    where: `%${node.output}`,
  });

function quantization(quant: Quantization | undefined): Pick<Tensor, 'quantization'> {
  if (!quant) return {};
  const { scale, zeroPoint, axis } = quant;
  const quantizedDimension = axis ?? 0;
  return { quantization: { scale: [...scale], zeroPoint: [...zeroPoint], quantizedDimension } };
}

function addBuffer(ctx: ExportContext, data: Uint8Array): number {
  ctx.buffers.push(data);
  return ctx.buffers.length - 1;
}

/** The bytes of a constant; of 4 bits two elements a byte. */
const stored = (dtype: DType, data: AnyArray): Uint8Array =>
  dtype === 's4' ? packNibbles(data as Int8Array) : bytesOf(data);

/** The tensor of a value, added at its first use. */
export function tensorOf(ctx: ExportContext, id: ValueId): number {
  const known = ctx.indices.get(id);
  if (known !== undefined) return known;
  const { name, shape, dtype, kind, quant } = getValue(ctx.graph, id);
  const type = typeOf[dtype];
  if (!type) {
    throw new UnsupportedError(`tflite: %${id} has the dtype ${dtype}`, {
      hint: 'Quantize the model before exporting it.',
      where: `%${id}`,
    });
  }
  const buffer = kind === 'const' ? addBuffer(ctx, stored(dtype, getData(ctx.graph, id))) : 0;
  const tensor = { name, shape, type, buffer, hasRank: true, ...quantization(quant) };
  const index = ctx.tensors.push(tensor) - 1;
  ctx.indices.set(id, index);
  return index;
}

/** A constant s32 tensor that only an operator's form needs, such as axes. */
export function intsTensor(
  ctx: ExportContext,
  name: string,
  values: readonly number[],
  shape: Shape = [values.length],
): number {
  const buffer = addBuffer(ctx, bytesOf(Int32Array.from(values)));
  return ctx.tensors.push({ name, shape, type: 'INT32', buffer, hasRank: true }) - 1;
}

/** The lowest versions of an operator that know int8, int16 activations, and weights of 4 bits. */
export interface Versions {
  readonly s8: number;
  readonly s16: number;
  readonly s4?: number;
}

/** The version for the types of a node; 4-bit weights decide before activations do. */
export function versionOf(ctx: ExportContext, node: Node, { s8, s16, s4 }: Versions): number {
  const types = node.inputs.map((id) => getValue(ctx.graph, id).dtype);
  if (s4 !== undefined && types.includes('s4')) return s4;
  return types[0] === 's16' || getValue(ctx.graph, node.output).dtype === 's16' ? s16 : s8;
}

/** Adds an operator. */
export function addOperator(
  ctx: ExportContext,
  op: string,
  version: number,
  inputs: readonly number[],
  outputs: readonly number[],
  builtinOptions?: BuiltinOptions,
): void {
  let opcodeIndex = ctx.codes.findIndex((code) => code.op === op && code.version === version);
  if (opcodeIndex < 0) opcodeIndex = ctx.codes.push({ op, customCode: '', version }) - 1;
  ctx.operators.push({ opcodeIndex, inputs, outputs, ...(builtinOptions && { builtinOptions }) });
}

/** The fused activation whose range on the output's scale is the clamp. */
export function activationOf(
  ctx: ExportContext,
  node: Node,
  clamp: readonly [number, number] | undefined,
): TfliteActivation {
  const output = getValue(ctx.graph, node.output);
  const { quant } = output;
  if (!clamp) return 'NONE';
  const holds = storedRange(output);
  const found = rangeActivations.find((activation) => {
    const range = activationRange(
      activation,
      quant?.scale[0] ?? 1,
      quant?.zeroPoint[0] ?? 0,
      holds,
    );
    return range[0] === clamp[0] && range[1] === clamp[1];
  });
  if (found) return found;
  throw noForm(
    node,
    `has the clamp ${formatShape(clamp)}, which is no activation on its scale`,
    'Use relu, relu6 or no activation.',
  );
}

export interface WindowShape {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly pad: Padding2d;
}

/** SAME or VALID where the padding is one of them, else undefined. */
export function paddingName(x: Shape, window: WindowShape): TflitePadding | undefined {
  const { kernel, stride, dilation, pad } = window;
  if (pad.every((p) => p === 0)) return 'VALID';
  const [top, bottom] = samePadding(x[1]!, kernel[0], stride[0], dilation[0]);
  const [left, right] = samePadding(x[2]!, kernel[1], stride[1], dilation[1]);
  const same = [top, bottom, left, right].every((p, i) => p === pad[i]);
  return same ? 'SAME' : undefined;
}

/** A PAD in front of an operator whose padding is neither SAME nor VALID; returns its output. */
export function addPad(ctx: ExportContext, node: Node, x: number, pad: Padding2d): number {
  const [top, bottom, left, right] = pad;
  const source = ctx.tensors[x]!;
  const [n, h, w, c] = source.shape as [number, number, number, number];
  const name = getValue(ctx.graph, node.output).name;
  const paddings = [0, 0, top, bottom, left, right, 0, 0];
  const amounts = intsTensor(ctx, `${name}/paddings`, paddings, [4, 2]);
  const shape = [n, h + top + bottom, w + left + right, c];
  const padded = { ...source, name: `${name}/pad`, shape, buffer: 0 };
  const output = ctx.tensors.push(padded) - 1;
  addOperator(ctx, 'PAD', source.type === 'INT16' ? 3 : 2, [x, amounts], [output], {
    type: 'PadOptions',
  });
  return output;
}

/** The scale that TFLite demands of a bias: input scale times weight scale, per channel. */
function biasQuantization(x: Quantization, w: Quantization): Quantization {
  const scale = w.scale.map((s) => Math.fround(s * x.scale[0]!));
  const zeroPoint = new Int32Array(scale.length);
  return { scheme: 'tflite', scale, zeroPoint, ...(w.axis !== undefined && { axis: 0 }) };
}

/** Gives a bias its scale where the graph has none. */
export function setBiasScale(ctx: ExportContext, node: Node): void {
  const [x, w, bias] = node.inputs.map((id) => getValue(ctx.graph, id));
  if (!bias || bias.quant || !x?.quant || !w?.quant) return;
  const index = tensorOf(ctx, bias.id);
  ctx.tensors[index] = {
    ...ctx.tensors[index]!,
    ...quantization(biasQuantization(x.quant, w.quant)),
  };
}
