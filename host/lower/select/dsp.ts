/**
 * Kernels for Armv7E-M (kernels/c/enn_s8_*_dsp.h), the SIMD instructions of Cortex-M4, M7 and M33.
 */
import { elements, sameShape } from '../../core/shape.js';
import { borderOf } from '../../ir/border.js';
import { getValue, type Value } from '../../ir/graph.js';
import { addMultipliers, clampOf, layerMultipliers } from '../../quant/interpret/params.js';
import { biasOf, perTensor, weightRows, weightsOf } from '../../quant/interpret/quant.js';
import type { LayerOp } from '../../quant/quant-rules.js';
import type { Kernel } from '../lowered.js';
import { runsInPlace } from '../overlap.js';
import {
  columnBytes,
  columnTaps,
  foldHalves,
  foldRows,
  foldTaps,
  isHalf,
  isShort,
  rightShifts,
  type ShortForm,
  shortForm,
} from '../pack/pack.js';
import { byteKernels } from './bytes.js';
import { type Case, type Choice, type Choices, isOnePixel } from './choice.js';
import { planeAdd, shortMean, shortMul } from './elementwise.js';

/**
 * The tables of a layer for the short requantization, if that can do the same.
 *
 * @param skips whether the kernel skips constant channels
 */
export function short(
  { graph, node, bounds }: Case<LayerOp>,
  skips: boolean,
): ShortForm | undefined {
  if (bounds === undefined) return undefined;
  const described = {
    multipliers: layerMultipliers(graph, node),
    bias: biasOf(graph, node, bounds.length),
    outZero: perTensor(getValue(graph, node.output)).zero,
    weights: weightRows(graph, node),
    bounds,
  };
  return shortForm(described, skips);
}

/** Accumulators below this fit 256 times into int32. */
const foldRoom = 2 ** 23;

/** Whether sums over folded columns are exact (enn_s8_conv_dsp.h). */
function folds(
  { graph, node, bounds }: Case<'conv2d' | 'dense'>,
  { multipliers }: ShortForm,
): boolean {
  const fits = (bound: number, channel: number) =>
    multipliers.multiplier[channel] === 0 || bound < foldRoom;
  return !weightsOf(graph, node).includes(-128) && bounds!.every(fits);
}

/** Rows of outputs from which on windows are widened from the image (enn_s8_columns_dsp.h). */
const leastRow = 4;

/** Whether rows are so short that all windows are gathered as bytes. */
export function isNarrow({ graph, node }: Pick<Case<'conv2d'>, 'graph' | 'node'>): boolean {
  const [, height, width] = getValue(graph, node.inputs[1]!).shape;
  return getValue(graph, node.output).shape[2]! < leastRow && height! * width! > 1;
}

/** The tables of a convolution over folded columns. */
function folded({ graph, node }: Case<'conv2d'>, form: ShortForm): ShortForm {
  const channels = getValue(graph, node.output).shape[3]!;
  const w = weightsOf(graph, node);
  const taps = isNarrow({ graph, node })
    ? w
    : columnTaps(w, getValue(graph, node.inputs[1]!).shape);
  const { zero } = perTensor(getValue(graph, node.inputs[0]!));
  const { skipped = new Set<number>() } = form;
  return { ...form, bias: foldHalves(form.bias, taps, channels, zero, skipped) };
}

/** The tables of a depthwise layer whose kernel does not subtract the input's zero point. */
function withZero({ graph, node }: Case<'depthwiseConv2d'>, form: ShortForm): ShortForm {
  const { zero } = perTensor(getValue(graph, node.inputs[0]!));
  return { ...form, bias: foldTaps(form.bias, weightsOf(graph, node), zero) };
}

/** Whether the clamp leaves nothing below the zero point: then no rounding needs the sign of a sum. */
const isPositive = ({ graph, node }: Case<'conv2d' | 'depthwiseConv2d'>): boolean =>
  clampOf(graph, node)[0] >= perTensor(getValue(graph, node.output)).zero;

