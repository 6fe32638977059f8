/**
 * Kernels for Helium (kernels/c/enn_s8_*_mve.h), the vectors of Armv8.1-M.
 */
import { elements } from '../../core/shape.js';
import { borderOf } from '../../ir/border.js';
import { getData, getValue, type Value } from '../../ir/graph.js';
import { layerMultipliers } from '../../quant/interpret/params.js';
import { perTensor, weightRows, weightsOf } from '../../quant/interpret/quant.js';
import type { LayerOp } from '../../quant/quant-rules.js';
import type { Kernel } from '../lowered.js';
import { linesInPlace } from '../overlap.js';
import {
  foldZero,
  groupedBias,
  groupedFactors,
  type PatchAxis,
  pairs16,
  patchesOf,
  rowSums,
  rows16,
  transposedRows,
  vector,
  windowsOf,
  zeroEnded,
} from '../pack/mve.js';
import { accumulatorRoom, isShort, type ShortForm } from '../pack/pack.js';
import type { LayerTables } from '../pack/types.js';
import { byteKernels } from './bytes.js';
import { type Case, type Choice, type Choices, isOnePixel, tapsInside } from './choice.js';
import { short } from './dsp.js';
import { planeAdd, shortMean, shortMul } from './elementwise.js';

/** Kernels load words of the weights' tables. */
const align = 4;

/** The weights by output channel, and the bias with the input's zero point in it. */
function folded({ graph, node }: Case<LayerOp>, { bias }: ShortForm) {
  const channels = getValue(graph, node.output).shape.at(-1)!;
  const rows = weightRows(graph, node);
  const { zero } = perTensor(getValue(graph, node.inputs[0]!));
  return { rows, channels, bias: foldZero(bias, rowSums(rows, channels), zero) };
}

/** Tables by groups of four channels, with the weights packed by `pack`. */
function groupedTables(
  c: Case<LayerOp>,
  form: ShortForm,
  pack: (w: Int8Array, rows: number) => Int8Array,
): LayerTables {
  const { rows, channels, bias } = folded(c, form);
  return {
    weights: pack(rows, channels),
    align,
    bias: groupedBias(bias, channels),
    mult: groupedFactors(form.multipliers),
  };
}

/** Bytes of scratch of enn_s8_conv_mve.h, per vector of a column. */
function columnBytes([, height, width, channels]: readonly number[]): number {
  const taps = height! * width!;
  const whole = channels! % vector === 0 || taps === 1;
  const places = !whole && taps * channels! <= 64 ? 2 : 0;
  return Math.ceil((taps * channels!) / vector) * vector * (4 + (whole ? 0 : 1) + places);
}

/** The tables of a layer with biases by class of outputs, if its factors are short throughout. */
function borderForm({ graph, node, bounds }: Case<'conv2d'>): ShortForm | undefined {
  if (bounds === undefined || Math.max(...bounds) >= accumulatorRoom) return undefined;
  const multipliers = layerMultipliers(graph, node);
  const factors = Array.from(multipliers.shift, (shift, i) => ({
    multiplier: multipliers.multiplier[i]!,
    shift,
  }));
  if (!factors.every(isShort)) return undefined;
  return { multipliers, bias: getData(graph, node.inputs[2]!) as Int32Array };
}

const denseKernel = (tables: LayerTables): Kernel => ({
  name: 'enn_dense_s8_rows4__mve',
  header: 'enn_s8_dense_mve.h',
  order: 'pixels',
  tables,
});

const conv2d: Choice<'conv2d'> = (c) => {
  const border = borderOf(c.node) !== undefined;
  const form = border ? borderForm(c) : short(c, false);
  if (!form) return undefined;
  if (isOnePixel(c)) return { ...denseKernel(groupedTables(c, form, rows16)), form: 'dense' };
  return {
    name: `enn_conv2d_s8_cols4${border ? 'border' : ''}__mve`,
    border,
    header: 'enn_s8_conv_mve.h',
    order: 'blocks',
    scratchBytes: columnBytes(getValue(c.graph, c.node.inputs[1]!).shape),
    tables: groupedTables(c, form, pairs16),
  };
};

/** About what an output takes, in units of a multiply-accumulate of other layers (trade-memory.ts). */
const depthwiseWork = 27;

/** A plane in scratch, or its lines a part at a time. */
function withLines(c: Case<'depthwiseConv2d'>, whole: Kernel, scratchBytes: number): Kernel {
  const [x, y] = [getValue(c.graph, c.node.inputs[0]!), getValue(c.graph, c.node.output)];
  const kernelHeight = getValue(c.graph, c.node.inputs[1]!).shape[1]!;
  const fits = linesInPlace(x, y, kernelHeight, c.node.attrs);
  const instructions = depthwiseWork * elements(y.shape);
  return {
    ...whole,
    instructions,
    smaller: {
      ...whole,
      name: 'enn_depthwise_conv2d_s8_patchlines__mve',
      inPlace: whole.inPlace === true && fits,
      scratchBytes,
      instructions: 1.05 * instructions,
    },
  };
}

/** Instructions of a channel, eight at a time (enn_s8_depthwise_channels_mve.h). */
function channelsWork(c: Case<'depthwiseConv2d'>): number {
  const { outputs, rows, taps } = tapsInside(c);
  const channels = getValue(c.graph, c.node.output).shape[3]!;
  return (Math.ceil(channels / 8) / channels) * (58 * outputs + 5 * rows + 11 * taps);
}

