/**
 * The integers that an int8 node computes with: multipliers and shifts from scales, clamps from
 * activations. Interpreter and kernels read the same ones; nothing on a device computes them.
 *
 * Each product of scales is taken in the precision of TensorFlow Lite Micro's kernel of that op,
 * because the last bit of a multiplier shows in the outputs.
 */
import { BadInputError } from '../../core/errors.js';
import { type Multiplier, quantizeMultiplier, reduceMultiplier } from '../../core/fixed-point.js';
import { activationRange } from '../../format/tflite/activation.js';
import { type Graph, getValue, type Node, type NodeHead, type Value } from '../../ir/graph.js';
import { channelAxis, type LayerHead, type LayerOp, quantRule } from '../quant-rules.js';
import { perTensor, storedRange, weightScales } from './quant.js';

/** Multipliers and shifts per output channel; one entry where the weights have one scale. */
export interface MultiplierTable {
  readonly multiplier: Int32Array;
  readonly shift: Int8Array;
}

const table = (entries: readonly Multiplier[]): MultiplierTable => ({
  multiplier: Int32Array.from(entries, (m) => m.multiplier),
  shift: Int8Array.from(entries, (m) => m.shift),
});

/** The clamp of a node's output: its own, or the bound that it is (relu), or all its type holds. */
export function clampOf(graph: Graph, node: Node): readonly [number, number] {
  const clamp = 'clamp' in node.attrs ? node.attrs.clamp : undefined;
  if (clamp) return clamp;
  const output = getValue(graph, node.output);
  const rule = quantRule(node.op);
  if (rule.kind !== 'bound') return storedRange(output);
  const { scale, zero } = perTensor(output);
  return activationRange(rule.activation, scale, zero, storedRange(output));
}

/** conv2d and depthwiseConv2d: x w / y in double, one entry per output channel. */
function convMultipliers(graph: Graph, node: LayerHead): MultiplierTable {
  const [x, w, y] = operands(graph, node);
  const axis = channelAxis(node.op);
  const scales = weightScales(w, axis);
  const { scale: xScale } = perTensor(x);
  const { scale: yScale } = perTensor(y);
  return table(
    Array.from({ length: w.shape[axis]! }, (_, channel) =>
      quantizeMultiplier((xScale * scales[scales.length === 1 ? 0 : channel]!) / yScale),
    ),
  );
}

/** dense: one scale multiplies in float32 first; one per output multiplies in double, as conv2d. */
function denseMultipliers(graph: Graph, node: LayerHead): MultiplierTable {
  const [x, w, y] = operands(graph, node);
  const scales = weightScales(w, channelAxis(node.op));
  const { scale: xScale } = perTensor(x);
  const { scale: yScale } = perTensor(y);
  const product = (scale: number) =>
    scales.length === 1 ? Math.fround(xScale * scale) : xScale * scale;
  return table(Array.from(scales, (scale) => quantizeMultiplier(product(scale) / yScale)));
}

const multiplierRules: {
  readonly [O in LayerOp]: (graph: Graph, node: LayerHead) => MultiplierTable;
} = {
  conv2d: convMultipliers,
  depthwiseConv2d: convMultipliers,
  dense: denseMultipliers,
};

/** The multipliers and shifts from a layer's sums of products to its output. */
export const layerMultipliers = (graph: Graph, node: LayerHead): MultiplierTable =>
  multiplierRules[node.op](graph, node);

/** Left shifts for which the wide requantization has a form. */
const mostReducedShift = 14;

/**
 * The table of a layer of int16: multipliers of 15 bits, since its accumulators have 64 bits in the
 * reference kernels.
 *
 * @throws BadInputError naming the layer whose outputs are too small for its products
 */
export function reducedTable(
  node: NodeHead,
  { multiplier, shift }: MultiplierTable,
): MultiplierTable {
  const channel = shift.findIndex((left) => left > mostReducedShift);
  if (channel >= 0) {
    throw new BadInputError(
      `${node.op} %${node.output}: channel ${channel} multiplies its sums by 2^${shift[channel]}, at most 2^${mostReducedShift} is possible`,
      { hint: 'Calibrate with data that reaches this layer.', where: `%${node.output}` },
    );
  }
  return { multiplier: multiplier.map(reduceMultiplier), shift };
}

