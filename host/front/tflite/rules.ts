/**
 * One rule per TFLite operator that the graph can express.
 */
import { elements, formatShape, type Shape, samePadding, sameShape } from '../../core/shape.js';
import type { TflitePadding, TfliteType } from '../../format/tflite/ops.js';
import type { ValueId } from '../../ir/graph.js';
import type { OpName } from '../../ir/ops.js';
import {
  badModel,
  constantInts,
  describe,
  emit,
  emitFused,
  hasInput,
  type ImportContext,
  type ImportOperator,
  inputTensor,
  inputValue,
  outputTensor,
  type Permuted,
  unsupported,
  valueOptions,
} from './context.js';
import { optionsOf } from './options.js';
import { pack, shape, stridedSlice } from './shapes.js';

export type ImportRule = (ctx: ImportContext, operator: ImportOperator) => void;

interface Window {
  readonly padding: TflitePadding;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationHFactor?: number;
  readonly dilationWFactor?: number;
}

/** The explicit padding of SAME or VALID for a kernel over x of shape [N, H, W, C]. */
function windowOf(x: Shape, kernel: readonly [number, number], options: Window) {
  const stride: [number, number] = [options.strideH, options.strideW];
  const dilation: [number, number] = [options.dilationHFactor ?? 1, options.dilationWFactor ?? 1];
  const pads = (axis: 0 | 1) =>
    options.padding === 'VALID'
      ? ([0, 0] as const)
      : samePadding(x[axis + 1] ?? 1, kernel[axis], stride[axis], dilation[axis]);
  const pad: [number, number, number, number] = [...pads(0), ...pads(1)];
  return { stride, pad, dilation };
}

/** Weights and bias of a layer; integer weights must be symmetric. */
function parameters(ctx: ImportContext, operator: ImportOperator, axis: number): ValueId[] {
  const ids = [inputValue(ctx, operator, 1, 'parameter')];
  const quant = ctx.builder.values.get(ids[0]!)?.quant;
  if (quant?.zeroPoint.some((z) => z !== 0) || (quant?.axis ?? axis) !== axis) {
    throw unsupported(
      ctx,
      `${describe(ctx, operator)} has weights '${inputTensor(ctx, operator, 1).name}' with zero points or scales along another axis`,
      'Convert the model with the int8 scheme of TFLite: symmetric weights per output channel.',
    );
  }
  if (hasInput(operator, 2)) ids.push(inputValue(ctx, operator, 2, 'parameter'));
  return ids;
}

const conv: ImportRule = (ctx, operator) => {
  const options = optionsOf(ctx, operator, 'Conv2DOptions');
  const x = inputTensor(ctx, operator, 0).shape;
  const [, kh = 1, kw = 1, depth = 1] = inputTensor(ctx, operator, 1).shape;
  const groups = (x[3] ?? 1) / depth;
  if (groups > 1 && Number.isInteger(groups)) {
    const what = `${describe(ctx, operator)} has ${groups} groups of channels`;
    throw unsupported(ctx, what, 'Use a convolution without groups, or a depthwise one.');
  }
  const attrs = windowOf(x, [kh, kw], options);
  const inputs = [inputValue(ctx, operator, 0), ...parameters(ctx, operator, 0)];
  emitFused(ctx, operator, 'conv2d', inputs, attrs, options.fusedActivationFunction);
};

const depthwise: ImportRule = (ctx, operator) => {
  const options = optionsOf(ctx, operator, 'DepthwiseConv2DOptions');
  const [, kh = 1, kw = 1] = inputTensor(ctx, operator, 1).shape;
  const attrs = windowOf(inputTensor(ctx, operator, 0).shape, [kh, kw], options);
  const inputs = [inputValue(ctx, operator, 0), ...parameters(ctx, operator, 3)];
  emitFused(ctx, operator, 'depthwiseConv2d', inputs, attrs, options.fusedActivationFunction);
};

/** x as [N, inputs]; the batch must stay where it is. */
function flatInput(ctx: ImportContext, operator: ImportOperator, width: number): ValueId {
  const x = inputValue(ctx, operator, 0);
  const { shape, quant } = ctx.builder.values.get(x)!;
  if (shape.length === 2 && shape[1] === width) return x;
  if (elements(shape) !== (shape[0] ?? 1) * width) {
    const what = `${describe(ctx, operator)} folds ${formatShape(shape)} into more rows than the batch has`;
    throw unsupported(ctx, what, 'Flatten the input before the dense layer.');
  }
  const options = { id: `${x}.flat`, ...(quant && { quant }) };
  return ctx.builder.add('reshape', [x], { shape: [width] }, options);
}

