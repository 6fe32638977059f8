/**
 * What the import rules of .tflite operators share: tensors as graph values, constants as numbers,
 * nodes with the fused activation of the stage, and errors that name operator and tensor.
 */
import {
  type AnyArray,
  byteSize,
  type DType,
  isStoredType,
  storedRanges,
  unpackNibbles,
  viewAs,
} from '../../core/dtype.js';
import { BadInputError, UnsupportedError } from '../../core/errors.js';
import { elements, formatShape, type Shape, sameShape } from '../../core/shape.js';
import { activationRange, isBoundActivation } from '../../format/tflite/activation.js';
import type { TfliteActivation, TfliteType } from '../../format/tflite/ops.js';
import type { TfliteModel, TfliteOperator, TfliteTensor } from '../../format/tflite/tflite.js';
import type { GraphBuilder, ValueOptions } from '../../ir/build-graph.js';
import type { Quantization, ValueId } from '../../ir/graph.js';
import type { TensorType } from '../../ir/op-spec.js';
import { type OpAttrs, type OpName, opSpec } from '../../ir/ops.js';

/** A tensor that is a transposed value, of which no node was made: axis i is axis perm[i] of it. */
export interface Permuted {
  readonly value: ValueId;
  readonly perm: readonly number[];
}

export interface ImportContext {
  readonly model: TfliteModel;
  readonly tensors: readonly TfliteTensor[];
  readonly builder: GraphBuilder;
  readonly stage: 'float' | 'int8';
  readonly file: string;
  /** Values by tensor index. */
  readonly ids: Map<number, ValueId>;
  /** Transposed values by tensor index, for rules that need no transpose (mean). */
  readonly permuted: Map<number, Permuted>;
  /** Numbers that operators compute from shapes, by tensor index (tflite-shapes.ts). */
  readonly numbers: Map<number, readonly number[]>;
}

/** An operator with its name, for rules and errors. */
export interface ImportOperator extends TfliteOperator {
  readonly name: string;
}

const dtypeOf: Partial<Record<TfliteType, DType>> = {
  FLOAT32: 'f32',
  INT4: 's4',
  INT8: 's8',
  INT16: 's16',
  INT32: 's32',
  INT64: 's64',
  UINT8: 'u8',
  BOOL: 'bool',
};

/** How an operator is named in errors: by itself and, where it has one, the tensor it computes. */
export function describe(ctx: ImportContext, operator: ImportOperator): string {
  const output = ctx.tensors[operator.outputs[0] ?? -1];
  return `operator ${operator.name}${output ? ` (tensor '${output.name}')` : ''}`;
}

export const unsupported = (ctx: ImportContext, what: string, hint: string): UnsupportedError =>
  new UnsupportedError(`tflite: ${what}`, { hint, where: ctx.file });

export const badModel = (ctx: ImportContext, what: string): BadInputError =>
  new BadInputError(`tflite: ${what}`, {
    hint: 'The model contradicts itself; convert it again.',
    where: ctx.file,
  });

function tensorAt(ctx: ImportContext, operator: ImportOperator, index: number): TfliteTensor {
  const tensor = ctx.tensors[index];
  if (!tensor) throw badModel(ctx, `${describe(ctx, operator)} lacks an input or output`);
  return tensor;
}

/** The tensor of an operator's input; a BadInputError where it has none. */
export const inputTensor = (ctx: ImportContext, op: ImportOperator, i: number): TfliteTensor =>
  tensorAt(ctx, op, op.inputs[i] ?? -1);

export const outputTensor = (ctx: ImportContext, op: ImportOperator): TfliteTensor =>
  tensorAt(ctx, op, op.outputs[0] ?? -1);

