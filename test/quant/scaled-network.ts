/** Networks whose channels have quite different magnitudes between two layers, by design. */
import { randomNormal } from '../../host/core/random.js';
import { relu } from '../../host/front/elementwise.js';
import { conv2d, dense, depthwiseConv2d, globalAvgPool2d, input } from '../../host/front/layers.js';
import { type Graph, getData, getValue, type Node, type ValueId } from '../../host/ir/graph.js';
import { prepareForQuantization } from '../../host/quant/quantize.js';
import { graphOf } from './fixture.js';

const separable = () => {
  let x = relu(conv2d(input([10, 10, 3]), 8, 3, { padding: 'same', name: 'first' }));
  x = relu(depthwiseConv2d(x, 3, { padding: 'same', name: 'plane' }));
  x = relu(conv2d(x, 12, 1, { name: 'point' }));
  return dense(globalAvgPool2d(x), 4, { name: 'last' });
};

const layerAt = (graph: Graph, op: string, which = 0): Node =>
  graph.nodes.filter((node) => node.op === op)[which]!;

type Data = Map<ValueId, Float32Array>;

/** Multiplies parameters by a factor per index. */
function multiply(graph: Graph, data: Data, id: ValueId, factor: (index: number) => number): void {
  const content = data.get(id) ?? (getData(graph, id) as Float32Array);
  data.set(
    id,
    content.map((x, i) => x * factor(i)),
  );
}

/**
 * A depthwise-separable network that computes the same as a well-scaled one, its channels behind
 * the first two layers spread over some orders of magnitude.
 */
export function scaledNetwork(decades: number): Graph {
  const graph = prepareForQuantization(graphOf(separable));
  const [first, plane] = [layerAt(graph, 'conv2d'), layerAt(graph, 'depthwiseConv2d')];
  const point = layerAt(graph, 'conv2d', 1);
  const spread = (purpose: number) =>
    Float64Array.from(
      { length: 8 },
      (_, i) => 10 ** ((decades / 2) * randomNormal({ seed: purpose, purpose: 'test' }, i)),
    );
  const [a, b] = [spread(1), spread(2)];
  const data: Data = new Map();
  const inner = getValue(graph, first.inputs[1]!)
    .shape.slice(1)
    .reduce((x, y) => x * y);
  multiply(graph, data, first.inputs[1]!, (i) => a[Math.floor(i / inner)]!);
  multiply(graph, data, first.inputs[2]!, (i) => a[i]!);
  multiply(graph, data, plane.inputs[1]!, (i) => b[i % 8]! / a[i % 8]!);
  multiply(graph, data, plane.inputs[2]!, (i) => b[i]!);
  multiply(graph, data, point.inputs[1]!, (i) => 1 / b[i % 8]!);
  return { ...graph, data: new Map([...graph.data, ...data]) };
}
