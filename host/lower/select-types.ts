/**
 * Kernels of nodes whose values are not all int8: int16 activations with int8 weights (`s16w8`), int8
 * activations with weights of 4 bits (`s8w4`), and changes between 8 and 16 bits. select.ts asks here
 * first.
 */
import { type Graph, getValue, inputsOf, type Node } from '../ir/graph.js';
import { convMultipliers, denseMultipliers, reducedTable } from '../quant/interpret-params.js';
import { biasOf, weightsOf } from '../quant/interpret-quant.js';
import type { Arch, Kernel, ReadingOrder } from './lowered.js';
import type { StepNode, StepOp } from './lowered-ops.js';
import { plainTables } from './pack-types.js';
import { accumulatorLimit } from './proof.js';

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
  _arch: Arch,
  bounds: readonly number[] = unproven,
): Kernel | undefined {
  const types = typesOf(graph, node);
  if (types === 's8') return undefined;
  if (!isLayer(node)) {
    const [header, order] = references[node.op];
    return { name: `enn_${names[node.op]}_${types}__ref`, header: `enn_s16_${header}.h`, order };
  }
  const channels = getValue(graph, node.output).shape.at(-1)!;
  const bias = biasOf(graph, node as Node, channels);
  const layer = { graph, node, bounds, weights: weightsOf(graph, node as Node), bias };
  return portableLayer(layer, types === 's16w8' ? 's16w8' : 's8w4');
}