/** Instructions of a convolution, from the budget of enn_s8_conv_dsp.h. */
function convInstructions(y: Value, blocks: number, pixels: 3 | 4): number {
  const [, height, width, channels] = y.shape as number[];
  const groups = Math.ceil((height! * width!) / pixels);
  return (
    groups * channels! * (16 + 4 * pixels + Math.ceil(blocks / 4) * 2 + blocks * (4 + 2 * pixels))
  );
}

const conv2d: Choice<'conv2d'> = (c) => {
  const { graph, node } = c;
  const whole = isOnePixel(c) ? short(c, false) : undefined;
  if (whole) return denseLayer(c, whole);
  const form = short(c, true);
  if (!form) return undefined;
  const { multiplier, shift } = form.multipliers;
  const own = { ...form, multipliers: { multiplier, shift: rightShifts(shift) } };
  const window = getValue(graph, node.inputs[1]!).shape;
  const [, height, width, channels] = window;
  const blocks = Math.ceil((height! * width! * channels!) / 4);
  const fold = folds(c, form);
  const positive = isPositive(c);
  const border = borderOf(node) !== undefined;
  const packing = isNarrow(c)
    ? ({ fold: 'foldBytes4', taps: 'bytes4' } as const)
    : ({ fold: 'fold4', taps: 'taps4' } as const);
  const kernel = (pixels: 3 | 4) => ({
    name: `enn_conv2d_s8_${fold ? 'fold' : 'cols'}${pixels}${fold && positive ? 'positive' : ''}${border ? 'border' : ''}__dsp`,
    header: 'enn_s8_conv_dsp.h',
    ...(border && { border }),
    order: pixels === 3 ? ('blocks3' as const) : ('blocks' as const),
    packing: packing[fold ? 'fold' : 'taps'],
    scratchBytes: columnBytes(window, node.attrs.stride[1], pixels),
    instructions: convInstructions(getValue(graph, node.output), blocks, pixels),
    requantization: fold ? folded(c, own) : own,
  });
  return fold ? { ...kernel(4), smaller: kernel(3) } : kernel(4);
};

/** Padding that enn_s8_depthwise_plane_dsp.h has room for. */
const mostPlanePad = 2;

/** Rows of outputs from which on lines are worth their gathering, where y has not the shape of x. */
const leastPlaneRows = 4;

/** 3x3 with stride 1 by planes (enn_s8_depthwise_plane_dsp.h). */
function planeOf(
  c: Case<'depthwiseConv2d'>,
  form: ShortForm,
  positive: boolean,
): Kernel | undefined {
  const { graph, node } = c;
  const [x, w] = node.inputs.map((id) => getValue(graph, id));
  const y = getValue(graph, node.output);
  const { stride, dilation, pad } = node.attrs;
  const [, height, width] = y.shape as number[];
  const same = sameShape(x!.shape, y.shape);
  if (![...stride, ...dilation].every((n) => n === 1) || w!.shape[1] !== 3 || w!.shape[2] !== 3)
    return undefined;
  if (!pad.every((n) => n <= mostPlanePad) || !(same || height! >= leastPlaneRows))
    return undefined;
  // The same lines as the kernel's: columns where those are longer and nothing changes its place.
  const length = same ? Math.max(height!, width!) : width!;
  return {
    name: `enn_depthwise_conv2d_s8_3x3plane${positive ? 'positive' : ''}__dsp`,
    header: 'enn_s8_depthwise_plane_dsp.h',
    order: 'any',
    inPlace: elements(y.shape) <= elements(x!.shape) && (same || runsInPlace(x!, y, node.attrs)),
    packing: 'planes',
    scratchBytes: 12 * (Math.ceil(length / 2) + 1),
    requantization: withZero(c, form),
  };
}

/** Bytes of the taps and the line of enn_s8_depthwise_line_dsp.h. */
function lineBytes(taps: number, length: number): number {
  const words = Math.floor((taps + 2) / 2);
  return 8 * words + 2 * (4 * Math.ceil(length / 4) + 2 * words + 2);
}

