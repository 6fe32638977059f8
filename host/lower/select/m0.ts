/**
 * Kernels for Armv6-M (kernels/c/enn_s8_*_m0.h): Cortex-M0 and M0+.
 */
import { elements, type Pair } from '../../core/shape.js';
import { borderOf } from '../../ir/border.js';
import { type Graph, getValue } from '../../ir/graph.js';
import type { WindowAttrs } from '../../ir/infer.js';
import { layerMultipliers } from '../../quant/interpret/params.js';
import { biasOf, perTensor, weightRows, weightsOf } from '../../quant/interpret/quant.js';
import type { LayerHead, LayerOp } from '../../quant/quant-rules.js';
import type { Kernel } from '../lowered.js';
import { linesInPlace } from '../overlap.js';
import { type Interval, type Levels, levelsOf } from '../pack/levels.js';
import { chunkCount, groups8, levelWords, words4 } from '../pack/m0.js';
import type { LayerTables } from '../pack/types.js';
import { byteKernels } from './bytes.js';
import { type Case, type Choice, type Choices, isOnePixel, tapsInside } from './choice.js';
import { levelMean, levelMul, planeAdd } from './elementwise.js';

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

/** About what an output of 3x3 taps takes. */
const depthwiseWork = 60;

/** Lines that are read ahead; enn_s8_depthwise_m0.h has the same number. */
const linesAhead = 3;

interface ChannelPlane {
  /** Bytes of the plane and of the weights. */
  readonly bytes: number;
  /** The same where lines pass by; absent where that saves nothing. */
  readonly passing?: number;
  /** Whether outputs of a line are apart. */
  readonly dilated: boolean;
  /** About how many a channel takes. */
  readonly instructions: number;
}

/** The plane of enn_s8_depthwise_m0.h; undefined where a dilated line has a stride. */
function planeOfChannel(
  [height, width]: Pair,
  [kernelH, kernelW]: Pair,
  { stride, dilation }: Required<WindowAttrs>,
  plain: boolean,
): ChannelPlane | undefined {
  const rows = { out: height, kernel: kernelH, stride: stride[0], dilation: dilation[0] };
  const columns = { out: width, kernel: kernelW, stride: stride[1], dilation: dilation[1] };
  const tall = isTall([height, width], [kernelH, kernelW]);
  const [along, across] = tall ? [rows, columns] : [columns, rows];
  const dilated = along.dilation > 1;
  if (dilated && along.stride > 1) return undefined;
  const out = Math.ceil(along.out / along.dilation);
  const pairs = along.stride * (Math.ceil(out / 2) - 1) + along.kernel + 1;
  const reach = (across.kernel - 1) * across.dilation + 1;
  const lines = across.stride * (across.out - 1) + reach;
  const ahead = reach + Math.max(linesAhead, across.stride);
  const bytesOf = (kept: number) => 4 * (kept * pairs + across.kernel * (along.kernel + 1) + 1);
  const passes = plain && !tall && !dilated && ahead < lines;
  const kernel = kernelH * kernelW;
  const instructions =
    300 +
    12 * kernel +
    lines * (40 + 8 * pairs) * along.dilation +
    across.out * (60 + Math.ceil(along.out / 2) * (50 + 6.2 * kernel));
  const passing = passes && { passing: bytesOf(ahead) };
  return { bytes: bytesOf(lines), dilated, instructions, ...passing };
}

/** Whether pixel by pixel takes fewer instructions than a plane of pairs, by the counts of single layers. */
function isTiny(c: Case<'depthwiseConv2d'>, plane: ChannelPlane): boolean {
  const { outputs, rows, taps } = tapsInside(c);
  return 62 * outputs + 10 * rows + 8 * taps < plane.instructions;
}

/** Pixel by pixel: no tap outside the image is read, so the bias has no zero point in it. */
function directKernel(c: Case<'depthwiseConv2d'>): Kernel | undefined {
  const layer = layerOf(c.graph, c.node);
  const levels = c.bounds && layerLevels(c.graph, layer);
  if (!levels) return undefined;
  return {
    name: 'enn_depthwise_conv2d_s8_direct__m0',
    header: 'enn_s8_depthwise_direct_m0.h',
    order: 'pixels',
    tables: {
      weights: weightsOf(c.graph, c.node),
      align: 1,
      bias: foldedBias({ ...layer, inZero: 0 }, levels),
      mult: levelWords(levels),
    },
  };
}

const depthwiseConv2d: Choice<'depthwiseConv2d'> = (c) => {
  const { graph, node } = c;
  const { dilation } = node.attrs;
  const [x, y] = [getValue(graph, node.inputs[0]!), getValue(graph, node.output)];
  const [, kernelH, kernelW] = getValue(graph, node.inputs[1]!).shape as Dims4;
  const [, height, width] = y.shape as Dims4;
  const [out, kernel]: [Pair, Pair] = [
    [height, width],
    [kernelH, kernelW],
  ];
  const plain = x.shape[3] === y.shape[3];
  const plane = planeOfChannel(out, kernel, node.attrs, plain);
  const direct = plain && dilation[1] === 1 && (!plane || isTiny(c, plane));
  if (direct) return directKernel(c);
  const tables = tablesOf(c, (weights) => weights);
  // Two weights of -128 are no chunk.
  if (!plane || !tables || tables.weights.includes(-128)) return undefined;
  const inPlace = plain && !plane.dilated && elements(y.shape) <= elements(x.shape);
  const whole: Kernel = {
    name: 'enn_depthwise_conv2d_s8_pairs__m0',
    header: 'enn_s8_depthwise_m0.h',
    order: 'any',
    inPlace,
    scratchBytes: plane.bytes,
    tables,
  };
  if (plane.passing === undefined) return whole;
  return {
    ...whole,
    instructions: depthwiseWork * elements(y.shape),
    smaller: {
      ...whole,
      name: 'enn_depthwise_conv2d_s8_pairlines__m0',
      inPlace: inPlace && linesInPlace(x, y, kernelH, node.attrs),
      scratchBytes: plane.passing,
      instructions: 1.02 * depthwiseWork * elements(y.shape),
    },
  };
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
  ...byteKernels({ header: 'enn_s8_table.h', suffix: 'm0', lines: false }),
  conv2d,
  depthwiseConv2d,
  dense,
  add: planeAdd({ suffix: 'm0', header: 'enn_s8_add_m0.h', room: 2 ** 31 }),
  mul: levelMul,
  mean: levelMean,
  maxPool2d: pool('max_pool2d', () => true),
  avgPool2d: pool('avg_pool2d', (taps) => taps <= mostTaps),
};
