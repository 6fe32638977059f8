/**
 * Layers of worked examples as a graph: built, given their weights, run and differentiated by the
 * engine.
 */
import type { AnyArray } from '../../host/core/dtype.js';
import { elements, type Shape } from '../../host/core/shape.js';
import type { Engine } from '../../host/engine/engine.js';
import { add, concat } from '../../host/front/elementwise.js';
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
  keyOf,
  need,
  pick,
  plainName,
  type Tensor,
  toTensor,
  upstreamNames,
} from './example.js';
import { networkLayer, type WeightOrder } from './ops.js';

/** [..., in, out] as [out, ..., in]. */
export function outFirst({ shape, data }: Tensor): number[] {
  const [outs, rest] = [shape.at(-1)!, elements(shape.slice(0, -1))];
  return Array.from(data, (_, i) => data[(i % rest) * outs + Math.floor(i / rest)]!);
}

/** The way back, for a weight of the example's shape. */
export function outLast(data: readonly number[], shape: Shape): number[] {
  const [outs, rest] = [shape.at(-1)!, elements(shape.slice(0, -1))];
  return Array.from(data, (_, i) => data[(i % outs) * rest + Math.floor(i / outs)]!);
}

/** A weight as it stands in the example and in the graph. */
export interface Placed {
  readonly layer: number;
  readonly name: string;
  /** What cases call it. */
  readonly names: readonly string[];
  readonly id: ValueId;
  readonly order: WeightOrder;
  readonly tensor: Tensor;
}

export interface Network {
  readonly graph: Graph;
  readonly weights: readonly Placed[];
}

/** The layers of a list, of an object `{layers: [...]}`, or of one layer. */
export function listOf(value: unknown): Json[] {
  if (Array.isArray(value)) return value as Json[];
  const layers = typeof value === 'object' ? pick(value as Json, 'layers', 'ops') : undefined;
  return Array.isArray(layers) ? (layers as Json[]) : [value as Json];
}

/** Branches as a list of lists of layers; a list may have a name. */
export const branchesOf = (value: unknown): Json[][] =>
  (Array.isArray(value) ? value : Object.values(value as Json)).map(listOf);

/** Branches over one value, joined: concatenated on the last axis or added; or one after the other. */
function compound(x: Value, layer: Json, label: string, weights: Placed[]): Value | undefined {
  if (typeof layer === 'string') return undefined;
  const parallel = Object.keys(layer).find((key) => key === 'branches' || key === 'parallel');
  const name = plainName(String(pick(layer, 'op', 'type', 'layer', 'kind') ?? parallel ?? ''));
  const kinds = ['branches', 'parallel', 'inception', 'residual', 'sequential', 'block'];
  if (!kinds.includes(name)) return undefined;
  const walk = (list: readonly Json[], part: string) =>
    stackLayers(x, list, `${label}.${part}`, weights);
  if (name === 'residual') {
    const shortcut = pick(layer, 'shortcut', 'projection');
    return add(walk(listOf(layer), 'main'), shortcut ? walk(listOf(shortcut), 'shortcut') : x);
  }
  if (name === 'sequential' || name === 'block') return walk(listOf(layer), 'main');
  const ends = branchesOf(need(layer, 'branches', 'parallel', 'layers')).map((list, i) =>
    walk(list, `b${i}`),
  );
  return plainName(String(layer.merge ?? 'concat')) === 'add'
    ? ends.reduce((sum, end) => add(sum, end))
    : concat(ends);
}

/** What a layer without a name is, by its weights. */
function unnamedLayer({ tensors }: Fields): string {
  const w = pick(tensors, 'w', 'weights', 'weight', 'filter', 'kernel');
  const ranks: Readonly<Record<number, string>> = { 2: 'dense', 3: 'conv1d', 4: 'conv2d' };
  return ranks[w?.shape.length ?? 0] ?? fail('a layer has no op');
}

/** A layer's op and fields; `{relu: {}}` and 'relu' name an op too, and a product's operand is w. */
function layerFields(json: Json | string): { readonly op: string; readonly fields: Fields } {
  if (typeof json === 'string') return { op: json, fields: { tensors: {}, attrs: {} } };
  const fields = fieldsOf(json);
  const named = pick(fields.attrs, 'op', 'type', 'layer', 'kind');
  const [[key, value], ...others] = Object.entries(json) as [[string, unknown], ...unknown[]];
  if (named === undefined && others.length === 0) {
    return layerFields({ op: key, ...(value as Json) });
  }
  const op = (named as string | undefined) ?? unnamedLayer(fields);
  const { tensors } = fields;
  const [only, ...rest] = Object.keys(tensors);
  const isProduct = /^(matmul|dot)$/.test(plainName(op)) && only && rest.length === 0;
  return { op, fields: isProduct ? { ...fields, tensors: { w: tensors[only]! } } : fields };
}

