import { elements, normalizeAxis } from '../../core/shape.js';
import { borderOf } from '../../ir/border.js';
import { type Graph, getValue, type NodeOf } from '../../ir/graph.js';
import type { Kernel } from '../../lower/lowered.js';
import type { StepNode, StepOp } from '../../lower/lowered-ops.js';
import { foldZero, packWeights } from '../../lower/pack/pack.js';
import type { LayerTables } from '../../lower/pack/types.js';
import {
  clampOf,
  layerMultipliers,
  type MultiplierTable,
  meanMultiplier,
  rescale,
  softmaxS16Scaling,
  softmaxScaling,
} from '../../quant/interpret/params.js';
import { biasOf, perTensor, weightsOf } from '../../quant/interpret/quant.js';
import { expTable, reciprocalTable } from '../../quant/interpret/softmax-tables.js';
import { meanFields, padFields } from './axes.js';
import { add, mul } from './binary-rules.js';
import { byteCall } from './byte-calls.js';
import {
  type Argument,
  alignedTable,
  type Call,
  constant,
  read,
  scratch,
  words,
  write,
} from './call.js';
import { clamping, type EmitRule, inputOf, outputOf, scaling } from './rule.js';

type WindowOp = 'conv2d' | 'depthwiseConv2d';
type WeightedNode = NodeOf<WindowOp> | NodeOf<'dense'>;
type PoolOp = 'maxPool2d' | 'avgPool2d';
type UnaryOp = 'relu' | 'relu6' | 'requantize';

/** Weights as the kernel wants them. */
function weightTable(
  graph: Graph,
  node: WeightedNode,
  { packing, requantization }: Kernel,
): Argument {
  const w = node.inputs[1]!;
  const data = weightsOf(graph, node);
  if (packing === undefined) return constant('w', w, data);
  const { shape } = getValue(graph, w);
  const packed = packWeights(data, shape, packing, requantization?.skipped);
  return words('w', `${w}.${packing}`, packed);
}

/** The bias, with the input's zero point in it where the kernel does not subtract that. */
function biasTable(graph: Graph, node: WeightedNode, kernel: Kernel): Argument {
  const { packing, requantization } = kernel;
  const own = biasOf(graph, node, outputOf(graph, node).shape.at(-1)!);
  if (requantization === undefined)
    return constant('bias', node.inputs[2] ?? `zeros.${own.length}`, own);
  const { bias } = requantization;
  const { zero } = perTensor(inputOf(graph, node));
  const folded = packing === 'rows4' ? foldZero(bias, weightsOf(graph, node), zero) : bias;
  return constant('bias', `${node.output}.bias.${packing}`, folded);
}

/** Rows and columns of outputs with a bias of their own. */
function borderTable(node: WeightedNode): readonly Argument[] {
  const border = borderOf(node);
  return border ? [constant('border', `${node.output}.border`, Int32Array.from(border))] : [];
}

/** The arguments of a kernel whose tables are made already. */
const preparedArgs = (
  node: WeightedNode,
  { scratchBytes }: Kernel,
  { weights, align, bias, mult, shift }: LayerTables,
): readonly Argument[] => {
  const { inputs, output } = node;
  return [
    read('x', inputs[0]!),
    alignedTable('w', `${inputs[1]}.packed`, weights, align),
    constant('bias', `${output}.bias`, bias),
    ...borderTable(node),
    constant('mult', `${output}.mult`, mult),
    ...(shift ? [constant('shift', `${output}.shift`, shift)] : []),
    ...(scratchBytes === undefined ? [] : [scratch]),
    write(output),
  ];
};

/** x, w, bias, border, mult, shift, scratch, y: the arguments of every op with weights. */
function weightArgs(
  graph: Graph,
  node: WeightedNode,
  kernel: Kernel,
  own: MultiplierTable,
): readonly Argument[] {
  if (kernel.tables) return preparedArgs(node, kernel, kernel.tables);
  const { multiplier, shift } = kernel.requantization?.multipliers ?? own;
  return [
    read('x', node.inputs[0]!),
    weightTable(graph, node, kernel),
    biasTable(graph, node, kernel),
    ...borderTable(node),
    constant('mult', `${node.output}.mult`, multiplier),
    constant('shift', `${node.output}.shift`, shift),
    ...(kernel.scratchBytes === undefined ? [] : [scratch]),
    write(node.output),
  ];
}

