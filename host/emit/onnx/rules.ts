/**
 * One export rule per op of the table: how a float node becomes ONNX nodes (operator set 13).
 */
import type { Padding2d } from '../../core/shape.js';
import { getValue, type Node, type NodeOf } from '../../ir/graph.js';
import { everyTrainOp, type OpName } from '../../ir/ops.js';
import {
  type Attributes,
  addFloats,
  addInts,
  addNode,
  addScalar,
  float,
  floatsOf,
  inLayout,
  layoutOf,
  noOnnxForm,
  type OnnxContext,
  outputName,
} from './context.js';

export type OnnxRule<O extends OpName> = (ctx: OnnxContext, node: NodeOf<O>) => void;

const trainingOnly = (_: OnnxContext, node: Node): never => {
  throw noOnnxForm(
    node,
    'belongs to training',
    'Export the inference graph (forInference), not the training graph.',
  );
};

const integerOnly = (_: OnnxContext, node: Node): never => {
  throw noOnnxForm(
    node,
    'belongs to an integer graph',
    'Export the float model; for a quantized one write .tflite.',
  );
};

/** Numbers of TensorProto.DataType. */
const onnxFloat = 1;
const onnxInt32 = 6;
const onnxBool = 9;

/** [top, bottom, left, right] in ONNX's order: all begins, then all ends. */
const pads = ([top, bottom, left, right]: Padding2d) => [top, left, bottom, right];

const shapeOf = (ctx: OnnxContext, id: string) => getValue(ctx.graph, id).shape;

/** Weights [O, KH, KW, I] as [O, I, KH, KW]. */
function oihw(data: Float32Array, [, kh, kw, i]: readonly number[]): Float32Array {
  const out = new Float32Array(data.length);
  const window = kh! * kw!;
  for (let at = 0; at < data.length; at++) {
    const channel = at % i!;
    const position = Math.floor(at / i!) % window;
    const filter = Math.floor(at / (i! * window));
    out[(filter * i! + channel) * window + position] = data[at]!;
  }
  return out;
}

/** A convolution whose weights [F, KH, KW, L] become `dims`, in so many groups. */
function convolution(
  ctx: OnnxContext,
  node: NodeOf<'conv2d' | 'depthwiseConv2d'>,
  dims: readonly number[],
  group: number,
): void {
  const [x, w, b] = node.inputs;
  const shape = shapeOf(ctx, w!);
  const [, kh, kw] = shape as [number, number, number, number];
  const data = oihw(floatsOf(ctx, w!), shape);
  const name = `${node.output}:weights`;
  const inputs = [inLayout(ctx, x!, 'nchw'), addFloats(ctx, name, dims, data)];
  if (b !== undefined) inputs.push(inLayout(ctx, b));
  const { stride, pad, dilation } = node.attrs;
  addNode(ctx, 'Conv', inputs, outputName(ctx, node.output, 'nchw'), {
    kernel_shape: [kh, kw],
    strides: stride,
    pads: pads(pad),
    dilations: dilation,
    group,
  });
}

function conv2d(ctx: OnnxContext, node: NodeOf<'conv2d'>): void {
  const [o, kh, kw, i] = shapeOf(ctx, node.inputs[1]!) as [number, number, number, number];
  convolution(ctx, node, [o, i, kh, kw], 1);
}

/** Weights [1, KH, KW, C M] become [C M, 1, KH, KW] in C groups. */
function depthwiseConv2d(ctx: OnnxContext, node: NodeOf<'depthwiseConv2d'>): void {
  const [, kh, kw, outs] = shapeOf(ctx, node.inputs[1]!) as [number, number, number, number];
  convolution(ctx, node, [outs, 1, kh, kw], shapeOf(ctx, node.inputs[0]!)[3]!);
}

function dense(ctx: OnnxContext, node: NodeOf<'dense'>): void {
  const inputs = node.inputs.map((id) => inLayout(ctx, id));
  addNode(ctx, 'Gemm', inputs, outputName(ctx, node.output), { transB: 1 });
}

