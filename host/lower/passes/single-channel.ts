/**
 * A depthwise convolution of one channel is a convolution, with the same sums in the same order of
 * taps; but kernels of the latter share a window among all output channels. First layers of keyword
 * and grey-image networks are of this kind.
 */
import type { AnyArray } from '../../core/dtype.js';
import {
  type Graph,
  getData,
  getValue,
  type Node,
  type NodeOf,
  type Value,
  type ValueId,
} from '../../ir/graph.js';
import { rebuild } from '../edit.js';

const isSingleChannel = (graph: Graph, node: Node): node is NodeOf<'depthwiseConv2d'> =>
  node.op === 'depthwiseConv2d' &&
  getValue(graph, node.inputs[0]!).shape[3] === 1 &&
  getValue(graph, node.inputs[1]!).kind === 'const';

/** w[1][taps][channels] as w[channels][taps]. */
function transposed(w: AnyArray, channels: number): AnyArray {
  const taps = w.length / channels;
  const out = w.slice();
  for (let i = 0; i < w.length; i++) {
    out[(i % channels) * taps + Math.floor(i / channels)] = w[i]!;
  }
  return out;
}

/** The weights as those of a convolution: [channels, height, width, 1], scales along axis 0. */
function convWeights(w: Value, id: ValueId): Value {
  const [, height, width, channels] = w.shape as [number, number, number, number];
  const { quant, ...rest } = w;
  const perAxis = quant?.axis !== undefined;
  return {
    ...rest,
    id,
    shape: [channels, height, width, 1],
    ...(quant && { quant: perAxis ? { ...quant, axis: 0 } : quant }),
  };
}

/** Turns depthwise convolutions of one channel into convolutions. */
export function singleChannel(graph: Graph): Graph {
  const values = new Map<ValueId, Value>();
  const data = new Map<ValueId, AnyArray>();
  const nodes = graph.nodes.map((node): Node => {
    if (!isSingleChannel(graph, node)) return node;
    const [x, w, ...bias] = node.inputs as [ValueId, ValueId, ...ValueId[]];
    const id = `${w}.conv`;
    const weights = getValue(graph, w);
    values.set(id, convWeights(weights, id));
    data.set(id, transposed(getData(graph, w), weights.shape[3]!));
    return { op: 'conv2d', inputs: [x, id, ...bias], output: node.output, attrs: node.attrs };
  });
  return rebuild(graph, { nodes, values: [...values.values()], data });
}