/** A window that sees all of its input, by a kernel for dense layers. */
function wholeWindow(graph: Graph, node: NodeOf<WindowOp>, kernel: Kernel): Call[] {
  const [x, y] = [inputOf(graph, node), outputOf(graph, node)];
  const fields = {
    ...{ in: elements(x.shape), out: elements(y.shape), per_axis: 1 },
    ...{ in_zero: perTensor(x).zero, out_zero: perTensor(y).zero },
    ...clamping(clampOf(graph, node)),
  };
  const args = weightArgs(graph, node, kernel, layerMultipliers(graph, node));
  return [{ kernel: kernel.name, type: 'enn_dense_s8', fields, args }];
}

const windowed: EmitRule<WindowOp> = (graph, node, kernel) => {
  if (kernel.form === 'dense') return wholeWindow(graph, node, kernel);
  const [x, y] = [inputOf(graph, node), outputOf(graph, node)];
  const [, in_h, in_w, in_c] = x.shape as [number, number, number, number];
  const [, out_h, out_w, out_c] = y.shape as [number, number, number, number];
  const [, kernel_h, kernel_w] = inputOf(graph, node, 1).shape as [number, number, number];
  const { stride, dilation, pad } = node.attrs;
  const fields = {
    ...{ in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w },
    ...{ stride_h: stride[0], stride_w: stride[1] },
    ...{ dilation_h: dilation[0], dilation_w: dilation[1] },
    ...{ pad_top: pad[0], pad_left: pad[2] },
    ...{ in_zero: perTensor(x).zero, out_zero: perTensor(y).zero },
    ...clamping(clampOf(graph, node)),
  };
  const args = weightArgs(graph, node, kernel, layerMultipliers(graph, node));
  return [{ kernel: kernel.name, type: 'enn_conv2d_s8', fields, args }];
};

const dense: EmitRule<'dense'> = (graph, node, kernel) => {
  const [x, y] = [inputOf(graph, node), outputOf(graph, node)];
  const multipliers = layerMultipliers(graph, node);
  const fields = {
    ...{ in: x.shape[1]!, out: y.shape[1]! },
    per_axis: multipliers.multiplier.length > 1 ? 1 : 0,
    ...{ in_zero: perTensor(x).zero, out_zero: perTensor(y).zero },
    ...clamping(clampOf(graph, node)),
  };
  const args = weightArgs(graph, node, kernel, multipliers);
  return [{ kernel: kernel.name, type: 'enn_dense_s8', fields, args }];
};

const pooled: EmitRule<PoolOp> = (graph, node, kernel) => {
  const [, in_h, in_w, channels] = inputOf(graph, node).shape as [number, number, number, number];
  const [, out_h, out_w] = outputOf(graph, node).shape as [number, number, number];
  const { size, stride, pad } = node.attrs;
  const fields = {
    ...{ in_h, in_w, out_h, out_w, channels, kernel_h: size[0], kernel_w: size[1] },
    ...{ stride_h: stride[0], stride_w: stride[1], pad_top: pad[0], pad_left: pad[2] },
    ...clamping(clampOf(graph, node)),
  };
  const args = [read('x', node.inputs[0]!), write(node.output)];
  return [{ kernel: kernel.name, type: 'enn_pool2d_s8', fields, args }];
};

const mean: EmitRule<'mean'> = (graph, node, kernel) => {
  const { levels } = kernel;
  const [x, y] = [inputOf(graph, node), outputOf(graph, node)];
  const count = elements(x.shape) / elements(y.shape);
  const fields = {
    ...meanFields(x, node.attrs.axes),
    zero_sum: perTensor(x).zero * count + (levels?.origin ?? 0),
    out_zero: perTensor(y).zero,
    ...scaling(meanMultiplier(x, y, count)),
  };
  const lines = levels ? [constant('levels', `${y.id}.levels`, levels.words)] : [];
  const args = [read('x', x.id), ...lines, write(y.id)];
  return [{ kernel: kernel.name, type: 'enn_mean_s8', fields, args }];
};

