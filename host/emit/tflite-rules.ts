/**
 * One export rule per op of the table: how an int8 node becomes TFLite operators.
 */
import { getValue, type Node, type NodeOf } from '../ir/graph.js';
import { everyFloatOp, everyTrainOp, type OpName } from '../ir/ops.js';
import {
  activationOf,
  addOperator,
  addPad,
  type ExportContext,
  intsTensor,
  noForm,
  paddingName,
  setBiasScale,
  tensorOf,
} from './tflite-context.js';

export type ExportRule<O extends OpName> = (ctx: ExportContext, node: NodeOf<O>) => void;

const noInt8 = (_: ExportContext, node: Node): never => {
  throw noForm(
    node,
    'has no int8 form in TFLite that edge-nn writes',
    'Replace this layer, or export the float model as .onnx.',
  );
};

const tensorsOf = (ctx: ExportContext, node: Node): number[] =>
  node.inputs.map((id) => tensorOf(ctx, id));

/** Conv and depthwise: a padding that is neither SAME nor VALID becomes a PAD before a VALID one. */
function convolution(ctx: ExportContext, node: NodeOf<'conv2d' | 'depthwiseConv2d'>): void {
  const { stride, dilation, pad, clamp } = node.attrs;
  const [x, w] = node.inputs.map((id) => getValue(ctx.graph, id).shape);
  const kernel = [w![1]!, w![2]!] as const;
  const inputs = tensorsOf(ctx, node);
  setBiasScale(ctx, node);
  const padding = paddingName(x!, { kernel, stride, dilation, pad });
  if (!padding) inputs[0] = addPad(ctx, node, inputs[0]!, pad);
  const common = {
    padding: padding ?? 'VALID',
    strideH: stride[0],
    strideW: stride[1],
    dilationHFactor: dilation[0],
    dilationWFactor: dilation[1],
    fusedActivationFunction: activationOf(ctx, node, clamp),
  } as const;
  const output = [tensorOf(ctx, node.output)];
  if (node.op === 'conv2d') {
    addOperator(ctx, 'CONV_2D', 3, inputs, output, { type: 'Conv2DOptions', ...common });
    return;
  }
  const depthMultiplier = w![3]! / x![3]!;
  const options = { type: 'DepthwiseConv2DOptions', ...common, depthMultiplier } as const;
  addOperator(ctx, 'DEPTHWISE_CONV_2D', 3, inputs, output, options);
}

function dense(ctx: ExportContext, node: NodeOf<'dense'>): void {
  const perChannel = getValue(ctx.graph, node.inputs[1]!).quant?.axis !== undefined;
  const inputs = tensorsOf(ctx, node);
  setBiasScale(ctx, node);
  // Scales per output channel came to FULLY_CONNECTED with version 12.
  addOperator(ctx, 'FULLY_CONNECTED', perChannel ? 12 : 4, inputs, [tensorOf(ctx, node.output)], {
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
    addOperator(ctx, op, 2, tensorsOf(ctx, node), [tensorOf(ctx, node.output)], {
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
  addOperator(ctx, 'ADD', 2, tensorsOf(ctx, node), [tensorOf(ctx, node.output)], {
    type: 'AddOptions',
    fusedActivationFunction: activationOf(ctx, node, node.attrs.clamp),
  });
}

function mul(ctx: ExportContext, node: NodeOf<'mul'>): void {
  addOperator(ctx, 'MUL', 2, tensorsOf(ctx, node), [tensorOf(ctx, node.output)], {
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
  addOperator(ctx, 'MEAN', 2, inputs, [tensorOf(ctx, node.output)], options);
}

const unary =
  (op: string, version: number) =>
  (ctx: ExportContext, node: Node): void =>
    addOperator(ctx, op, version, tensorsOf(ctx, node), [tensorOf(ctx, node.output)]);

function softmax(ctx: ExportContext, node: NodeOf<'softmax'>): void {
  const options = { type: 'SoftmaxOptions', beta: 1 } as const;
  addOperator(ctx, 'SOFTMAX', 2, tensorsOf(ctx, node), [tensorOf(ctx, node.output)], options);
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
  addOperator(ctx, 'CONCATENATION', 2, tensorsOf(ctx, node), [tensorOf(ctx, node.output)], {
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
  const output = [tensorOf(ctx, node.output)];
  addOperator(ctx, 'PAD', 2, [x!, amounts], output, { type: 'PadOptions' });
}

function requantize(ctx: ExportContext, node: NodeOf<'requantize'>): void {
  const output = [tensorOf(ctx, node.output)];
  addOperator(ctx, 'QUANTIZE', 2, tensorsOf(ctx, node), output, { type: 'QuantizeOptions' });
}

export const exportRules = {
  conv2d: convolution,
  depthwiseConv2d: convolution,
  dense,
  maxPool2d: pool('MAX_POOL_2D'),
  avgPool2d: pool('AVERAGE_POOL_2D'),
  mean,
  add,
  mul,
  relu: unary('RELU', 2),
  relu6: unary('RELU6', 2),
  softmax,
  reshape,
  concat,
  pad,
  requantize,
  ...everyFloatOp(noInt8),
  ...everyTrainOp(noInt8),
} satisfies { readonly [O in OpName]: ExportRule<O> };