function checkPlain(ctx: ImportContext, tensor: TfliteTensor): void {
  const reason = tensor.isVariable
    ? 'is a variable'
    : tensor.sparsity
      ? 'is sparse'
      : tensor.externalBuffer !== 0
        ? 'lies in another file'
        : tensor.quantization?.details
          ? 'has block-wise or custom quantization'
          : tensor.shapeSignature.slice(1).includes(-1) || tensor.shape.some((d) => d < 1)
            ? `has the dynamic shape ${formatShape(tensor.shapeSignature.length ? tensor.shapeSignature : tensor.shape)}`
            : undefined;
  if (!reason) return;
  throw unsupported(
    ctx,
    `tensor '${tensor.name}' ${reason}`,
    'Convert the model with fixed shapes and plain int8 or float32 tensors.',
  );
}

/** The graph's dtype of a tensor. */
export function tensorDtype(ctx: ImportContext, tensor: TfliteTensor): DType {
  const dtype = dtypeOf[tensor.type];
  if (dtype) return dtype;
  const hint = 'Convert the model to int8 (full integer quantization) or float32.';
  throw unsupported(ctx, `tensor '${tensor.name}' has the type ${tensor.type}`, hint);
}

function quantOf(ctx: ImportContext, tensor: TfliteTensor): Quantization | undefined {
  const { scale = [], zeroPoint = [], quantizedDimension = 0 } = tensor.quantization ?? {};
  if (scale.length === 0) return undefined;
  // Some converters give a bias the axis of its weights; a vector has only one.
  const axis = tensor.shape.length === 1 ? 0 : quantizedDimension;
  const channels = tensor.shape[axis];
  const lengthFits = scale.length === 1 || scale.length === channels;
  if (!lengthFits || (zeroPoint.length !== 0 && zeroPoint.length !== scale.length)) {
    const got = `${scale.length} scales and ${zeroPoint.length} zero points`;
    throw badModel(ctx, `tensor '${tensor.name}' ${formatShape(tensor.shape)} has ${got}`);
  }
  return {
    scheme: 'tflite',
    scale: Float32Array.from(scale),
    zeroPoint: zeroPoint.length ? Int32Array.from(zeroPoint) : new Int32Array(scale.length),
    ...(scale.length > 1 && { axis }),
  };
}

/** Id, name and quantization of a tensor's value. TFLite joins the names of fused layers by `;`. */
export function valueOptions(ctx: ImportContext, tensor: TfliteTensor): ValueOptions {
  checkPlain(ctx, tensor);
  const quant = quantOf(ctx, tensor);
  const id = tensor.name.split(';')[0] || 'value';
  return { id, name: tensor.name, ...(quant && { quant }) };
}

/** The elements of a constant tensor; undefined where it has none. */
export function constantData(ctx: ImportContext, tensor: TfliteTensor): AnyArray | undefined {
  const bytes = ctx.model.buffers[tensor.buffer]!;
  if (bytes.length === 0) return undefined;
  const dtype = tensorDtype(ctx, tensor);
  const count = elements(tensor.shape);
  const expected = byteSize(dtype, count);
  if (bytes.length === expected) {
    return dtype === 's4' ? unpackNibbles(bytes, count) : viewAs(dtype, bytes);
  }
  const shape = formatShape(tensor.shape);
  const what = `tensor '${tensor.name}' ${tensor.type}${shape} needs ${expected} bytes, its buffer has ${bytes.length}`;
  throw badModel(ctx, what);
}

/** The value of an operator's input: computed before, or a constant that is added now. */
export function inputValue(
  ctx: ImportContext,
  operator: ImportOperator,
  i: number,
  role: 'value' | 'parameter' = 'value',
): ValueId {
  const index = operator.inputs[i] ?? -1;
  const known = ctx.ids.get(index) ?? transposed(ctx, index);
  if (known !== undefined) return known;
  const tensor = inputTensor(ctx, operator, i);
  const data = constantData(ctx, tensor);
  if (!data) {
    throw badModel(ctx, `${describe(ctx, operator)} reads '${tensor.name}' before it is computed`);
  }
  const trainable = role === 'parameter' && ctx.stage === 'float';
  const options = { ...valueOptions(ctx, tensor), trainable };
  const id = addConstant(ctx, tensor, data, options);
  ctx.ids.set(index, id);
  return id;
}