const rescaled: EmitRule<UnaryOp> = (graph, node, kernel) => {
  const [x, y] = [inputOf(graph, node), outputOf(graph, node)];
  if (kernel.bytes) {
    const rows = { rows: 1, length: elements(y.shape), stride: 0, at: 0 };
    return [byteCall(kernel.bytes[0]!, x.id, y.id, rows)];
  }
  const fields = {
    count: elements(y.shape),
    ...{ in_zero: perTensor(x).zero, out_zero: perTensor(y).zero },
    ...scaling(rescale(x, y)),
    ...clamping(clampOf(graph, node)),
  };
  const args = [read('x', x.id), write(y.id)];
  return [{ kernel: kernel.name, type: 'enn_requantize_s8', fields, args }];
};

/** The tables are those of every model: one copy serves all steps. */
const softmaxS16: EmitRule<'softmax'> = (graph, node, kernel) => {
  const [x, y] = [inputOf(graph, node), outputOf(graph, node)];
  const classes = x.shape.at(-1)!;
  const fields = {
    rows: elements(x.shape) / classes,
    classes,
    ...scaling(softmaxS16Scaling(x, y)),
  };
  const args = [
    read('x', x.id),
    constant('exps', 'softmax.exps', expTable),
    constant('inverse', 'softmax.inverse', reciprocalTable),
    write(y.id),
  ];
  return [{ kernel: kernel.name, type: 'enn_softmax_s16', fields, args }];
};

const softmax: EmitRule<'softmax'> = (graph, node, kernel) => {
  const [x, y] = [inputOf(graph, node), outputOf(graph, node)];
  if (y.dtype === 's16') return softmaxS16(graph, node, kernel);
  const classes = x.shape.at(-1)!;
  const { diffMin, ...multiplier } = softmaxScaling(x, y);
  const fields = {
    ...{ rows: elements(x.shape) / classes, classes },
    ...scaling(multiplier),
    diff_min: diffMin,
  };
  return [
    { kernel: kernel.name, type: 'enn_softmax_s8', fields, args: [read('x', x.id), write(y.id)] },
  ];
};

const pad: EmitRule<'pad'> = (graph, node, kernel) => {
  const [x, y] = [inputOf(graph, node), outputOf(graph, node)];
  const fields = { ...padFields(x, y, node.attrs.padding), value: perTensor(y).zero };
  return [
    { kernel: kernel.name, type: 'enn_pad_s8', fields, args: [read('x', x.id), write(y.id)] },
  ];
};

/** One call per operand, each filling its part of every row. */
const concat: EmitRule<'concat'> = (graph, node, kernel) => {
  const y = outputOf(graph, node);
  const axis = normalizeAxis(node.attrs.axis, y.shape.length);
  const stride = elements(y.shape.slice(axis));
  let offset = 0;
  return node.inputs.map((id, i): Call => {
    const x = getValue(graph, id);
    const inner = elements(x.shape.slice(axis));
    const outer = elements(x.shape) / inner;
    const at = offset;
    offset += inner;
    if (kernel.bytes) {
      const rows = { rows: outer, length: inner, stride, at };
      return byteCall(kernel.bytes[i]!, id, y.id, rows);
    }
    const fields = {
      ...{ outer, inner, stride, offset: at },
      ...{ in_zero: perTensor(x).zero, out_zero: perTensor(y).zero },
      ...scaling(rescale(x, y)),
      ...clamping(clampOf(graph, node)),
    };
    return {
      kernel: kernel.name,
      type: 'enn_concat_s8',
      fields,
      args: [read('x', id), write(y.id)],
    };
  });
};

const rules: { readonly [O in StepOp]: EmitRule<O> } = {
  conv2d: windowed,
  depthwiseConv2d: windowed,
  dense,
  maxPool2d: pooled,
  avgPool2d: pooled,
  mean,
  add,
  mul,
  relu: rescaled,
  relu6: rescaled,
  requantize: rescaled,
  softmax,
  pad,
  concat,
};

/**
 * The kernel calls of a step, in order.
 *
 * @throws UnsupportedError for axes that the kernel has no form of
 */
export const callsOf = (graph: Graph, node: StepNode, kernel: Kernel): readonly Call[] =>
  (rules[node.op] as EmitRule<StepOp>)(graph, node as NodeOf<StepOp>, kernel);
