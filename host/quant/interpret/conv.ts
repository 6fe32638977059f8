/**
 * Integer semantics of the layers with weights: conv2d, depthwiseConv2d, dense.
 *
 * Every output gathers what its window sees into a patch of x - zero, with zeros outside the image,
 * and multiplies it with the weights: in int32 for int8 activations, exactly for int16 ones, whose
 * reference kernels have 64 bits.
 */
import {
  multiplyByQuantizedMultiplier,
  multiplyByReducedMultiplier,
} from '../../core/fixed-point.js';
import { borderClass, borderOf } from '../../ir/border.js';
import { type Graph, getValue, type NodeOf, type Value, type ValueId } from '../../ir/graph.js';
import { clampOf, layerMultipliers, type MultiplierTable, reducedTable } from './params.js';
import { biasOf, perTensor, requireBatchOfOne, weightsOf } from './quant.js';
import type { Kernel, Rule, Stored } from './rule.js';

type WindowNode = NodeOf<'conv2d'> | NodeOf<'depthwiseConv2d'>;

interface Image {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Fills patch[KH][KW][C] with x - zero around output (i, j); 0 outside the image. */
function gather(
  { attrs }: WindowNode,
  [kernelH, kernelW]: readonly [number, number],
  { height, width, channels }: Image,
  zero: number,
): (x: Stored, i: number, j: number, patch: Int16Array) => void {
  const { stride, pad, dilation } = attrs;
  return (x, i, j, patch) => {
    let at = 0;
    for (let u = 0; u < kernelH; u++) {
      const row = i * stride[0] + u * dilation[0] - pad[0];
      for (let v = 0; v < kernelW; v++) {
        const col = j * stride[1] + v * dilation[1] - pad[2];
        const inside = row >= 0 && row < height && col >= 0 && col < width;
        const from = (row * width + col) * channels;
        for (let c = 0; c < channels; c++) patch[at++] = inside ? x[from + c]! - zero : 0;
      }
    }
  };
}

/** acc + sum over i of a[first + i * step] w[first + i * step]. */
type Accumulate = (
  acc: number,
  a: Int16Array,
  aFirst: number,
  aStep: number,
  w: Int8Array,
  wFirst: number,
  wStep: number,
  count: number,
) => number;

/** In int32, wrapping; kept apart because engines compile it to integer instructions. */
const accumulateInt32: Accumulate = (acc, a, aFirst, aStep, w, wFirst, wStep, count) => {
  let sum = acc;
  for (let i = 0, k = aFirst, l = wFirst; i < count; i++, k += aStep, l += wStep) {
    sum = (sum + Math.imul(a[k]!, w[l]!)) | 0;
  }
  return sum;
};

/** Exactly: sums of 16 x 8 bit products stay far below 2^53. */
const accumulateExact: Accumulate = (acc, a, aFirst, aStep, w, wFirst, wStep, count) => {
  let sum = acc;
  for (let i = 0, k = aFirst, l = wFirst; i < count; i++, k += aStep, l += wStep) {
    sum += a[k]! * w[l]!;
  }
  return sum;
};

const accumulateOf = ({ dtype }: Value): Accumulate =>
  dtype === 's16' ? accumulateExact : accumulateInt32;

/** Accumulators to outputs. */
function requantizer(
  graph: Graph,
  node: WindowNode | NodeOf<'dense'>,
  table: MultiplierTable,
): (acc: number, channel: number) => number {
  const yValue = getValue(graph, node.output);
  const wide = yValue.dtype === 's16';
  const { multiplier, shift } = wide ? reducedTable(node, table) : table;
  const multiply = wide ? multiplyByReducedMultiplier : multiplyByQuantizedMultiplier;
  const { zero } = perTensor(yValue);
  const [low, high] = clampOf(graph, node);
  const last = multiplier.length - 1;
  return (acc, channel) => {
    const q = Math.min(channel, last);
    const y = zero + multiply(acc, multiplier[q]!, shift[q]!);
    return Math.min(Math.max(y, low), high);
  };
}

/** Where the products of one output channel lie: in the patch, and in the weights. */
interface Taps {
  readonly count: number;
  patchFirst(channel: number): number;
  readonly patchStep: number;
  weightFirst(channel: number): number;
  readonly weightStep: number;
}

interface Geometry {
  readonly image: Image;
  readonly kernel: readonly [number, number];
  readonly output: Image;
}

function geometryOf(graph: Graph, node: WindowNode): Geometry {
  const image = (id: ValueId): Image => {
    const [, height, width, channels] = getValue(graph, id).shape as [
      number,
      number,
      number,
      number,
    ];
    return { height, width, channels };
  };
  const [, kernelH, kernelW] = getValue(graph, node.inputs[1]!).shape as [number, number, number];
  return {
    image: image(node.inputs[0]!),
    kernel: [kernelH, kernelW],
    output: image(node.output),
  };
}

const windowed =
  (taps: (kernelSize: number, inC: number, outC: number) => Taps) =>
  (graph: Graph, node: WindowNode): Kernel => {
    const xValue = getValue(graph, node.inputs[0]!);
    requireBatchOfOne(xValue);
    const { image, kernel, output } = geometryOf(graph, node);
    const { height: outH, width: outW, channels: outC } = output;
    const kernelSize = kernel[0] * kernel[1];
    const weights = weightsOf(graph, node);
    const bias = biasOf(graph, node, outC);
    const border = borderOf(node);
    const fill = gather(node, kernel, image, perTensor(xValue).zero);
    const requantize = requantizer(graph, node, layerMultipliers(graph, node));
    const accumulate = accumulateOf(xValue);
    const own = taps(kernelSize, image.channels, outC);
    const { count, patchFirst, patchStep, weightFirst, weightStep } = own;
    const patch = new Int16Array(kernelSize * image.channels);
    return ([x], y) => {
      let at = 0;
      for (let i = 0; i < outH; i++) {
        for (let j = 0; j < outW; j++) {
          fill(x!, i, j, patch);
          const first = border ? outC * borderClass(border, [outH, outW], i, j) : 0;
          for (let o = 0; o < outC; o++) {
            const k = patchFirst(o);
            const l = weightFirst(o);
            const b = bias[first + o]!;
            const acc = accumulate(b, patch, k, patchStep, weights, l, weightStep, count);
            y[at++] = requantize(acc, o);
          }
        }
      }
    };
  };

/** Weights [OC, KH, KW, C]: every output channel sees the whole patch. */
export const conv2d: Rule<'conv2d'> = windowed((kernelSize, inC) => ({
  count: kernelSize * inC,
  patchFirst: () => 0,
  patchStep: 1,
  weightFirst: (channel) => channel * kernelSize * inC,
  weightStep: 1,
}));

/** Weights [1, KH, KW, C*M]: output channel c M + m sees channel c of the patch. */
export const depthwiseConv2d: Rule<'depthwiseConv2d'> = windowed((kernelSize, inC, outC) => ({
  count: kernelSize,
  patchFirst: (channel) => Math.floor(channel / (outC / inC)),
  patchStep: inC,
  weightFirst: (channel) => channel,
  weightStep: outC,
}));

/** Weights [out, in]. */
export const dense: Rule<'dense'> = (graph, node) => {
  const xValue = getValue(graph, node.inputs[0]!);
  requireBatchOfOne(xValue);
  const yValue = getValue(graph, node.output);
  const [inputs, outputs] = [xValue.shape[1]!, yValue.shape[1]!];
  const weights = weightsOf(graph, node);
  const bias = biasOf(graph, node, outputs);
  const { zero } = perTensor(xValue);
  const requantize = requantizer(graph, node, layerMultipliers(graph, node));
  const accumulate = accumulateOf(xValue);
  const centred = new Int16Array(inputs);
  return ([x], y) => {
    for (let i = 0; i < inputs; i++) centred[i] = x![i]! - zero;
    for (let o = 0; o < outputs; o++) {
      const acc = accumulate(bias[o]!, centred, 0, 1, weights, o * inputs, 1, inputs);
      y[o] = requantize(acc, o);
    }
  };
};