/** Four channels at a time (enn_s8_depthwise_quads_dsp.h, enn_s8_depthwise_any_dsp.h). */
function quadsOf(c: Case<'depthwiseConv2d'>, form: ShortForm, slow: Kernel): Kernel | undefined {
  const { graph, node } = c;
  const [x, w] = node.inputs.map((id) => getValue(graph, id));
  const y = getValue(graph, node.output);
  if (y.shape[3]! < 4) return undefined;
  const [, height, width] = w!.shape as number[];
  const common = {
    order: 'any' as const,
    inPlace: elements(y.shape) <= elements(x!.shape) && runsInPlace(x!, y, node.attrs),
    packing: 'quads' as const,
    requantization: withZero(c, form),
  };
  if (height === 3 && width === 3 && sameShape(node.attrs.dilation, [1, 1])) {
    const name = 'enn_depthwise_conv2d_s8_3x3quads__dsp';
    return { ...common, name, header: 'enn_s8_depthwise_quads_dsp.h' };
  }
  const [pairs, odd] = [Math.floor(width! / 2), width! % 2];
  const perOutput = (35 + height! * (17 * pairs + 9 * odd + 7)) / 4;
  // Pairs of weights are made once for all pixels of four channels.
  const begin = Math.ceil(y.shape[3]! / 4) * (60 + 22 * height! * width!);
  const instructions = begin + perOutput * elements(y.shape);
  const slowly = (20 + 4 * height! * width!) * elements(y.shape);
  if (instructions >= slowly) return undefined;
  return {
    ...common,
    name: 'enn_depthwise_conv2d_s8_quads__dsp',
    header: 'enn_s8_depthwise_any_dsp.h',
    scratchBytes: height! * (8 * (2 * pairs + odd) + 4 * width!),
    instructions,
    smaller: { ...slow, instructions: slowly },
  };
}

/** Outputs from which on a line is worth its gathering. */
const leastLine = 4;

const depthwiseConv2d: Choice<'depthwiseConv2d'> = (c) => {
  const { graph, node } = c;
  const requantization = short(c, false);
  const [x, y] = [getValue(graph, node.inputs[0]!), getValue(graph, node.output)];
  if (!requantization || x.shape[3] !== y.shape[3]) return undefined;
  const [, kernelHeight, kernelWidth] = getValue(graph, node.inputs[1]!).shape;
  const { stride, dilation } = node.attrs;
  const ones = [...stride, ...dilation].every((n) => n === 1);
  const plane = planeOf(c, requantization, isPositive(c));
  if (plane) return plane;
  const slow: Kernel = {
    name: 'enn_depthwise_conv2d_s8__dsp',
    header: 'enn_s8_depthwise_dsp.h',
    order: 'pixels',
    packing: 'channels4',
    requantization,
  };
  const taps = kernelHeight! * kernelWidth!;
  const axis = kernelWidth === 1 ? 1 : 2;
  const length = y.shape[axis]!;
  const isLine =
    ones && (kernelHeight === 1 || kernelWidth === 1) && x.shape[3 - axis] === y.shape[3 - axis];
  if (isLine && length >= leastLine) {
    return {
      name: `enn_depthwise_conv2d_s8_line${isPositive(c) ? 'positive' : ''}__dsp`,
      header: 'enn_s8_depthwise_line_dsp.h',
      order: 'any',
      inPlace: length <= x.shape[axis]!,
      packing: 'planes',
      scratchBytes: lineBytes(taps, length),
      requantization: withZero(c, requantization),
    };
  }
  return quadsOf(c, requantization, slow) ?? slow;
};

/**
 * Instructions for `inputs` of all outputs: of enn_s8_dense_dsp.h, by four, then one by one; of
 * enn_s8_dense_fold_dsp.h, by six, then two, with the inputs as they are or wide.
 */
