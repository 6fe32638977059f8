/**
 * Kernels of nodes whose values are not all int8: int16 activations with int8 weights (`s16w8`), int8
 * activations with weights of 4 bits (`s8w4`), and changes between 8 and 16 bits. select.ts asks here
 * first.
 */
import { type Graph, getValue, inputsOf, type Node, type NodeOf } from '../../ir/graph.js';
import {
  convMultipliers,
  denseMultipliers,
  type MultiplierTable,
  reducedTable,
} from '../../quant/interpret/params.js';
import { biasOf, perTensor, weightsOf } from '../../quant/interpret/quant.js';
import type { Arch, Kernel, ReadingOrder } from '../lowered.js';
import type { StepNode, StepOp } from '../lowered-ops.js';
import { packWeights, shortForm } from '../pack/pack.js';
import { highMultiplier, packedPairs, packS4, packS16, plainTables } from '../pack/types.js';
import { accumulatorLimit } from '../proof.js';
import type { Choice, Choices } from './choice.js';
import { dspKernels } from './dsp.js';

type LayerOp = 'conv2d' | 'depthwiseConv2d' | 'dense';
type LayerNode = Extract<StepNode, { readonly op: LayerOp }>;

/** What a layer's kernel is chosen by. */
interface Layer {
  readonly graph: Graph;
  readonly node: LayerNode;
  readonly bounds: readonly number[];
  readonly weights: Int8Array;
  readonly bias: Int32Array;
}

/** How a node is stored: the types part of its kernel's name. */
export type Types = 's8' | 's16' | 's8s16' | 's16s8' | 's16w8' | 's8w4';

/** A layer's weights are its second input. */
const isLayer = (node: StepNode): node is LayerNode =>
  node.op === 'conv2d' || node.op === 'depthwiseConv2d' || node.op === 'dense';

/** The types part of a node's kernel name. */
export function typesOf(graph: Graph, node: StepNode): Types {
  const [x, w] = inputsOf(graph, node as Node);
  const y = getValue(graph, node.output);
  if (isLayer(node)) return y.dtype === 's16' ? 's16w8' : w!.dtype === 's4' ? 's8w4' : 's8';
  if (x!.dtype === y.dtype) return y.dtype === 's16' ? 's16' : 's8';
  return y.dtype === 's16' ? 's8s16' : 's16s8';
}

/** The op part of a kernel's name. */
const names: { readonly [O in StepOp]: string } = {
  conv2d: 'conv2d',
  depthwiseConv2d: 'depthwise_conv2d',
  dense: 'dense',
  maxPool2d: 'max_pool2d',
  avgPool2d: 'avg_pool2d',
  mean: 'mean',
  add: 'add',
  mul: 'mul',
  relu: 'requantize',
  relu6: 'requantize',
  requantize: 'requantize',
  softmax: 'softmax',
  pad: 'pad',
  concat: 'concat',
};

/** Headers and reading orders of the portable kernels of int16; layers have a header of their own. */
const references: { readonly [O in Exclude<StepOp, LayerOp>]: readonly [string, ReadingOrder] } = {
  maxPool2d: ['pool', 'pixels'],
  avgPool2d: ['pool', 'pixels'],
  mean: ['reduce', 'any'],
  add: ['elementwise', 'elements'],
  mul: ['elementwise', 'elements'],
  relu: ['elementwise', 'elements'],
  relu6: ['elementwise', 'elements'],
  requantize: ['elementwise', 'elements'],
  softmax: ['softmax', 'elements'],
  pad: ['shape', 'any'],
  concat: ['shape', 'any'],
};

const multipliersOf = ({ graph, node }: Layer) =>
  (node.op === 'dense' ? denseMultipliers : convMultipliers)(graph, node as Node);

/** The portable kernel of a layer; it adds in 64 bits where 32 are not proven to do. */
function portableLayer(layer: Layer, types: 's16w8' | 's8w4'): Kernel {
  const { node, bounds, weights, bias } = layer;
  const own = multipliersOf(layer);
  const table = types === 's16w8' ? reducedTable(node as Node, own) : own;
  const wide = types === 's16w8' && bounds.some((bound) => bound > accumulatorLimit);
  return {
    name: `enn_${names[node.op]}_${types}${wide ? '_wide' : ''}__ref`,
    header: `enn_${types}_layers.h`,
    order: 'pixels',
    tables: plainTables(weights, types === 's8w4' ? 4 : 8, bias, table),
  };
}