/** The value of a tensor that is a transposed one, by a node that is added now. */
export function transposed(ctx: ImportContext, index: number): ValueId | undefined {
  const permuted = ctx.permuted.get(index);
  if (!permuted) return undefined;
  const tensor = ctx.tensors[index]!;
  if (!opSpec('transpose').stages.includes(ctx.stage)) {
    throw unsupported(
      ctx,
      `operator TRANSPOSE (tensor '${tensor.name}') has no form at stage ${ctx.stage} unless only means read it`,
      'Convert the model with channels last throughout.',
    );
  }
  const { value, perm } = permuted;
  const id = ctx.builder.add('transpose', [value], { perm }, valueOptions(ctx, tensor));
  ctx.ids.set(index, id);
  return id;
}

/** What constants of an integer model are: weights, operands, biases. */
const integerConstants: readonly DType[] = ['s4', 's8', 's16', 's32', 's64'];

/** Adds a constant in the stage's own type: the int8 weights of a float model become float32. */
function addConstant(
  ctx: ImportContext,
  tensor: TfliteTensor,
  data: AnyArray,
  { quant, ...options }: ValueOptions,
): ValueId {
  const { shape } = tensor;
  const dtype = tensorDtype(ctx, tensor);
  if (ctx.stage === 'int8' && integerConstants.includes(dtype)) {
    return ctx.builder.constant({ shape, dtype }, data, { ...options, quant });
  }
  if (ctx.stage === 'float' && dtype === 'f32') {
    return ctx.builder.constant({ shape, dtype }, data, options);
  }
  if (ctx.stage === 'float' && dtype === 's8' && quant) {
    const real = dequantized(data as Int8Array, shape, quant);
    return ctx.builder.constant({ shape, dtype: 'f32' }, real, options);
  }
  const what = `constant '${tensor.name}' has the type ${tensor.type} in a model of stage ${ctx.stage}`;
  throw unsupported(ctx, what, 'Convert the model with int8 or with float32 throughout.');
}

/** The real numbers that int8 weights stand for; one scale, or one per index of the axis. */
function dequantized(data: Int8Array, shape: Shape, quant: Quantization): Float32Array {
  const { scale, zeroPoint, axis } = quant;
  const inner = axis === undefined ? 1 : elements(shape.slice(axis + 1));
  return Float32Array.from(data, (q, i) => {
    const channel = axis === undefined ? 0 : Math.floor(i / inner) % scale.length;
    return scale[channel]! * (q - zeroPoint[channel]!);
  });
}

/** Whether an optional input is there. */
export const hasInput = (operator: ImportOperator, i: number): boolean =>
  (operator.inputs[i] ?? -1) >= 0;

/** The numbers of an operand such as axes or paddings: constant, or computed from shapes. */
export function constantInts(ctx: ImportContext, operator: ImportOperator, i: number): number[] {
  const tensor = inputTensor(ctx, operator, i);
  const known = ctx.numbers.get(operator.inputs[i]!);
  if (known) return [...known];
  const data = constantData(ctx, tensor);
  if (data) return Array.from(data as ArrayLike<number | bigint>, Number);
  throw unsupported(
    ctx,
    `${describe(ctx, operator)} needs '${tensor.name}' as a constant`,
    'Convert the model with fixed shapes.',
  );
}

/**
 * Adds the node that computes an operator's output.
 *
 * @param expected the shape that it must have
 */
export function emit<O extends OpName>(
  ctx: ImportContext,
  operator: ImportOperator,
  op: O,
  inputs: readonly ValueId[],
  attrs: OpAttrs<O>,
  expected: Shape = outputTensor(ctx, operator).shape,
): ValueId {
  requireStage(ctx, operator, op);
  const tensor = outputTensor(ctx, operator);
  const id = ctx.builder.add(op, inputs, attrs, valueOptions(ctx, tensor));
  requireOutput(ctx, operator, ctx.builder.values.get(id)!, expected);
  ctx.ids.set(operator.outputs[0]!, id);
  return id;
}