/** A flat output, or one that keeps the axes of its input (keep_num_dims) with one row. */
const fullyConnected: ImportRule = (ctx, operator) => {
  const options = optionsOf(ctx, operator, 'FullyConnectedOptions');
  if (options.weightsFormat !== 'DEFAULT') {
    const what = `${describe(ctx, operator)} with ${options.weightsFormat} weights`;
    throw unsupported(ctx, what, 'Convert the model with plain weights.');
  }
  const [outs = 0, width = 0] = inputTensor(ctx, operator, 1).shape;
  const x = flatInput(ctx, operator, width);
  const inputs = [x, ...parameters(ctx, operator, 0)];
  const batch = ctx.builder.values.get(x)!.shape[0]!;
  const { shape } = outputTensor(ctx, operator);
  const flat = shape.length > 2 && elements(shape) === batch * outs ? [batch, outs] : shape;
  const { fusedActivationFunction } = options;
  const y = emitFused(ctx, operator, 'dense', inputs, {}, fusedActivationFunction, flat);
  if (flat === shape) return;
  const { quant } = ctx.builder.values.get(y)!;
  const shaped = { id: `${y}.shaped`, ...(quant && { quant }) };
  const kept = ctx.builder.add('reshape', [y], { shape: shape.slice(1) }, shaped);
  ctx.ids.set(operator.outputs[0]!, kept);
};

const pool =
  (op: 'maxPool2d' | 'avgPool2d'): ImportRule =>
  (ctx, operator) => {
    const options = optionsOf(ctx, operator, 'Pool2DOptions');
    const size: [number, number] = [options.filterHeight, options.filterWidth];
    const { stride, pad } = windowOf(inputTensor(ctx, operator, 0).shape, size, options);
    const attrs = { size, stride, pad };
    const x = inputValue(ctx, operator, 0);
    emitFused(ctx, operator, op, [x], attrs, options.fusedActivationFunction);
  };

const binary =
  (
    op: 'add' | 'sub' | 'mul' | 'div',
    type: `${'Add' | 'Sub' | 'Mul' | 'Div'}Options`,
  ): ImportRule =>
  (ctx, operator) => {
    const options = optionsOf(ctx, operator, type);
    const inputs = [inputValue(ctx, operator, 0), inputValue(ctx, operator, 1)];
    emitFused(ctx, operator, op, inputs, {}, options.fusedActivationFunction);
  };

const concat: ImportRule = (ctx, operator) => {
  const { axis, fusedActivationFunction } = optionsOf(ctx, operator, 'ConcatenationOptions');
  const inputs = operator.inputs.map((_, i) => inputValue(ctx, operator, i));
  const rank = outputTensor(ctx, operator).shape.length;
  const attrs = { axis: axis < 0 ? axis + rank : axis };
  emitFused(ctx, operator, 'concat', inputs, attrs, fusedActivationFunction);
};

/** What the shape of a transposed value must be in the model. */
function requirePermutedShape(
  ctx: ImportContext,
  operator: ImportOperator,
  { value, perm }: Permuted,
): void {
  const shape = ctx.builder.values.get(value)!.shape;
  const sorted = [...perm].sort((a, b) => a - b);
  const given = outputTensor(ctx, operator).shape;
  const ordered = sorted.length === shape.length && sorted.every((axis, i) => axis === i);
  if (
    ordered &&
    sameShape(
      given,
      perm.map((axis) => shape[axis]!),
    )
  )
    return;
  const what = `makes ${formatShape(given)} of ${formatShape(shape)} by the order ${formatShape(perm)}`;
  throw badModel(ctx, `${describe(ctx, operator)} ${what}`);
}

const transpose: ImportRule = (ctx, operator) => {
  const perm = constantInts(ctx, operator, 1);
  const permuted: Permuted = { value: inputValue(ctx, operator, 0), perm };
  requirePermutedShape(ctx, operator, permuted);
  ctx.permuted.set(operator.outputs[0]!, permuted);
};