function batchNorm(ctx: OnnxContext, node: NodeOf<'batchNorm'>): void {
  const [x, ...parameters] = node.inputs;
  const { length: rank } = shapeOf(ctx, x!);
  if (rank !== 2 && rank !== 4) {
    throw noOnnxForm(node, `has rank ${rank}`, 'Normalize values of rank 2 or 4.');
  }
  const layout = rank === 4 ? 'nchw' : 'nhwc';
  const inputs = [inLayout(ctx, x!, layout), ...parameters.map((id) => inLayout(ctx, id))];
  const attributes = { epsilon: float(node.attrs.epsilon) };
  addNode(ctx, 'BatchNormalization', inputs, outputName(ctx, node.output, layout), attributes);
}

const pool =
  (opType: string, extra: Attributes) =>
  (ctx: OnnxContext, node: NodeOf<'maxPool2d' | 'avgPool2d'>): void => {
    const { size, stride, pad } = node.attrs;
    const x = inLayout(ctx, node.inputs[0]!, 'nchw');
    const attributes = { kernel_shape: size, strides: stride, pads: pads(pad), ...extra };
    addNode(ctx, opType, [x], outputName(ctx, node.output, 'nchw'), attributes);
  };

function sum(ctx: OnnxContext, node: NodeOf<'sum'>): void {
  const { axes, keepDims } = node.attrs;
  const inputs = [inLayout(ctx, node.inputs[0]!), addInts(ctx, `${node.output}:axes`, axes)];
  addNode(ctx, 'ReduceSum', inputs, outputName(ctx, node.output), { keepdims: Number(keepDims) });
}

function variance(ctx: OnnxContext, node: NodeOf<'variance'>): void {
  const { axes, keepDims } = node.attrs;
  const id = node.output;
  const x = inLayout(ctx, node.inputs[0]!);
  const center = addNode(ctx, 'ReduceMean', [x], `${id}:mean`, { axes, keepdims: 1 });
  const off = addNode(ctx, 'Sub', [x, center], `${id}:off`);
  const squared = addNode(ctx, 'Mul', [off, off], `${id}:squared`);
  const attributes = { axes, keepdims: Number(keepDims) };
  addNode(ctx, 'ReduceMean', [squared], outputName(ctx, id), attributes);
}

const binary =
  (opType: string) =>
  (ctx: OnnxContext, node: Node): void => {
    const shapes = node.inputs.map((id) => shapeOf(ctx, id));
    const both = node.inputs.every((id) => layoutOf(ctx, id) === 'nchw');
    const layout = both && shapes.every((s) => s.length === 4) ? 'nchw' : 'nhwc';
    const inputs = node.inputs.map((id) => inLayout(ctx, id, layout));
    addNode(ctx, opType, inputs, outputName(ctx, node.output, layout));
  };

/** Element by element, so in the layout that is there already. */
function elementwise(
  ctx: OnnxContext,
  node: Node,
  opType: string,
  attributes: Attributes = {},
  operands: readonly string[] = [],
): void {
  const layout = layoutOf(ctx, node.inputs[0]!);
  const inputs = [inLayout(ctx, node.inputs[0]!, layout), ...operands];
  addNode(ctx, opType, inputs, outputName(ctx, node.output, layout), attributes);
}

const unary =
  (opType: string, attributes: Attributes = {}) =>
  (ctx: OnnxContext, node: Node): void =>
    elementwise(ctx, node, opType, attributes);

function scale(ctx: OnnxContext, node: NodeOf<'scale'>): void {
  const factor = addScalar(ctx, `${node.output}:factor`, node.attrs.factor);
  elementwise(ctx, node, 'Mul', {}, [factor]);
}

function rsqrt(ctx: OnnxContext, node: NodeOf<'rsqrt'>): void {
  const id = node.output;
  const x = inLayout(ctx, node.inputs[0]!);
  const epsilon = addScalar(ctx, `${id}:epsilon`, node.attrs.epsilon);
  const shifted = addNode(ctx, 'Add', [x, epsilon], `${id}:shifted`);
  const root = addNode(ctx, 'Sqrt', [shifted], `${id}:root`);
  addNode(ctx, 'Reciprocal', [root], outputName(ctx, id));
}

function relu6(ctx: OnnxContext, node: NodeOf<'relu6'>): void {
  const low = addScalar(ctx, `${node.output}:low`, 0);
  const high = addScalar(ctx, `${node.output}:high`, 6);
  elementwise(ctx, node, 'Clip', {}, [low, high]);
}

