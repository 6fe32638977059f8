/**
 * Kernels of nodes whose values are not all int8: int16 activations with int8 weights (`s16w8`), int8
 * activations with weights of 4 bits (`s8w4`), and changes between 8 and 16 bits. select.ts asks here
 * first.
 */
import { type Graph, getValue, inputsOf, type NodeOf } from '../../ir/graph.js';
import { layerMultipliers, reducedTable } from '../../quant/interpret/params.js';
import { biasOf, perTensor, weightsOf } from '../../quant/interpret/quant.js';
import { isLayer, type LayerNode, type LayerOp } from '../../quant/quant-rules.js';
import type { Arch, Kernel, ReadingOrder } from '../lowered.js';
import type { StepNode, StepOp } from '../lowered-ops.js';
import { rowSums } from '../pack/mve.js';
import { columnBytes, columnTaps, packWeights } from '../pack/pack.js';
import {
  highMultiplier,
  type LayerTables,
  packedPairs,
  packS4,
  packS16,
  plainTables,
} from '../pack/types.js';
import { accumulatorLimit } from '../proof.js';
import type { Choice, Choices } from './choice.js';
import { addSame, dspKernels, isNarrow, short } from './dsp.js';

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

/** The types part of a node's kernel name. */
export function typesOf(graph: Graph, node: StepNode): Types {
  const [x, w] = inputsOf(graph, node);
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

/** The portable kernel of a layer; it adds in 64 bits where 32 are not proven to do. */
function portableLayer(layer: Layer, types: 's16w8' | 's8w4'): Kernel {
  const { node, bounds, weights, bias } = layer;
  const own = layerMultipliers(layer.graph, node);
  const table = types === 's16w8' ? reducedTable(node, own) : own;
  const wide = types === 's16w8' && bounds.some((bound) => bound > accumulatorLimit);
  return {
    name: `enn_${names[node.op]}_${types}${wide ? '_wide' : ''}__ref`,
    header: `enn_${types}_layers.h`,
    order: 'pixels',
    tables: plainTables(weights, types === 's8w4' ? 4 : 8, bias, table),
  };
}

/** Bytes of scratch per block of four taps of four pixels, and per block of one pixel's line. */
const [blockBytes, lineBytes] = [32, 8] as const;

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
    const bytes = channels % 4 === 0 ? blockBytes : blockBytes + lineBytes;
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
  const { multiplier, shift } = reducedTable(node, layerMultipliers(layer.graph, node));
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

/** Sums of 4-bit weights are 16 times as large in the kernels for Armv7E-M. */
const largestS4 = 2 ** 27;

const headerS4 = 'enn_s8w4_dsp.h';

/** The kernels that depthwise layers of 4-bit weights are unpacked for. */
const unpacking: Readonly<Record<string, string>> = {
  enn_depthwise_conv2d_s8__dsp: 'enn_depthwise_conv2d_s8w4__dsp',
  enn_depthwise_conv2d_s8_3x3plane__dsp: 'enn_depthwise_conv2d_s8w4_3x3plane__dsp',
  enn_depthwise_conv2d_s8_3x3planepositive__dsp: 'enn_depthwise_conv2d_s8w4_3x3planepositive__dsp',
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
    header: headerS4,
    order: kernel.order,
    ...(kernel.inPlace && { inPlace: true }),
    tables: { weights: packedPairs(packed), align: 4, bias, mult, shift },
    scratchBytes: 4 * Math.ceil(packed.length / 4) + (kernel.scratchBytes ?? 0),
  };
}

/** The bias of sums of 16 times the products, less what the input's zero point adds to them. */
const scaledBias = (bias: Int32Array, sums: Int32Array, zero: number): Int32Array =>
  bias.map((b, o) => Math.imul(16, b - Math.imul(zero, sums[o]!)));

/** The tables of a layer of 4-bit weights; `zero` is what its kernel does not subtract itself. */
function tablesS4(
  layer: Layer,
  pack: (weights: Int8Array, rows: number) => Int8Array,
  zero: number,
): LayerTables | undefined {
  const form = short(layer, false);
  if (!form) return undefined;
  const { multiplier: mult, shift } = form.multipliers;
  const rows = form.bias.length;
  const bias = scaledBias(form.bias, rowSums(layer.weights, rows), zero);
  return { weights: pack(layer.weights, rows), align: 4, bias, mult, shift };
}

/** The kernels of 4-bit weights for Armv7E-M. */
const dspS4: { readonly [O in LayerOp]: (layer: Layer) => Kernel | undefined } = {
  conv2d(layer) {
    const node = layer.node as NodeOf<'conv2d'>;
    const window = getValue(layer.graph, node.inputs[1]!).shape;
    const ordered = (w: Int8Array) =>
      isNarrow({ graph: layer.graph, node }) ? w : columnTaps(w, window);
    const pack = (w: Int8Array, rows: number) => packS4.conv2d(ordered(w), rows);
    // The columns of a convolution are less the zero point.
    const tables = tablesS4(layer, pack, 0);
    const even = 2 * Math.ceil(tapsOf(layer).blocks / 2);
    const scratchBytes = Math.max(even * blockBytes, columnBytes(window, node.attrs.stride[1], 4));
    const name = 'enn_conv2d_s8w4_cols4__dsp';
    return tables && { name, header: headerS4, order: 'blocks', scratchBytes, tables };
  },
  depthwiseConv2d: depthwiseS4,
  dense(layer) {
    const { zero } = perTensor(getValue(layer.graph, layer.node.inputs[0]!));
    const tables = tablesS4(layer, packS4.dense, zero);
    return tables && { name: 'enn_dense_s8w4_rows4__dsp', header: headerS4, order: 'any', tables };
  },
};

const layerS4 = (layer: Layer): Kernel | undefined =>
  layer.bounds.some((bound) => bound >= largestS4) ? undefined : dspS4[layer.node.op](layer);

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
  const kernel = addSame(c);
  if (!kernel) return undefined;
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
  const bias = biasOf(graph, node, channels);
  const layer = { graph, node, bounds, weights: weightsOf(graph, node), bias };
  const own = types === 's16w8' ? 's16w8' : 's8w4';
  return faster[arch][own]?.(layer) ?? portableLayer(layer, own);
}
