/**
 * One export rule per op of the table: how an int8 node becomes TFLite operators.
 */
import { getValue, type Node, type NodeOf } from '../../ir/graph.js';
import { everyFloatOp, everyTrainOp, type OpName } from '../../ir/ops.js';
import {
  activationOf,
  addOperator,
  addPad,
  type BuiltinOptions,
  type ExportContext,
  intsTensor,
  noForm,
  paddingName,
  setBiasScale,
  tensorOf,
  type Versions,
  versionOf,
} from './context.js';

export type ExportRule<O extends OpName> = (ctx: ExportContext, node: NodeOf<O>) => void;

const noInt8 = (_: ExportContext, node: Node): never => {
  throw noForm(
    node,
    'has no int8 form in TFLite that edge-nn writes',
    'Replace this layer, or export the float model as .onnx.',
  );
};

/** Source: op_version.cc of TensorFlow Lite. */
const versions = {
  CONV_2D: { s8: 3, s16: 4, s4: 7 },
  DEPTHWISE_CONV_2D: { s8: 3, s16: 5, s4: 7 },
  FULLY_CONNECTED: { s8: 4, s16: 7, s4: 10 },
  MAX_POOL_2D: { s8: 2, s16: 3 },
  AVERAGE_POOL_2D: { s8: 2, s16: 3 },
  ADD: { s8: 2, s16: 3 },
  MUL: { s8: 2, s16: 4 },
  MEAN: { s8: 2, s16: 3 },
  RELU: { s8: 2, s16: 3 },
  RELU6: { s8: 2, s16: 3 },
  SOFTMAX: { s8: 2, s16: 3 },
  CONCATENATION: { s8: 2, s16: 3 },
  PAD: { s8: 2, s16: 3 },
  QUANTIZE: { s8: 2, s16: 2 },
} as const satisfies Readonly<Record<string, Versions>>;

/** Adds a node's operator in the version of its types. */
const addVersioned = (
  ctx: ExportContext,
  node: Node,
  op: keyof typeof versions,
  inputs: readonly number[],
  options?: BuiltinOptions,
): void =>
  addOperator(
    ctx,
    op,
    versionOf(ctx, node, versions[op]),
    inputs,
    [tensorOf(ctx, node.output)],
    options,
  );

const tensorsOf = (ctx: ExportContext, node: Node): number[] =>
  node.inputs.map((id) => tensorOf(ctx, id));

/**
 * Operands and common options of a convolution: a padding that is neither SAME nor VALID becomes a
 * PAD before a VALID one.
 */
function convolution(ctx: ExportContext, node: NodeOf<'conv2d' | 'depthwiseConv2d'>) {
  const { stride, dilation, pad, clamp } = node.attrs;
  const [x, w] = node.inputs.map((id) => getValue(ctx.graph, id).shape);
  const kernel = [w![1]!, w![2]!] as const;
  const inputs = tensorsOf(ctx, node);
  setBiasScale(ctx, node);
  const padding = paddingName(x!, { kernel, stride, dilation, pad });
  if (!padding) inputs[0] = addPad(ctx, node, inputs[0]!, pad);
  const options = {
    padding: padding ?? 'VALID',
    strideH: stride[0],
    strideW: stride[1],
    dilationHFactor: dilation[0],
    dilationWFactor: dilation[1],
    fusedActivationFunction: activationOf(ctx, node, clamp),
  } as const;
  return { inputs, options };
}

function conv2d(ctx: ExportContext, node: NodeOf<'conv2d'>): void {
  const { inputs, options } = convolution(ctx, node);
  addVersioned(ctx, node, 'CONV_2D', inputs, { type: 'Conv2DOptions', ...options });
}

function depthwiseConv2d(ctx: ExportContext, node: NodeOf<'depthwiseConv2d'>): void {
  const [channels, outs] = node.inputs.map((id) => getValue(ctx.graph, id).shape[3]!);
  const { inputs, options } = convolution(ctx, node);
  addVersioned(ctx, node, 'DEPTHWISE_CONV_2D', inputs, {
    ...{ type: 'DepthwiseConv2DOptions', ...options, depthMultiplier: outs! / channels! },
  });
}

function dense(ctx: ExportContext, node: NodeOf<'dense'>): void {
  const perChannel = getValue(ctx.graph, node.inputs[1]!).quant?.axis !== undefined;
  const inputs = tensorsOf(ctx, node);
  setBiasScale(ctx, node);
  // Scales per output channel came to FULLY_CONNECTED with version 12.
  const version = perChannel ? 12 : versionOf(ctx, node, versions.FULLY_CONNECTED);
  addOperator(ctx, 'FULLY_CONNECTED', version, inputs, [tensorOf(ctx, node.output)], {
    type: 'FullyConnectedOptions',
    fusedActivationFunction: activationOf(ctx, node, node.attrs.clamp),
  });
}