const withAlpha =
  (opType: string) =>
  (ctx: OnnxContext, node: NodeOf<'leakyRelu' | 'elu'>): void =>
    elementwise(ctx, node, opType, { alpha: float(node.attrs.alpha) });

function softmax(ctx: OnnxContext, node: NodeOf<'softmax'>): void {
  const x = inLayout(ctx, node.inputs[0]!);
  addNode(ctx, 'Softmax', [x], outputName(ctx, node.output), { axis: -1 });
}

/** A 0 in the shape of a Reshape copies that dimension, so any batch passes. */
function reshape(ctx: OnnxContext, node: NodeOf<'reshape'>): void {
  const shape = addInts(ctx, `${node.output}:shape`, [0, ...node.attrs.shape]);
  const inputs = [inLayout(ctx, node.inputs[0]!), shape];
  addNode(ctx, 'Reshape', inputs, outputName(ctx, node.output));
}

function concat(ctx: OnnxContext, node: NodeOf<'concat'>): void {
  const inputs = node.inputs.map((id) => inLayout(ctx, id));
  addNode(ctx, 'Concat', inputs, outputName(ctx, node.output), { axis: node.attrs.axis });
}

function pad(ctx: OnnxContext, node: NodeOf<'pad'>): void {
  const { padding } = node.attrs;
  const ends = [0, 1].flatMap((end) => padding.filter((_, i) => i % 2 === end));
  const inputs = [inLayout(ctx, node.inputs[0]!), addInts(ctx, `${node.output}:pads`, ends)];
  addNode(ctx, 'Pad', inputs, outputName(ctx, node.output));
}

const overAxes =
  (opType: string) =>
  (ctx: OnnxContext, node: NodeOf<'mean' | 'max' | 'min'>): void => {
    const { axes, keepDims } = node.attrs;
    const x = inLayout(ctx, node.inputs[0]!);
    const attributes = { axes, keepdims: Number(keepDims) };
    addNode(ctx, opType, [x], outputName(ctx, node.output), attributes);
  };

const argument =
  (opType: string) =>
  (ctx: OnnxContext, node: NodeOf<'argMax' | 'argMin'>): void => {
    const x = inLayout(ctx, node.inputs[0]!);
    const attributes = { axis: node.attrs.axis, keepdims: 0 };
    const index = addNode(ctx, opType, [x], `${node.output}:index`, attributes);
    addNode(ctx, 'Cast', [index], outputName(ctx, node.output), { to: onnxFloat });
  };

/** Matrices, each transposed by a Transpose of its own. */
function matmul(ctx: OnnxContext, node: NodeOf<'matmul'>): void {
  const { transposeA, transposeB } = node.attrs;
  const inputs = [transposeA, transposeB].map((turned, i) => {
    const name = inLayout(ctx, node.inputs[i]!);
    if (!turned) return name;
    const perm = shapeOf(ctx, node.inputs[i]!).map((_, axis) => axis);
    perm.push(...perm.splice(-2).reverse());
    return addNode(ctx, 'Transpose', [name], `${node.output}:operand${i}`, { perm });
  });
  addNode(ctx, 'MatMul', inputs, outputName(ctx, node.output));
}

/** A Slice; `ends` and negative `steps` as in ONNX. */
function sliceNode(ctx: OnnxContext, node: Node, lists: Readonly<Record<string, number[]>>): void {
  const names = Object.entries(lists).map(([name, values]) =>
    addInts(ctx, `${node.output}:${name}`, values),
  );
  addNode(ctx, 'Slice', [inLayout(ctx, node.inputs[0]!), ...names], outputName(ctx, node.output));
}

/** The batch may have another size when the file is used, so a slice that keeps it names no end. */
function slice(ctx: OnnxContext, node: NodeOf<'slice'>): void {
  const { begin } = node.attrs;
  const [shape, size] = [shapeOf(ctx, node.inputs[0]!), shapeOf(ctx, node.output)];
  const axes = shape.map((_, i) => i).filter((i) => size[i] !== shape[i]);
  sliceNode(ctx, node, {
    starts: axes.map((i) => begin[i]!),
    ends: axes.map((i) => begin[i]! + size[i]!),
    axes,
  });
}

