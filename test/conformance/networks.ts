/**
 * Layers of worked examples as a graph: built, given their weights, run and differentiated by the
 * engine.
 */
import type { AnyArray } from '../../host/core/dtype.js';
import { elements, type Shape } from '../../host/core/shape.js';
import type { Engine } from '../../host/engine/engine.js';
import { concat } from '../../host/front/elementwise.js';
import { input } from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import type { Tensor as Value } from '../../host/front/tensor.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import { type Graph, getValue, type ValueId } from '../../host/ir/graph.js';
import { forTraining } from '../../host/rewrite/for-training.js';
import { rebatch } from '../../host/rewrite/rebatch.js';
import { gradients } from '../../host/train/grad.js';
import {
  type Fields,
  fail,
  fieldsOf,
  isTensor,
  type Json,
  need,
  pick,
  type Tensor,
  toTensor,
} from './example.js';
import { networkLayer, type WeightOrder } from './ops.js';

/** [..., in, out] as [out, ..., in]. */
function outFirst({ shape, data }: Tensor): number[] {
  const [outs, rest] = [shape.at(-1)!, elements(shape.slice(0, -1))];
  return Array.from(data, (_, i) => data[(i % rest) * outs + Math.floor(i / rest)]!);
}

/** The way back, for a weight of the example's shape. */
function outLast(data: readonly number[], shape: Shape): number[] {
  const [outs, rest] = [shape.at(-1)!, elements(shape.slice(0, -1))];
  return Array.from(data, (_, i) => data[(i % outs) * rest + Math.floor(i / outs)]!);
}

/** A weight as it stands in the example and in the graph. */
export interface Placed {
  readonly layer: number;
  readonly name: string;
  readonly id: ValueId;
  readonly order: WeightOrder;
  readonly tensor: Tensor;
}

export interface Network {
  readonly graph: Graph;
  readonly weights: readonly Placed[];
}

/** Builds layers on a value; their weights are noted with the names that the graph gives them. */
function stackLayers(x: Value, list: readonly Fields[], prefix: string, weights: Placed[]): Value {
  return list.reduce((value, fields, layer) => {
    const op = need(fields.attrs, 'op', 'type', 'layer') as string;
    const rule = networkLayer(op);
    const label = `${prefix}${layer}`;
    for (const { names, id, order, optional } of rule.weights) {
      const name = names.find((candidate) => fields.tensors[candidate]) ?? names[0]!;
      const tensor = optional ? fields.tensors[name] : need(fields.tensors, ...names);
      if (tensor) weights.push({ layer, name: id, id: `${label}.${id}`, order, tensor });
    }
    return rule.build(value, fields, label);
  }, x);
}

/** A network of branches over one input, concatenated on the last axis; or of one branch. */
export function network(x: Tensor, branches: readonly (readonly Json[])[]): Network {
  const weights: Placed[] = [];
  const float = model('m', () => {
    const value = input(x.shape.slice(1));
    const ends = branches.map((layers, i) =>
      stackLayers(value, layers.map(fieldsOf), `b${i}.l`, weights),
    );
    return ends.length === 1 ? ends[0]! : concat(ends);
  }).graph();
  return { graph: rebatch(float, x.shape[0]!), weights };
}

/** The graph with batch statistics, as training runs it. */
export const asTrained = ({ graph, weights }: Network): Network => ({
  graph: forTraining(graph).graph,
  weights,
});

export type Feeds = ReadonlyMap<ValueId, AnyArray>;

/** Runs a graph and reads some values. */
export function execute(engine: Engine, graph: Graph, feeds: Feeds): Tensor[] {
  const program = engine.compile(graph);
  for (const [id, data] of feeds) program.write(id, data);
  program.run();
  const results = graph.outputs.map((id) => ({
    shape: getValue(graph, id).shape,
    data: Array.from(program.read(id) as ArrayLike<number>),
  }));
  program.dispose();
  return results;
}

const floats = (data: readonly number[]): Float32Array<ArrayBuffer> => Float32Array.from(data);

export function feedsOf({ graph, weights }: Network, x: Tensor): Map<ValueId, AnyArray> {
  const placed = weights.map(({ id, order, tensor }) => {
    return [id, floats(order === 'same' ? tensor.data : outFirst(tensor))] as const;
  });
  return new Map<ValueId, AnyArray>([[graph.inputs[0]!, floats(x.data)], ...placed]);
}

/** A gradient with the name of what it belongs to: x, or a weight of a layer. */
export interface Gradient {
  readonly layer: number;
  readonly name: string;
  readonly tensor: Tensor;
}

/** The gradients of sum(y dy) for the inputs and some weights. */
export function gradientsOf(
  engine: Engine,
  graph: Graph,
  feeds: Feeds,
  dy: Tensor,
  wrt: readonly ValueId[],
): Tensor[] {
  const builder = buildGraph({ ...graph, stage: 'train' }, graph);
  const { shape } = getValue(graph, graph.outputs[0]!);
  const upstream = builder.input({ shape, dtype: 'f32' }, { id: 'upstream' });
  const grads = gradients(graph, builder, graph.outputs[0]!, upstream, wrt);
  const whole = builder.finish(wrt.map((id) => grads.get(id) ?? id));
  return execute(engine, whole, new Map(feeds).set(upstream, floats(dy.data)));
}

/** The gradients of a network for its input and all weights. */
export function networkGradients(engine: Engine, net: Network, x: Tensor, dy: Tensor): Gradient[] {
  const ids = [net.graph.inputs[0]!, ...net.weights.map(({ id }) => id)];
  const [dx, ...rest] = gradientsOf(engine, net.graph, feedsOf(net, x), dy, ids);
  const placed = rest.map(({ data }, i) => {
    const { layer, name, order, tensor } = net.weights[i]!;
    const shape = tensor.shape;
    return { layer, name, tensor: { shape, data: order === 'same' ? data : outLast(data, shape) } };
  });
  return [{ layer: -1, name: 'x', tensor: dx! }, ...placed];
}

/** The input of a case. */
export const inputOf = ({ tensors }: Fields): Tensor => need(tensors, 'x', 'input');

/** The tensor that a case expects of its only output; more than one would go unseen. */
export function outputOf(expect: unknown): Tensor {
  if (isTensor(expect) || Array.isArray(expect) || typeof expect === 'number') {
    return toTensor(expect);
  }
  const [[, value] = [], ...others] = Object.entries(expect as Json);
  if (others.length > 0) fail(`there is no output ${others.map(([name]) => name)}`);
  return toTensor(value);
}

export const upstreamOf = ({ tensors }: Fields): Tensor | undefined =>
  pick(tensors, 'upstream', 'dy', 'dout');