/** Bytes of scratch per block of four taps of four pixels, and per block of one pixel's line. */
const [columnBytes, lineBytes] = [32, 8] as const;

const tapsOf = ({ graph, node }: Layer) => {
  const [, height = 1, width = 1, channels = 1] = getValue(graph, node.inputs[1]!).shape;
  return { taps: height * width, channels, blocks: Math.ceil((height * width * channels) / 4) };
};

/** Whether a depthwise layer has an output channel per input channel. */
const isPlain = ({ graph, node }: Layer): boolean =>
  getValue(graph, node.inputs[0]!).shape[3] === getValue(graph, node.output).shape[3];

/** What a kernel of int16 activations for Armv7E-M has beside its tables. */
const dspS16: { readonly [O in LayerOp]: (layer: Layer) => Omit<Kernel, 'header'> | undefined } = {
  conv2d(layer) {
    const { channels, blocks } = tapsOf(layer);
    const bytes = channels % 4 === 0 ? columnBytes : columnBytes + lineBytes;
    const scratchBytes = blocks * bytes;
    return { name: 'enn_conv2d_s16w8_cols4__dsp', order: 'blocks', scratchBytes };
  },
  depthwiseConv2d: (layer) =>
    isPlain(layer) ? { name: 'enn_depthwise_conv2d_s16w8__dsp', order: 'pixels' } : undefined,
  dense: () => ({ name: 'enn_dense_s16w8_rows4__dsp', order: 'any' }),
};

/** The kernel of int16 activations for Armv7E-M, where 32 bits hold every sum. */
function layerS16(layer: Layer): Kernel | undefined {
  const { node, bounds, weights, bias } = layer;
  const kernel = dspS16[node.op](layer);
  if (!kernel || bounds.some((bound) => bound > accumulatorLimit)) return undefined;
  const { multiplier, shift } = reducedTable(node as Node, multipliersOf(layer));
  const most = Math.max(...bounds);
  const mult = Array.from(multiplier, (m, q) =>
    highMultiplier(m, shift[q]!, multiplier.length === 1 ? most : bounds[q]!),
  );
  if (mult.includes(undefined)) return undefined;
  const tables = {
    weights: packS16[node.op](weights, bias.length),
    align: 4,
    bias,
    mult: Int32Array.from(mult as number[]),
  };
  return { ...kernel, header: 'enn_s16w8_dsp.h', tables };
}

/** The kernel of 4-bit weights for Armv7E-M: sums are 16 times as large there. */
const largestS4 = 2 ** 27;

/** A layer's tables such that every shift is one to the right. */
function shortTables({ graph, node, bounds, weights, bias }: Layer, multipliers: MultiplierTable) {
  const apart = node.op === 'depthwiseConv2d';
  const [channels, count] = [bias.length, weights.length / bias.length];
  const at = (channel: number, i: number) => (apart ? channel + i * channels : channel * count + i);
  const isConstant = (channel: number) =>
    Array.from({ length: count }, (_, i) => weights[at(channel, i)]).every((w) => w === 0);
  const outZero = perTensor(getValue(graph, node.output)).zero;
  return shortForm({ multipliers, bias, outZero, isConstant, bounds }, false);
}

/** The kernels that depthwise layers of 4-bit weights are unpacked for. */
const unpacking: Readonly<Record<string, string>> = {
  enn_depthwise_conv2d_s8__dsp: 'enn_depthwise_conv2d_s8w4__dsp',
  enn_depthwise_conv2d_s8_3x3plane__dsp: 'enn_depthwise_conv2d_s8w4_3x3plane__dsp',
  enn_depthwise_conv2d_s8_quads__dsp: 'enn_depthwise_conv2d_s8w4_quads__dsp',
  enn_depthwise_conv2d_s8_3x3quads__dsp: 'enn_depthwise_conv2d_s8w4_3x3quads__dsp',
};

function depthwiseS4(layer: Layer): Kernel | undefined {
  const { graph, bounds, weights } = layer;
  const node = layer.node as NodeOf<'depthwiseConv2d'>;
  const w = getValue(graph, node.inputs[1]!);
  const values = new Map([...graph.values, [w.id, { ...w, dtype: 's8' as const }]]);
  const kernel = dspKernels.depthwiseConv2d?.({ graph: { ...graph, values }, node, bounds });
  const name = kernel && unpacking[kernel.name];
  if (!kernel?.packing || !kernel.requantization || !name) return undefined;
  const packed = packWeights(weights, w.shape, kernel.packing);
  const { multipliers, bias } = kernel.requantization;
  const { multiplier: mult, shift } = multipliers;
  return {
    name,
    header: 'enn_s8w4_dsp.h',
    order: kernel.order,
    ...(kernel.inPlace && { inPlace: true }),
    tables: { weights: packedPairs(packed), align: 4, bias, mult, shift },
    scratchBytes: 4 * Math.ceil(packed.length / 4) + (kernel.scratchBytes ?? 0),
  };
}