const pool =
  (op: 'MAX_POOL_2D' | 'AVERAGE_POOL_2D') =>
  (ctx: ExportContext, node: NodeOf<'maxPool2d' | 'avgPool2d'>): void => {
    const { size, stride, pad, clamp } = node.attrs;
    const x = getValue(ctx.graph, node.inputs[0]!).shape;
    const padding = paddingName(x, { kernel: size, stride, dilation: [1, 1], pad });
    if (!padding) {
      const what = `has the padding [${pad}], which is neither SAME nor VALID`;
      throw noForm(node, what, "Use padding 'same' or 'valid' for pools.");
    }
    addVersioned(ctx, node, op, tensorsOf(ctx, node), {
      type: 'Pool2DOptions',
      padding,
      strideH: stride[0],
      strideW: stride[1],
      filterHeight: size[0],
      filterWidth: size[1],
      fusedActivationFunction: activationOf(ctx, node, clamp),
    });
  };

function add(ctx: ExportContext, node: NodeOf<'add'>): void {
  addVersioned(ctx, node, 'ADD', tensorsOf(ctx, node), {
    type: 'AddOptions',
    // The scales of int16 are no powers of two.
    potScaleInt16: getValue(ctx.graph, node.output).dtype !== 's16',
    fusedActivationFunction: activationOf(ctx, node, node.attrs.clamp),
  });
}

function mul(ctx: ExportContext, node: NodeOf<'mul'>): void {
  addVersioned(ctx, node, 'MUL', tensorsOf(ctx, node), {
    type: 'MulOptions',
    fusedActivationFunction: activationOf(ctx, node, node.attrs.clamp),
  });
}

function mean(ctx: ExportContext, node: NodeOf<'mean'>): void {
  const { axes, keepDims } = node.attrs;
  const name = getValue(ctx.graph, node.output).name;
  const [x] = tensorsOf(ctx, node);
  const inputs = [x!, intsTensor(ctx, `${name}/axes`, axes)];
  const options = { type: 'ReducerOptions', keepDims } as const;
  addVersioned(ctx, node, 'MEAN', inputs, options);
}

const unary =
  (op: 'RELU' | 'RELU6') =>
  (ctx: ExportContext, node: Node): void =>
    addVersioned(ctx, node, op, tensorsOf(ctx, node));

function softmax(ctx: ExportContext, node: NodeOf<'softmax'>): void {
  const options = { type: 'SoftmaxOptions', beta: 1 } as const;
  addVersioned(ctx, node, 'SOFTMAX', tensorsOf(ctx, node), options);
}

function reshape(ctx: ExportContext, node: NodeOf<'reshape'>): void {
  const { shape: newShape, name } = getValue(ctx.graph, node.output);
  const [x] = tensorsOf(ctx, node);
  const inputs = [x!, intsTensor(ctx, `${name}/shape`, newShape)];
  const options = { type: 'ReshapeOptions', newShape } as const;
  addOperator(ctx, 'RESHAPE', 1, inputs, [tensorOf(ctx, node.output)], options);
}

function concat(ctx: ExportContext, node: NodeOf<'concat'>): void {
  const { axis, clamp } = node.attrs;
  addVersioned(ctx, node, 'CONCATENATION', tensorsOf(ctx, node), {
    type: 'ConcatenationOptions',
    axis,
    fusedActivationFunction: activationOf(ctx, node, clamp),
  });
}

function pad(ctx: ExportContext, node: NodeOf<'pad'>): void {
  const { padding } = node.attrs;
  const name = getValue(ctx.graph, node.output).name;
  const [x] = tensorsOf(ctx, node);
  const amounts = intsTensor(ctx, `${name}/paddings`, padding, [padding.length / 2, 2]);
  addVersioned(ctx, node, 'PAD', [x!, amounts], { type: 'PadOptions' });
}

function requantize(ctx: ExportContext, node: NodeOf<'requantize'>): void {
  addVersioned(ctx, node, 'QUANTIZE', tensorsOf(ctx, node), { type: 'QuantizeOptions' });
}

export const exportRules = {
  conv2d,
  depthwiseConv2d,
  dense,
  maxPool2d: pool('MAX_POOL_2D'),
  avgPool2d: pool('AVERAGE_POOL_2D'),
  mean,
  add,
  mul,
  relu: unary('RELU'),
  relu6: unary('RELU6'),
  softmax,
  reshape,
  concat,
  pad,
  requantize,
  ...everyFloatOp(noInt8),
  ...everyTrainOp(noInt8),
} satisfies { readonly [O in OpName]: ExportRule<O> };