/** The same with the channel's plane in scratch, by patches or windows. */
function planeWork(height: PatchAxis, width: PatchAxis, x: Value, isPatch: boolean): number {
  const [, inH, inW] = x.shape as [number, number, number];
  const tall = height.out > width.out;
  const [across, along] = tall ? [width, height] : [height, width];
  const [lines, length] = tall ? [inW, inH] : [inH, inW];
  const gather = lines * (4 + 4 * Math.ceil(length / 8));
  if (isPatch) {
    const both = across.out > 1;
    const blocks = both
      ? Math.ceil(across.out / 2) * Math.ceil(along.out / 2)
      : Math.ceil(along.out / 4);
    return 110 + gather + 20 * blocks;
  }
  const vectors = Math.ceil((height.kernel * width.kernel) / vector);
  return 250 + gather + across.out * Math.ceil(along.out / 4) * (40 + 13 * vectors);
}

/** The tables of eight channels: 0, 2, 4, 6, 1, 3, 5, 7. */
const byEights = (own: ArrayLike<number>, channels: number): number[][] =>
  Array.from({ length: Math.ceil(channels / 8) }, (_, group) =>
    [0, 2, 4, 6, 1, 3, 5, 7].map((lane) => own[8 * group + lane] ?? 0),
  );

/** Eight channels at a time, for planes too small to be gathered. */
function channelsKernel(c: Case<'depthwiseConv2d'>, form: ShortForm): Kernel {
  const channels = form.bias.length;
  const { multiplier, shift } = form.multipliers;
  const each = (own: ArrayLike<number>) =>
    own.length === channels ? own : new Array<number>(channels).fill(own[0]!);
  const shifts = byEights(each(shift), channels);
  return {
    name: 'enn_depthwise_conv2d_s8_channels__mve',
    header: 'enn_s8_depthwise_channels_mve.h',
    order: 'pixels',
    tables: {
      weights: weightsOf(c.graph, c.node),
      align: 1,
      bias: Int32Array.from(byEights(form.bias, channels).flat()),
      mult: Int32Array.from(
        byEights(each(multiplier), channels).flatMap((own, i) => [...own, ...shifts[i]!]),
      ),
    },
  };
}

const depthwiseConv2d: Choice<'depthwiseConv2d'> = (c) => {
  const { graph, node } = c;
  const form = short(c, false);
  if (!form) return undefined;
  const [x, y] = [getValue(graph, node.inputs[0]!), getValue(graph, node.output)];
  const [, ...kernel] = getValue(graph, node.inputs[1]!).shape as number[];
  const { stride, dilation } = node.attrs;
  const axis = (i: 0 | 1) => ({
    out: y.shape[i + 1]!,
    kernel: kernel[i]!,
    stride: stride[i],
    dilation: dilation[i],
  });
  const [height, width] = [axis(0), axis(1)];
  const { rows, channels, bias } = folded(c, form);
  const { multiplier: mult, shift } = form.multipliers;
  const inPlace = x.shape[3] === channels && elements(y.shape) <= elements(x.shape);
  const plain = x.shape[3] === channels;
  const patches = patchesOf(height, width, plain);
  const windows = windowsOf(height, width);
  const work = planeWork(height, width, x, patches !== undefined);
  const small = plain && channelsWork(c) < (patches || windows ? work : Number.POSITIVE_INFINITY);
  if (small) return channelsKernel(c, form);
  if (patches) {
    const weights = Int8Array.from([...patches.table, ...zeroEnded(rows, channels)]);
    const whole: Kernel = {
      name: 'enn_depthwise_conv2d_s8_patches__mve',
      header: 'enn_s8_depthwise_mve.h',
      order: 'any',
      inPlace,
      scratchBytes: patches.planeBytes,
      tables: { weights, align, bias, mult, shift },
    };
    return patches.passingBytes === undefined ? whole : withLines(c, whole, patches.passingBytes);
  }
  if (!windows) return undefined;
  const weights = windows.transposed ? transposedRows(rows, channels, kernel[1]!) : rows;
  return {
    name: 'enn_depthwise_conv2d_s8_windows__mve',
    header: 'enn_s8_depthwise_windows_mve.h',
    order: 'any',
    inPlace,
    scratchBytes: windows.scratchBytes,
    tables: { weights, align, bias, mult, shift },
  };
};

const dense: Choice<'dense'> = (c) => {
  const form = short(c, false);
  return form && denseKernel(groupedTables(c, form, rows16));
};

/** The kernel's shifts round: a sum leaves room for that. */
const sumRoom = 2 ** 31 - 2 ** 22;

const pool = (name: string): Kernel => ({
  name: `enn_${name}_s8__mve`,
  header: 'enn_s8_pool_mve.h',
  order: 'pixels',
});

/** Taps whose sum fits int16. */
const mostTaps = 255;

const avgPool2d: Choice<'avgPool2d'> = ({ node }) =>
  elements(node.attrs.size) <= mostTaps ? pool('avg_pool2d') : undefined;

/** The kernels for Armv8.1-M with Helium; where there is none, those of Armv7E-M do. */
export const mveKernels: Choices = {
  ...byteKernels({ header: 'enn_s8_table_mve.h', suffix: 'mve', lines: false }),
  conv2d,
  depthwiseConv2d,
  dense,
  add: planeAdd({ suffix: 'mve', header: 'enn_s8_add_mve.h', room: sumRoom }),
  mul: shortMul('mve'),
  mean: shortMean('mve'),
  maxPool2d: () => pool('max_pool2d'),
  avgPool2d,
};