function requireStage(ctx: ImportContext, operator: ImportOperator, op: OpName): void {
  if (opSpec(op).stages.includes(ctx.stage)) return;
  throw unsupported(
    ctx,
    `${describe(ctx, operator)} has no form at stage ${ctx.stage}`,
    'Replace this layer, or give the float32 model and quantize it with edge-nn.',
  );
}

function requireOutput(
  ctx: ImportContext,
  operator: ImportOperator,
  { shape, dtype }: TensorType,
  expected: Shape,
): void {
  if (!sameShape(shape, expected)) {
    const says = `${formatShape(shape)}, the model says ${formatShape(expected)}`;
    throw badModel(ctx, `${describe(ctx, operator)} gives ${says}`);
  }
  const tensor = outputTensor(ctx, operator);
  if (tensorDtype(ctx, tensor) !== dtype) {
    const what = `${describe(ctx, operator)} turns ${dtype} into ${tensor.type}`;
    throw unsupported(ctx, what, 'Convert the model with int8 or with float32 throughout.');
  }
}

type Clamped = 'conv2d' | 'depthwiseConv2d' | 'dense' | 'maxPool2d' | 'avgPool2d' | 'concat';
export type FusedOp = Clamped | 'add' | 'sub' | 'mul' | 'div';

const activationOps: Partial<Record<TfliteActivation, 'relu' | 'relu6'>> = {
  RELU: 'relu',
  RELU6: 'relu6',
};

/** Adds a node with a fused activation: a clamp of the integer output, or a float node after it. */
export function emitFused<O extends FusedOp>(
  ctx: ImportContext,
  operator: ImportOperator,
  op: O,
  inputs: readonly ValueId[],
  attrs: Omit<OpAttrs<O>, 'clamp'>,
  activation: TfliteActivation,
  expected: Shape = outputTensor(ctx, operator).shape,
): ValueId {
  requireStage(ctx, operator, op);
  if (ctx.stage === 'int8') {
    const clamp = clampOf(ctx, operator, activation);
    return emit(ctx, operator, op, inputs, { ...attrs, clamp } as unknown as OpAttrs<O>, expected);
  }
  if (activation === 'NONE') return emit(ctx, operator, op, inputs, attrs as OpAttrs<O>, expected);
  const after = activationOps[activation];
  if (!after) throw activationError(ctx, operator, activation);
  const id = `${valueOptions(ctx, outputTensor(ctx, operator)).id}.linear`;
  const linear = ctx.builder.add(op, inputs, attrs as OpAttrs<O>, { id });
  return emit(ctx, operator, after, [linear], {}, expected);
}

function clampOf(
  ctx: ImportContext,
  operator: ImportOperator,
  activation: TfliteActivation,
): readonly [number, number] {
  const tensor = outputTensor(ctx, operator);
  const quant = quantOf(ctx, tensor);
  if (!quant) throw badModel(ctx, `tensor '${tensor.name}' is ${tensor.type} without a scale`);
  const dtype = tensorDtype(ctx, tensor);
  if (!isStoredType(dtype)) throw badModel(ctx, `tensor '${tensor.name}' is ${tensor.type}`);
  const { scale, zeroPoint } = quant;
  if (!isBoundActivation(activation)) throw activationError(ctx, operator, activation);
  return activationRange(activation, scale[0]!, zeroPoint[0]!, storedRanges[dtype]);
}

const activationError = (ctx: ImportContext, operator: ImportOperator, activation: string) =>
  unsupported(
    ctx,
    `${describe(ctx, operator)} has the fused activation ${activation}`,
    'Use NONE, RELU or RELU6, or a separate activation layer.',
  );