const operands = (graph: Graph, node: NodeHead): [Value, Value, Value] => [
  getValue(graph, node.inputs[0]!),
  getValue(graph, node.inputs[1]!),
  getValue(graph, node.output),
];

/** From the scale of one value to that of another: requantize, relu, relu6, concat. */
export const rescale = (from: Value, to: Value): Multiplier =>
  quantizeMultiplier(perTensor(from).scale / perTensor(to).scale);

/** How far add shifts its operands left before it scales them. */
export const addLeftShift = ({ dtype }: Value): number => (dtype === 's16' ? 15 : 20);

/**
 * add: both operands to twice the larger scale, with 20 (int16: 15) more bits, then the sum to the
 * output's.
 */
export function addMultipliers(
  graph: Graph,
  node: Node,
): { a: Multiplier; b: Multiplier; out: Multiplier } {
  const left = addLeftShift(getValue(graph, node.output));
  const [a, b, y] = operands(graph, node).map((value) => perTensor(value).scale);
  const common = 2 * Math.max(a!, b!);
  return {
    a: quantizeMultiplier(a! / common),
    b: quantizeMultiplier(b! / common),
    out: quantizeMultiplier(common / (2 ** left * y!)),
  };
}

/** mul: a b / y in double. */
export function mulMultiplier(graph: Graph, node: Node): Multiplier {
  const [a, b, y] = operands(graph, node).map((value) => perTensor(value).scale);
  return quantizeMultiplier((a! * b!) / y!);
}

/**
 * mean over `count` elements: x / y with 1 / count folded into the multiplier, which is shifted
 * left by floor(log2 count) first to keep its bits.
 */
export function meanMultiplier(x: Value, y: Value, count: number): Multiplier {
  const { multiplier, shift } = rescale(x, y);
  const extra = Math.min(31 - Math.clz32(count), 31 + shift);
  return {
    multiplier: Number((BigInt(multiplier) << BigInt(extra)) / BigInt(count)),
    shift: shift - extra,
  };
}

/** TFLite's tolerance of the scale of an int16 softmax's output. */
const nearlyEqual = 1e-3;

/** A step of the exponentials' table of an int16 softmax: 65535 of them stand for 10. */
const tableStep = 10 / 65535;

/**
 * softmax of int16: differences of inputs as steps of the table of exponentials.
 *
 * @throws BadInputError for an output whose scale is not 1/32768
 */
export function softmaxS16Scaling(x: Value, y: Value): Multiplier {
  const { scale } = perTensor(y);
  if (Math.abs(scale * 32768 - 1) > nearlyEqual) {
    throw new BadInputError(`softmax %${y.id} has the scale ${scale}, expected 1/32768`, {
      hint: 'The output of an int16 softmax has a fixed scale.',
      where: `%${y.id}`,
    });
  }
  return quantizeMultiplier(perTensor(x).scale / tableStep);
}

export interface SoftmaxScaling extends Multiplier {
  /** Differences from the maximum below this count as exp = 0. */
  readonly diffMin: number;
}

const softmaxIntegerBits = 5;

/**
 * softmax: differences of inputs as Q5.26.
 *
 * @throws BadInputError for an output that is not 1/256 and -128, or too small an input scale
 */
export function softmaxScaling(x: Value, y: Value): SoftmaxScaling {
  const { scale, zero } = perTensor(y);
  if (scale !== 1 / 256 || zero !== storedRange(y)[0]) {
    throw new BadInputError(
      `softmax %${y.id} has scale ${scale} and zero point ${zero}, expected 1/256 and -128`,
      { hint: 'The output of an int8 softmax has a fixed scale.', where: `%${y.id}` },
    );
  }
  const factor = Math.min(perTensor(x).scale * 2 ** (31 - softmaxIntegerBits), 2 ** 31 - 1);
  if (factor <= 1) {
    throw new BadInputError(`softmax %${y.id} reads %${x.id} of scale ${perTensor(x).scale}`, {
      hint: 'Calibrate with data that reaches this layer: the scale is below 2^-26.',
      where: `%${y.id}`,
    });
  }
  const { multiplier, shift } = quantizeMultiplier(factor);
  const largest = (2 ** softmaxIntegerBits - 1) * 2 ** (31 - softmaxIntegerBits);
  return { multiplier, shift, diffMin: 0 - Math.floor(largest / 2 ** shift) };
}
