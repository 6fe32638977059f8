/**
 * Kernels for Armv6-M (kernels/c/enn_s8_*_m0.h): Cortex-M0 and M0+.
 */
import { elements, type Pair, sameShape } from '../../core/shape.js';
import { borderOf } from '../../ir/border.js';
import { type Graph, getValue } from '../../ir/graph.js';
import type { WindowAttrs } from '../../ir/infer.js';
import { addMultipliers, layerMultipliers } from '../../quant/interpret/params.js';
import { biasOf, perTensor, weightRows, weightsOf } from '../../quant/interpret/quant.js';
import type { LayerHead, LayerOp } from '../../quant/quant-rules.js';
import type { Kernel } from '../lowered.js';
import { type Interval, type Levels, levelsOf } from '../pack/levels.js';
import { chunkCount, groups8, levelWords, words4 } from '../pack/m0.js';
import { planeOf } from '../pack/plane.js';
import type { LayerTables } from '../pack/types.js';
import { type Case, type Choice, type Choices, isOnePixel } from './choice.js';

type Dims4 = readonly [number, number, number, number];

/** A layer's numbers by output channel. */
interface Layer {
  readonly node: LayerHead;
  /** [channels][taps] */
  readonly weights: Int8Array;
  readonly channels: number;
  /** [classes][channels] */
  readonly bias: Int32Array;
  readonly inZero: number;
  readonly outZero: number;
}

function layerOf(graph: Graph, node: LayerHead): Layer {
  const [x, y] = [getValue(graph, node.inputs[0]!), getValue(graph, node.output)];
  const channels = y.shape.at(-1)!;
  return {
    node,
    weights: weightRows(graph, node),
    channels,
    bias: biasOf(graph, node, channels),
    inZero: perTensor(x).zero,
    outZero: perTensor(y).zero,
  };
}

/** What the accumulators of a channel can be: every tap adds its least or most, or nothing. */
function reachOf({ weights, channels, bias, inZero }: Layer, channel: number): Interval {
  const taps = weights.length / channels;
  let [least, most] = [0, 0];
  for (const w of weights.subarray(channel * taps, (channel + 1) * taps)) {
    const ends = [w * (-128 - inZero), w * (127 - inZero)];
    least += Math.min(...ends);
    most += Math.max(...ends);
  }
  const own = bias.filter((_, i) => i % channels === channel);
  return { least: least + Math.min(...own), most: most + Math.max(...own) };
}

const union = (reaches: readonly Interval[]): Interval => ({
  least: Math.min(...reaches.map(({ least }) => least)),
  most: Math.max(...reaches.map(({ most }) => most)),
});

/** The levels of each channel, or of all where they share a factor. */
function layerLevels(graph: Graph, layer: Layer): Levels | undefined {
  const table = layerMultipliers(graph, layer.node);
  const multipliers = Array.from(table.multiplier, (multiplier, i) => ({
    multiplier,
    shift: table.shift[i]!,
  }));
  const reaches = Array.from({ length: layer.channels }, (_, c) => reachOf(layer, c));
  const shared = multipliers.length < layer.channels;
  return levelsOf(multipliers, layer.outZero, shared ? [union(reaches)] : reaches);
}

/** The bias with the input's zero point and the origin of the levels in it; in int32. */
function foldedBias({ weights, channels, bias, inZero }: Layer, { lines }: Levels): Int32Array {
  const taps = weights.length / channels;
  const less = Array.from({ length: channels }, (_, channel) => {
    const own = weights.subarray(channel * taps, (channel + 1) * taps);
    const { origin } = lines[lines.length === 1 ? 0 : channel]!;
    return (
      Math.imul(
        inZero,
        own.reduce((a, b) => a + b, 0),
      ) + origin
    );
  });
  return bias.map((value, i) => (value - less[i % channels]!) | 0);
}

/** The tables of a layer whose kernel wants its weights packed so. */
function tablesOf(
  { graph, node, bounds }: Case<LayerOp>,
  pack: (weights: Int8Array, channels: number) => Int8Array,
): LayerTables | undefined {
  if (bounds === undefined) return undefined;
  const layer = layerOf(graph, node);
  const levels = layerLevels(graph, layer);
  return (
    levels && {
      weights: pack(layer.weights, layer.channels),
      align: 4,
      bias: foldedBias(layer, levels),
      mult: levelWords(levels),
    }
  );
}

/** Of the inputs as words, and of the two words around each chunk. */
function denseKernel(c: Case<'conv2d' | 'dense'>): Kernel | undefined {
  const tables = tablesOf(c, words4);
  if (!tables) return undefined;
  const { graph, node } = c;
  const weights = weightsOf(graph, node);
  const outputs = getValue(graph, node.output).shape.at(-1)!;
  return {
    name: 'enn_dense_s8_pairs4__m0',
    header: 'enn_s8_dense_m0.h',
    order: 'pixels',
    scratchBytes: (4 * weights.length) / outputs + 8 * chunkCount(weights, outputs),
    tables,
  };
}