const denseCost: { readonly [K in 'rows4' | 'fold6' | 'wide6']: (n: number) => number } = {
  rows4: (n) => 20 * Math.floor(n / 4) + 9 * (n % 4),
  fold6: (n) => 25 * Math.floor(n / 6) + 14 * Math.ceil((n % 6) / 2),
  wide6: (n) => 21 * Math.floor(n / 6) + 10 * Math.ceil((n % 6) / 2) + 9,
};

function denseLayer(c: Case<'dense' | 'conv2d'>, form: ShortForm): Kernel {
  const call = c.node.op === 'dense' ? {} : ({ form: 'dense' } as const);
  const { graph, node } = c;
  const weights = weightsOf(graph, node);
  const outputs = getValue(graph, node.output).shape.at(-1)!;
  const blocks = Math.ceil(weights.length / outputs / 4);
  const costOf = (kernel: keyof typeof denseCost) => blocks * denseCost[kernel](outputs);
  if (!folds(c, form) || costOf('rows4') < Math.min(costOf('fold6'), costOf('wide6'))) {
    return {
      ...call,
      name: 'enn_dense_s8_rows4__dsp',
      header: 'enn_s8_dense_dsp.h',
      order: 'pixels',
      packing: 'rows4',
      requantization: form,
    };
  }
  const { zero } = perTensor(getValue(graph, node.inputs[0]!));
  const narrow: Kernel = {
    ...call,
    name: 'enn_dense_s8_fold6__dsp',
    header: 'enn_s8_dense_fold_dsp.h',
    order: 'pixels',
    packing: 'rows6',
    instructions: costOf('fold6'),
    requantization: { ...form, bias: foldRows(form.bias, weights, zero) },
  };
  if (costOf('fold6') <= costOf('wide6')) return narrow;
  const wide = { instructions: costOf('wide6'), scratchBytes: 8 * blocks, smaller: narrow };
  return { ...narrow, ...wide, name: 'enn_dense_s8_wide6__dsp' };
}

const dense: Choice<'dense'> = (c) => {
  const form = short(c, false);
  return form && denseLayer(c, form);
};

/** One operand is halved exactly, the one with the larger scale; see enn_s8_add_dsp.h. */
export const addSame: Choice<'add'> = ({ graph, node }) => {
  const [a, b] = node.inputs.map((id) => getValue(graph, id));
  const scaling = addMultipliers(graph, node);
  const fits = [scaling.a, scaling.b].every((factor) => isHalf(factor) || isShort(factor));
  if (!fits || !isShort(scaling.out) || !sameShape(a!.shape, b!.shape)) return undefined;
  return {
    name: 'enn_add_s8_same__dsp',
    header: 'enn_s8_add_dsp.h',
    order: 'elements',
    form: 'same',
  };
};

const addPlane = planeAdd({ suffix: 'dsp', header: 'enn_s8_add_plane_dsp.h', room: 2 ** 31 });

/** Sums of int16 hold that many int8. */
const mostAveraged = 255;

const maxPool2d: Choice<'maxPool2d'> = ({ graph, node }) =>
  getValue(graph, node.output).shape[3]! < 4
    ? undefined
    : { name: 'enn_max_pool2d_s8__dsp', header: 'enn_s8_pool_dsp.h', order: 'pixels' };

const avgPool2d: Choice<'avgPool2d'> = ({ graph, node }) =>
  getValue(graph, node.output).shape[3]! < 4 || elements(node.attrs.size) > mostAveraged
    ? undefined
    : { name: 'enn_avg_pool2d_s8__dsp', header: 'enn_s8_pool_dsp.h', order: 'pixels' };

/** The kernels for Armv7E-M. */
export const dspKernels: Choices = {
  ...byteKernels({ header: 'enn_s8_line_dsp.h', suffix: 'dsp', lines: true }),
  conv2d,
  depthwiseConv2d,
  dense,
  add: (c) => addPlane(c) ?? addSame(c),
  mul: shortMul('dsp'),
  mean: shortMean('dsp'),
  maxPool2d,
  avgPool2d,
};