/** Builds layers on a value; their weights are noted with the names that the graph gives them. */
function stackLayers(x: Value, list: readonly Json[], prefix: string, weights: Placed[]): Value {
  return list.reduce((value, json, layer) => {
    const label = `${prefix}.l${layer}`;
    const joined = compound(value, json, label, weights);
    if (joined) return joined;
    const { op, fields } = layerFields(json);
    const rule = networkLayer(op, fields);
    for (const { names, id, order, optional } of rule.weights) {
      const name = keyOf(fields.tensors, ...names) ?? names[0]!;
      const tensor = optional ? fields.tensors[name] : need(fields.tensors, ...names);
      if (!tensor) continue;
      weights.push({ layer, name: id, names, id: `${label}.${id}`, order, tensor });
    }
    return rule.build(value, fields, label);
  }, x);
}

/** A network of branches over one input, concatenated on the last axis; or of one branch. */
export function network(x: Tensor, branches: readonly (readonly Json[])[]): Network {
  const weights: Placed[] = [];
  const float = model('m', () => {
    const value = input(x.shape.slice(1));
    const ends = branches.map((layers, i) => stackLayers(value, layers, `b${i}`, weights));
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

/** Runs a graph and reads its outputs, then the states that are asked for, as the run left them. */
export function execute(
  engine: Engine,
  graph: Graph,
  feeds: Feeds,
  states: readonly ValueId[] = [],
): Tensor[] {
  const program = engine.compile(graph);
  for (const [id, data] of feeds) program.write(id, data);
  program.run();
  const results = [...graph.outputs, ...states].map((id) => ({
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
  readonly names: readonly string[];
  readonly tensor: Tensor;
}

/** The upstream gradient; ones where the case has none: the gradient of the sum. */
const gradientOf = (dy: Tensor | undefined, shape: Shape): Float32Array<ArrayBuffer> =>
  dy ? floats(dy.data) : new Float32Array(elements(shape)).fill(1);

/** The gradients of sum(y dy) for the inputs and some weights. */
export function gradientsOf(
  engine: Engine,
  graph: Graph,
  feeds: Feeds,
  dy: Tensor | undefined,
  wrt: readonly ValueId[],
): Tensor[] {
  const builder = buildGraph({ ...graph, stage: 'train' }, graph);
  const { shape } = getValue(graph, graph.outputs[0]!);
  const upstream = builder.input({ shape, dtype: 'f32' }, { id: 'upstream' });
  const grads = gradients(graph, builder, graph.outputs[0]!, upstream, wrt);
  const whole = builder.finish(wrt.map((id) => grads.get(id) ?? id));
  return execute(engine, whole, new Map(feeds).set(upstream, gradientOf(dy, shape)));
}

/** The gradients of a network for its input and all weights. */
export function networkGradients(
  engine: Engine,
  net: Network,
  x: Tensor,
  dy: Tensor | undefined,
): Gradient[] {
  const ids = [net.graph.inputs[0]!, ...net.weights.map(({ id }) => id)];
  const [dx, ...rest] = gradientsOf(engine, net.graph, feedsOf(net, x), dy, ids);
  const placed = rest.map(({ data }, i) => {
    const { layer, name, names, order, tensor } = net.weights[i]!;
    const shape = tensor.shape;
    const ordered = { shape, data: order === 'same' ? data : outLast(data, shape) };
    return { layer, name, names, tensor: ordered };
  });
  return [{ layer: -1, name: 'x', names: ['x', 'input', 'value'], tensor: dx! }, ...placed];
}

/** What cases call the input. */
export const inputNames = ['x', 'input', 'inputs', 'value', 'images', 'image', 'img'];

/** The input of a case. */
export const inputOf = ({ tensors }: Fields): Tensor => need(tensors, ...inputNames);

/** The tensors that a case expects, by name; a single one is y, those of a list y0, y1, ... */
export function outputsOf(expect: unknown): [string, Tensor][] {
  if (Array.isArray(expect) && expect.length > 0 && expect.every(isTensor)) {
    return expect.map((tensor, i) => [`y${i}`, toTensor(tensor)]);
  }
  if (isTensor(expect) || Array.isArray(expect) || typeof expect === 'number') {
    return [['y', toTensor(expect)]];
  }
  const entries = Object.entries(expect as Json);
  if (entries.length === 0) fail('the case expects nothing');
  return entries.map(([name, value]) => [name, toTensor(value)]);
}

/** The tensor that a case expects of its only output; more than one would go unseen. */
export function outputOf(expect: unknown): Tensor {
  const [[, value], ...others] = outputsOf(expect) as [[string, Tensor], ...[string, Tensor][]];
  if (others.length > 0) fail(`there is no output ${others.map(([name]) => name)}`);
  return value;
}

export const upstreamOf = ({ tensors }: Fields): Tensor | undefined =>
  pick(tensors, ...upstreamNames);