const dense: Choice<'dense'> = denseKernel;

/** Two pairs of pixels. */
const columnBytes = 8;

const conv2d: Choice<'conv2d'> = (c) => {
  const whole = isOnePixel(c) ? denseKernel(c) : undefined;
  if (whole) return { ...whole, form: 'dense' };
  const tables = tablesOf(c, groups8);
  if (!tables) return undefined;
  const [, height, width, channels] = getValue(c.graph, c.node.inputs[1]!).shape as number[];
  const bordered = borderOf(c.node) !== undefined;
  return {
    name: `enn_conv2d_s8_pairs4${bordered ? 'border' : ''}__m0`,
    header: 'enn_s8_conv_m0.h',
    order: 'blocks',
    border: bordered,
    scratchBytes: height! * width! * channels! * columnBytes + channels!,
    tables,
  };
};

/** Whether the lines of enn_s8_depthwise_m0.h are columns. */
const isTall = ([height, width]: Pair, [kernelH, kernelW]: Pair): boolean =>
  height > width || (height === width && kernelH > kernelW);

/** Bytes of plane and weights of enn_s8_depthwise_m0.h. */
function planeBytes(
  [height, width]: Pair,
  [kernelH, kernelW]: Pair,
  { stride, dilation }: Required<WindowAttrs>,
): number {
  const rows = { out: height, kernel: kernelH, stride: stride[0], dilation: dilation[0] };
  const columns = { out: width, kernel: kernelW, stride: stride[1], dilation: dilation[1] };
  const tall = isTall([height, width], [kernelH, kernelW]);
  const [along, across] = tall ? [rows, columns] : [columns, rows];
  const pairs = along.stride * (Math.ceil(along.out / 2) - 1) + along.kernel + 1;
  const lines = across.stride * (across.out - 1) + (across.kernel - 1) * across.dilation + 1;
  return 4 * (lines * pairs + across.kernel * (along.kernel + 1) + 1);
}

const depthwiseConv2d: Choice<'depthwiseConv2d'> = (c) => {
  const { graph, node } = c;
  const tables = tablesOf(c, (weights) => weights);
  // Two weights of -128 are no chunk.
  if (!tables || tables.weights.includes(-128)) return undefined;
  const [x, y] = [getValue(graph, node.inputs[0]!), getValue(graph, node.output)];
  const [, kernelH, kernelW] = getValue(graph, node.inputs[1]!).shape as Dims4;
  const [, height, width] = y.shape as Dims4;
  const tall = isTall([height, width], [kernelH, kernelW]);
  if (node.attrs.dilation[tall ? 0 : 1] !== 1) return undefined;
  return {
    name: 'enn_depthwise_conv2d_s8_pairs__m0',
    header: 'enn_s8_depthwise_m0.h',
    order: 'any',
    inPlace: x.shape[3] === y.shape[3] && elements(y.shape) <= elements(x.shape),
    scratchBytes: planeBytes([height, width], [kernelH, kernelW], node.attrs),
    tables,
  };
};

/** Operands of one shape, where a plane is exact. */
const add: Choice<'add'> = ({ graph, node }) => {
  const [a, b] = node.inputs.map((id) => getValue(graph, id));
  const y = getValue(graph, node.output);
  if (!sameShape(a!.shape, b!.shape)) return undefined;
  const zeros = [perTensor(a!).zero, perTensor(b!).zero, perTensor(y).zero] as const;
  const plane = planeOf({ ...addMultipliers(graph, node), zeros });
  return (
    plane && {
      name: `enn_add_s8_${plane.low ? 'fine' : 'plane'}__m0`,
      header: 'enn_s8_add_m0.h',
      order: 'elements',
      plane,
    }
  );
};

/** Channels for which it pays to take them together. */
const leastChannels = 4;

/** Taps whose sum fits int16, and whose reciprocal is exact. */
const mostTaps = 255;

const pool =
  (name: string, isShort: (taps: number) => boolean): Choice<'maxPool2d' | 'avgPool2d'> =>
  ({ graph, node }) => {
    const channels = getValue(graph, node.output).shape.at(-1)!;
    if (channels < leastChannels || !isShort(elements(node.attrs.size))) return undefined;
    return { name: `enn_${name}_s8__m0`, header: 'enn_s8_pool_m0.h', order: 'pixels' };
  };

/** The kernels for Armv6-M. */
export const m0Kernels: Choices = {
  conv2d,
  depthwiseConv2d,
  dense,
  add,
  maxPool2d: pool('max_pool2d', () => true),
  avgPool2d: pool('avg_pool2d', (taps) => taps <= mostTaps),
};