interface Reduction {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

/** A reduction of a transposed value is one of the value itself, over the axes that were meant. */
function reduceTransposed(
  ctx: ImportContext,
  operator: ImportOperator,
  op: 'mean' | 'sum',
  { value, perm }: Permuted,
  { axes, keepDims }: Reduction,
): void {
  const tensor = outputTensor(ctx, operator);
  const over = axes.map((axis) => perm[axis] ?? axis);
  const id = ctx.builder.add(op, [value], { axes: over, keepDims }, valueOptions(ctx, tensor));
  const left = keepDims ? perm : perm.filter((axis) => !over.includes(axis));
  const order = [...left].sort((a, b) => a - b);
  const reduced: Permuted = { value: id, perm: left.map((axis) => order.indexOf(axis)) };
  requirePermutedShape(ctx, operator, reduced);
  if (left.every((axis, i) => axis === order[i])) ctx.ids.set(operator.outputs[0]!, id);
  else ctx.permuted.set(operator.outputs[0]!, reduced);
}

const reduce =
  (op: 'mean' | 'sum'): ImportRule =>
  (ctx, operator) => {
    const { keepDims } = optionsOf(ctx, operator, 'ReducerOptions');
    const rank = inputTensor(ctx, operator, 0).shape.length;
    const axes = constantInts(ctx, operator, 1).map((axis) => (axis < 0 ? axis + rank : axis));
    const permuted = ctx.permuted.get(operator.inputs[0] ?? -1);
    if (permuted) reduceTransposed(ctx, operator, op, permuted, { axes, keepDims });
    else emit(ctx, operator, op, [inputValue(ctx, operator, 0)], { axes, keepDims });
  };

/** RESHAPE and its kin: the output tensor's shape says it all, and the batch must stay. */
const reshape: ImportRule = (ctx, operator) => {
  const from = inputTensor(ctx, operator, 0).shape;
  const [batch, ...shape] = outputTensor(ctx, operator).shape;
  if (batch !== from[0]) {
    const what = `${describe(ctx, operator)} changes the batch: ${formatShape(from)} to ${formatShape([batch ?? 0, ...shape])}`;
    throw unsupported(ctx, what, 'Keep the first dimension when reshaping.');
  }
  valueOptions(ctx, outputTensor(ctx, operator));
  emit(ctx, operator, 'reshape', [inputValue(ctx, operator, 0)], { shape });
};

const pad: ImportRule = (ctx, operator) => {
  const padding = constantInts(ctx, operator, 1);
  emit(ctx, operator, 'pad', [inputValue(ctx, operator, 0)], { padding });
};

const softmax: ImportRule = (ctx, operator) => {
  const { beta } = optionsOf(ctx, operator, 'SoftmaxOptions');
  if (beta !== 1) {
    const what = `${describe(ctx, operator)} has beta ${beta}`;
    throw unsupported(ctx, what, 'Use a softmax with beta 1.');
  }
  emit(ctx, operator, 'softmax', [inputValue(ctx, operator, 0)], {});
};

/** Bits of the integer types of activations. */
const activationBits: Partial<Record<TfliteType, number>> = { INT8: 8, INT16: 16 };

/** Between integers a change of scale and width; the graph has no numbers of two kinds. */
const quantize: ImportRule = (ctx, operator) => {
  const from = inputTensor(ctx, operator, 0).type;
  const to = outputTensor(ctx, operator).type;
  const bits = activationBits[to];
  if (activationBits[from] !== undefined && bits !== undefined) {
    const attrs = from === to ? {} : { bits };
    emit(ctx, operator, 'requantize', [inputValue(ctx, operator, 0)], attrs);
    return;
  }
  throw unsupported(
    ctx,
    `${describe(ctx, operator)} converts between ${from.toLowerCase()} and ${to.toLowerCase()}`,
    'Convert the model with inference_input_type and inference_output_type int8, or as float32.',
  );
};

type Plain = { [O in OpName]: O }['relu' | 'relu6' | 'sigmoid' | 'tanh'];

const unary =
  (op: Plain): ImportRule =>
  (ctx, operator) => {
    emit(ctx, operator, op, [inputValue(ctx, operator, 0)], {});
  };

const leakyRelu: ImportRule = (ctx, operator) => {
  const { alpha } = optionsOf(ctx, operator, 'LeakyReluOptions');
  emit(ctx, operator, 'leakyRelu', [inputValue(ctx, operator, 0)], { alpha });
};

const elu: ImportRule = (ctx, operator) => {
  emit(ctx, operator, 'elu', [inputValue(ctx, operator, 0)], { alpha: 1 });
};

/** By the name of the builtin operator. An operator that is not here is refused by its name. */
export const importRules: ReadonlyMap<string, ImportRule> = new Map(
  Object.entries({
    ADD: binary('add', 'AddOptions'),
    AVERAGE_POOL_2D: pool('avgPool2d'),
    CONCATENATION: concat,
    CONV_2D: conv,
    DEPTHWISE_CONV_2D: depthwise,
    DEQUANTIZE: quantize,
    DIV: binary('div', 'DivOptions'),
    ELU: elu,
    EXPAND_DIMS: reshape,
    FULLY_CONNECTED: fullyConnected,
    LEAKY_RELU: leakyRelu,
    LOGISTIC: unary('sigmoid'),
    MAX_POOL_2D: pool('maxPool2d'),
    MEAN: reduce('mean'),
    MUL: binary('mul', 'MulOptions'),
    PACK: pack,
    PAD: pad,
    QUANTIZE: quantize,
    RELU: unary('relu'),
    RELU6: unary('relu6'),
    RESHAPE: reshape,
    SHAPE: shape,
    SOFTMAX: softmax,
    SQUEEZE: reshape,
    STRIDED_SLICE: stridedSlice,
    SUB: binary('sub', 'SubOptions'),
    SUM: reduce('sum'),
    TANH: unary('tanh'),
    TRANSPOSE: transpose,
  } satisfies Record<string, ImportRule>),
);
