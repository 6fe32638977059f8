/**
 * Kernels for Helium (kernels/c/enn_s8_*_mve.h), the vectors of Armv8.1-M.
 */
import { elements, sameShape } from '../../core/shape.js';
import { borderOf } from '../../ir/border.js';
import { getData, getValue } from '../../ir/graph.js';
import { addMultipliers, layerMultipliers } from '../../quant/interpret/params.js';
import { perTensor, weightRows } from '../../quant/interpret/quant.js';
import type { LayerOp } from '../../quant/quant-rules.js';
import type { Kernel } from '../lowered.js';
import {
  foldZero,
  groupedBias,
  groupedFactors,
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
import { planeOf, planeReach } from '../pack/plane.js';
import type { LayerTables } from '../pack/types.js';
import { type Case, type Choice, type Choices, isOnePixel } from './choice.js';
import { short } from './dsp.js';

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
  const patches = patchesOf(height, width);
  if (patches) {
    const weights = Int8Array.from([...patches.table, ...zeroEnded(rows, channels)]);
    return {
      name: 'enn_depthwise_conv2d_s8_patches__mve',
      header: 'enn_s8_depthwise_mve.h',
      order: 'any',
      inPlace,
      scratchBytes: patches.planeBytes,
      tables: { weights, align, bias, mult, shift },
    };
  }
  const windows = windowsOf(height, width);
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

/** Operands of one shape, where a plane is exact. */
const add: Choice<'add'> = ({ graph, node }) => {
  const [a, b, y] = [...node.inputs, node.output].map((id) => getValue(graph, id));
  if (!sameShape(a!.shape, b!.shape)) return undefined;
  const zeros = [perTensor(a!).zero, perTensor(b!).zero, perTensor(y!).zero] as const;
  const plane = planeOf({ ...addMultipliers(graph, node), zeros });
  if (!plane) return undefined;
  if (planeReach(plane) >= sumRoom) return undefined;
  return {
    name: `enn_add_s8_${plane.low ? 'fine' : 'plane'}__mve`,
    header: 'enn_s8_add_mve.h',
    order: 'elements',
    plane,
  };
};

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
  conv2d,
  depthwiseConv2d,
  dense,
  add,
  maxPool2d: () => pool('max_pool2d'),
  avgPool2d,
};