function reverse(ctx: OnnxContext, node: NodeOf<'reverse'>): void {
  const { axes } = node.attrs;
  sliceNode(ctx, node, {
    starts: axes.map(() => -1),
    ends: axes.map(() => -0x7fffffff),
    axes: [...axes],
    steps: axes.map(() => -1),
  });
}

function transpose(ctx: OnnxContext, node: NodeOf<'transpose'>): void {
  const { perm } = node.attrs;
  const x = inLayout(ctx, node.inputs[0]!);
  addNode(ctx, 'Transpose', [x], outputName(ctx, node.output), { perm });
}

/** ONNX comparisons give booleans. */
function equal(ctx: OnnxContext, node: NodeOf<'equal'>): void {
  const inputs = node.inputs.map((id) => inLayout(ctx, id));
  const same = addNode(ctx, 'Equal', inputs, `${node.output}:same`);
  addNode(ctx, 'Cast', [same], outputName(ctx, node.output), { to: onnxFloat });
}

/** To a type and back. */
const through =
  (type: number) =>
  (ctx: OnnxContext, node: NodeOf<'notZero' | 'truncate'>): void => {
    const x = inLayout(ctx, node.inputs[0]!);
    const cast = addNode(ctx, 'Cast', [x], `${node.output}:cast`, { to: type });
    addNode(ctx, 'Cast', [cast], outputName(ctx, node.output), { to: onnxFloat });
  };

function hardSwish(ctx: OnnxContext, node: NodeOf<'hardSwish'>): void {
  const x = inLayout(ctx, node.inputs[0]!);
  const attributes = { alpha: float(1 / 6), beta: float(0.5) };
  const gate = addNode(ctx, 'HardSigmoid', [x], `${node.output}:gate`, attributes);
  addNode(ctx, 'Mul', [x, gate], outputName(ctx, node.output));
}

function gelu(ctx: OnnxContext, node: NodeOf<'gelu'>): void {
  const id = node.output;
  const x = inLayout(ctx, node.inputs[0]!);
  const scaled = addNode(ctx, 'Mul', [x, addScalar(ctx, `${id}:root`, Math.SQRT1_2)], `${id}:in`);
  const erf = addNode(ctx, 'Erf', [scaled], `${id}:erf`);
  const sum = addNode(ctx, 'Add', [erf, addScalar(ctx, `${id}:one`, 1)], `${id}:sum`);
  const product = addNode(ctx, 'Mul', [x, sum], `${id}:product`);
  addNode(ctx, 'Mul', [product, addScalar(ctx, `${id}:half`, 0.5)], outputName(ctx, id));
}

const noTransform = (_: OnnxContext, node: Node): never => {
  throw noOnnxForm(
    node,
    'has no form in operator set 13',
    'Compute the transform before the network, or with matmul and constant matrices.',
  );
};

const selu = {
  alpha: float(1.6732632423543772),
  gamma: float(1.0507009873554805),
};

export const onnxRules = {
  conv2d,
  depthwiseConv2d,
  dense,
  batchNorm,
  maxPool2d: pool('MaxPool', {}),
  avgPool2d: pool('AveragePool', { count_include_pad: 0 }),
  mean: overAxes('ReduceMean'),
  sum,
  variance,
  max: overAxes('ReduceMax'),
  min: overAxes('ReduceMin'),
  argMax: argument('ArgMax'),
  argMin: argument('ArgMin'),
  matmul,
  slice,
  transpose,
  reverse,
  fft: noTransform,
  equal,
  notZero: through(onnxBool),
  truncate: through(onnxInt32),
  add: binary('Add'),
  sub: binary('Sub'),
  mul: binary('Mul'),
  div: binary('Div'),
  scale,
  rsqrt,
  relu: unary('Relu'),
  relu6,
  leakyRelu: withAlpha('LeakyRelu'),
  elu: withAlpha('Elu'),
  selu: unary('Selu', selu),
  sigmoid: unary('Sigmoid'),
  tanh: unary('Tanh'),
  softplus: unary('Softplus'),
  softsign: unary('Softsign'),
  hardSwish,
  gelu,
  softmax,
  reshape,
  concat,
  pad,
  requantize: integerOnly,
  dropout: unary('Identity'),
  ...everyTrainOp(trainingOnly),
} satisfies { readonly [O in OpName]: OnnxRule<O> };