/** The bias of sums of 16 times the products, less what the input's zero point adds to them. */
const scaledBias = (bias: Int32Array, sums: Int32Array, zero: number): Int32Array =>
  bias.map((b, o) => Math.imul(16, b - Math.imul(zero, sums[o]!)));

const rowSums = (w: Int8Array, rows: number): Int32Array => {
  const count = w.length / rows;
  return Int32Array.from({ length: rows }, (_, row) =>
    w.subarray(row * count, (row + 1) * count).reduce((a, b) => a + b, 0),
  );
};

function layerS4(layer: Layer): Kernel | undefined {
  const { graph, node, bounds, weights } = layer;
  if (bounds.some((bound) => bound >= largestS4)) return undefined;
  if (node.op === 'depthwiseConv2d') return depthwiseS4(layer);
  const short = shortTables(layer, multipliersOf(layer));
  if (!short) return undefined;
  const { multiplier: mult, shift } = short.multipliers;
  const rows = short.bias.length;
  // The columns of a convolution are less the zero point; a dense layer's inputs are not.
  const dense = node.op === 'dense';
  const zero = dense ? perTensor(getValue(graph, node.inputs[0]!)).zero : 0;
  const bias = scaledBias(short.bias, rowSums(weights, rows), zero);
  const tables = { weights: packS4[node.op](weights, rows), align: 4, bias, mult, shift };
  const header = 'enn_s8w4_dsp.h';
  if (dense) return { name: 'enn_dense_s8w4_rows4__dsp', header, order: 'any', tables };
  const { channels, blocks } = tapsOf(layer);
  const even = 2 * Math.ceil(blocks / 2);
  const scratchBytes = Math.max(even * columnBytes, blocks * (columnBytes + (channels % 4 && 4)));
  return { name: 'enn_conv2d_s8w4_cols4__dsp', header, order: 'blocks', scratchBytes, tables };
}

type LayerTypes = 's16w8' | 's8w4';

/** The faster kernels of layers, by core and types. */
const faster: {
  readonly [A in Arch]: Partial<Record<LayerTypes, (layer: Layer) => Kernel | undefined>>;
} = {
  ref: {},
  dsp: { s16w8: layerS16, s8w4: layerS4 },
  mve: { s16w8: layerS16, s8w4: layerS4 },
  m0: {},
};

/** add of one shape for Armv7E-M, wherever that of int8 would do with the same factors. */
const addS16: Choice<'add'> = (c) => {
  const kernel = dspKernels.add?.(c);
  if (kernel?.form !== 'same') return undefined;
  return { ...kernel, name: 'enn_add_s16_same__dsp', header: 'enn_s16_add_dsp.h' };
};

/** The faster kernels of ops without weights, by core. */
const fasterS16: { readonly [A in Arch]: Choices } = {
  ref: {},
  dsp: { add: addS16 },
  mve: { add: addS16 },
  m0: {},
};

/** No sum is known to fit. */
const unproven = [Number.POSITIVE_INFINITY];

/**
 * The kernel of a node that is not int8 throughout; undefined for one that is.
 *
 * @param bounds of the step's accumulators, from their proof (lower/proof.ts)
 */
export function selectTyped(
  graph: Graph,
  node: StepNode,
  arch: Arch,
  bounds: readonly number[] = unproven,
): Kernel | undefined {
  const types = typesOf(graph, node);
  if (types === 's8') return undefined;
  if (!isLayer(node)) {
    const choice = fasterS16[arch][node.op] as Choice<StepOp> | undefined;
    const better = types === 's16' ? choice?.({ graph, node, bounds }) : undefined;
    if (better) return better;
    const [header, order] = references[node.op];
    return { name: `enn_${names[node.op]}_${types}__ref`, header: `enn_s16_${header}.h`, order };
  }
  const channels = getValue(graph, node.output).shape.at(-1)!;
  const bias = biasOf(graph, node as Node, channels);
  const layer = { graph, node, bounds, weights: weightsOf(graph, node as Node), bias };
  const own = types === 's16w8' ? 's16w8' : 's8w4';
  return faster[arch][own]?.(layer) ?? portableLayer(layer, own);
}
