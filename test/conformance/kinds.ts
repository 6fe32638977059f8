/** The kinds of worked examples about functions: forward, gradient, network, branches. */
import type { Engine } from '../../host/engine/engine.js';
import { complex } from '../../host/front/arrays.js';
import { input } from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import type { Tensor as Value } from '../../host/front/tensor.js';
import type { Graph } from '../../host/ir/graph.js';
import { arrayOp } from './array-ops.js';
import {
  compare,
  type Example,
  type Fields,
  fail,
  fieldsOf,
  isOn,
  isTensor,
  type Json,
  need,
  operandsOf,
  partNames,
  pick,
  plainName,
  type Tensor,
  toTensor,
} from './example.js';
import { isLoss, lossGradients, lossOfCase } from './loss-ops.js';
import { lossGradient, operandName } from './network-gradients.js';
import {
  asTrained,
  branchesOf,
  execute,
  type Feeds,
  feedsOf,
  gradientsOf,
  inputOf,
  listOf,
  type Network,
  network,
  networkGradients,
  outputOf,
  outputsOf,
  upstreamOf,
} from './networks.js';
import { layerOf, normNames } from './ops.js';

const opOf = (example: Example): string => need(example, 'op') as string;

/** Scalars are given as [1]: the builder's inputs have a shape. */
const sizeOf = ({ shape }: Tensor) => (shape.length === 0 ? [1] : shape);

/** A part of the result as its parts are called: re, yRe, y_real. */
const partOfResult = (expect: Json, part: keyof typeof partNames): unknown =>
  Object.entries(expect).find(([key]) => {
    const name = plainName(key);
    return partNames[part].some((end) => name === end || name === `y${end}`);
  })?.[1];

/** Whether the operand of a transform is complex already: by what the case expects of it. */
function isComplex(x: Tensor, expect: Json, axes: number): boolean {
  const whole = toTensor(pick(expect, 'y', 'output') ?? partOfResult(expect, 're'));
  if (x.shape.length <= axes) return false;
  const isPart = pick(expect, 'y', 'output') === undefined;
  const rank = whole.shape.length + (isPart ? 1 : 0);
  if (x.shape.at(-1) !== 2 || rank > x.shape.length) return false;
  return rank === x.shape.length || whole.shape.length === x.shape.length - 1;
}

/** The operands of a transform as one complex value. */
function complexOperand(
  values: readonly Value[],
  operands: readonly [string, Tensor][],
  expect: Json,
  axes: number,
) {
  if (values.length === 2) return [complex(values[0]!, values[1]!)];
  return isComplex(operands[0]![1], expect, axes) ? [values[0]!] : [complex(values[0]!)];
}

interface Built {
  readonly graph: Graph;
  readonly feeds: Feeds;
}

/**
 * A graph of an array op over operands that are all inputs, of batch 1.
 *
 * @param result the name of the wanted result, for ops that have several
 */
function arrayGraph(example: Example, op: string, result = 'y'): Built {
  const operands = operandsOf(example);
  const build = arrayOp(op) ?? fail(`there is no op ${opOf(example)}`);
  const { attrs } = fieldsOf(example);
  const graph = model('m', () => {
    const values = operands.map(([name, x]) => input(sizeOf(x), { name: `in_${name}` }));
    const given = op.includes('fft')
      ? complexOperand(values, operands, example.expect as Json, op.includes('2') ? 2 : 1)
      : values;
    const built = build(given, attrs);
    if ('context' in built) return built as Value;
    return built[results[plainName(result)] ?? result] ?? fail(`${op} has no result ${result}`);
  }).graph();
  const feeds = operands.map(([name, x]) => [`in_${name}`, Float32Array.from(x.data)] as const);
  return { graph, feeds: new Map(feeds) };
}

/** Other names of results. */
const results: Readonly<Record<string, string>> = { average: 'mean', var: 'variance' };

const withoutBatch = ({ shape, data }: Tensor): Tensor => ({ shape: shape.slice(1), data });

/** Every second number of a complex result. */
const partOf = ({ shape, data }: Tensor, part: number): Tensor => ({
  shape: shape.slice(0, -1),
  data: data.filter((_, i) => i % 2 === part),
});

function compareComplex(found: Tensor, example: Example): void {
  const expect = example.expect as Json;
  const [re, im] = [partOfResult(expect, 're'), partOfResult(expect, 'im')];
  if (re) compare(partOf(found, 0), toTensor(re), example, 're');
  if (im) compare(partOf(found, 1), toTensor(im), example, 'im');
  if (re || im) return;
  const want = outputOf(expect);
  compare(want.shape.length < found.shape.length ? partOf(found, 0) : found, want, example, 'y');
}

const isTraining = ({ attrs }: Fields): boolean =>
  isOn(attrs, 'training', 'isTraining', 'is_training', 'train');

/** Batch normalization without statistics takes those of the batch. */
function usesBatch(fields: Fields, unless: boolean): boolean {
  const said = pick(fields.attrs, 'training', 'isTraining', 'is_training', 'train');
  if (said !== undefined) return said === true;
  return unless || pick(fields.tensors, ...normNames.mean) === undefined;
}

const isNorm = (op: string): boolean =>
  layerOf(op) !== undefined && layerOf(op) === layerOf('batchnorm');

/** x or a filter with the axes of 1 that the case leaves out: the channels, or the batch of x. */
function withRank(tensor: Tensor, rank: number, channels: number | undefined): Tensor {
  const missing = rank - tensor.shape.length;
  if (missing <= 0) return tensor;
  const isImage = channels !== undefined;
  const hasChannels = isImage && missing === 1 && tensor.shape.at(-1) === channels;
  const after = hasChannels ? 0 : isImage ? 1 : missing;
  const ones = (n: number) => new Array<number>(n).fill(1);
  return { ...tensor, shape: [...ones(missing - after), ...tensor.shape, ...ones(after)] };
}

/** The numbers of one feature. */
const asColumn = (x: Tensor): Tensor =>
  x.shape.length === 1 ? { ...x, shape: [...x.shape, 1] } : x;

/** One number for all features, as one each; other names are as they are. */
function perFeature(tensors: Fields['tensors'], features: number): Fields['tensors'] {
  const names = Object.values(normNames).flat();
  const spread = Object.entries(tensors).map(([name, tensor]) => {
    const isOne = names.includes(name) && tensor.data.length === 1;
    const data = Array.from({ length: features }, () => tensor.data[0]!);
    return [name, isOne ? { shape: [features], data } : tensor];
  });
  return Object.fromEntries(spread);
}

/** The network of one layer; a filter beside x may leave out axes of 1, and so may x. */
function layerNetwork(example: Example, training: boolean): { net: Network; x: Tensor } {
  const { tensors: given, attrs } = fieldsOf(example);
  const { ranks, weights } = layerOf(opOf(example))!;
  const input = inputOf({ tensors: given, attrs });
  const norm = isNorm(opOf(example));
  const image = norm ? asColumn(input) : input;
  const tensors = norm ? perFeature(given, image.shape.at(-1)!) : given;
  const filter = weights[0]?.names.find((name) => tensors[name]) ?? '';
  const w = ranks?.w && tensors[filter] && withRank(tensors[filter], ranks.w, undefined);
  const pooled = image.shape.length === (ranks?.x ?? 0) - 1 ? image.shape.at(-1)! : 1;
  const x = ranks ? withRank(image, ranks.x, w ? w.shape.at(-2)! : pooled) : image;
  const net = network(x, [[{ ...attrs, ...tensors, ...(w && { [filter]: w }) }]]);
  return { net: training ? asTrained(net) : net, x };
}

/** What batch normalization leaves in its moving statistics, after one step. */
function movingStatistic(engine: Engine, example: Example, name: string): Tensor {
  const key = Object.entries(normNames).find(([, names]) => names.includes(name))?.[0];
  const { net, x } = layerNetwork(example, true);
  const state = net.graph.states.find(({ value }) => value.endsWith(`.${key}`));
  if (!state) fail(`batch normalization has no result ${name}`);
  return execute(engine, net.graph, feedsOf(net, x), [state.value])[1]!;
}

/** A result of a case's op; complex numbers as they are. */
function outputOfOp(engine: Engine, example: Example, op: string, name: string): Tensor {
  if (isLoss(op)) return lossOfCase(engine, example, op);
  if (isNorm(op) && normNames.mean.concat(normNames.variance).includes(name)) {
    return movingStatistic(engine, example, name);
  }
  if (layerOf(op)) {
    const fields = fieldsOf(example);
    const training = isNorm(op) ? usesBatch(fields, false) : isTraining(fields);
    const { net, x } = layerNetwork(example, training);
    return execute(engine, net.graph, feedsOf(net, x))[0]!;
  }
  const { graph, feeds } = arrayGraph(example, op, name);
  return withoutBatch(execute(engine, graph, feeds)[0]!);
}

/** The shape that the case gives it, where both hold the same numbers and axes of 1 were added. */
function reduced(example: Example, y: Tensor, want: Tensor): Tensor {
  const ranks = layerOf(opOf(example))?.ranks;
  const least = isNorm(opOf(example)) ? 2 : ranks?.x;
  const isShort = least && inputOf(fieldsOf(example)).shape.length < least;
  return isShort && y.data.length === want.data.length ? { ...y, shape: want.shape } : y;
}

export function forward(engine: Engine, example: Example): void {
  const op = plainName(opOf(example));
  if (op.includes('fft')) {
    compareComplex(outputOfOp(engine, example, op, 'y'), example);
    return;
  }
  const wanted = outputsOf(example.expect);
  if (wanted.length > 1 && !isNorm(op) && op !== 'moments') outputOf(example.expect);
  for (const [name, want] of wanted) {
    const y = outputOfOp(engine, example, op, name);
    compare(reduced(example, y, want), want, example, name);
  }
}

/** The gradients of a layer for x and its weights, by every name that a case may give them. */
function layerGradients(engine: Engine, example: Example, op: string): Map<string, Tensor> {
  const fields = fieldsOf(example);
  const isGiven = normNames.mean.slice(0, 1).some((name) => fields.tensors[name]);
  const training = isNorm(op) && usesBatch(fields, example.kind === 'bn-gradient' || !isGiven);
  const { net, x } = layerNetwork(example, training);
  const [y] = execute(engine, net.graph, feedsOf(net, x));
  const dy = upstreamOf(fields) ?? lossGradient(engine, { tensors: {}, attrs: fields.attrs }, y!);
  const found = networkGradients(engine, net, x, dy);
  return new Map(
    found.flatMap(({ names, tensor }) =>
      names.map((name) => [name.toLowerCase(), tensor] as const),
    ),
  );
}

/** The gradients of one op, by operand. */
function opGradients(engine: Engine, example: Example, op: string): Map<string, Tensor> {
  if (layerOf(op)) return layerGradients(engine, example, op);
  if (isLoss(op)) return lossGradients(engine, example, op);
  const { graph, feeds } = arrayGraph(example, op);
  const dy = upstreamOf(fieldsOf(example));
  const found = gradientsOf(engine, graph, feeds, dy, graph.inputs);
  return new Map(
    found.map((tensor, i) => [
      graph.inputs[i]!.replace(/^in_/, '').toLowerCase(),
      withoutBatch(tensor),
    ]),
  );
}

export function gradient(engine: Engine, example: Example): void {
  const found = opGradients(engine, example, plainName(opOf(example)));
  const expected = Object.entries(
    isTensor(example.expect) ? { x: example.expect } : (example.expect as Json),
  );
  if (expected.length === 0) fail('the case expects nothing');
  for (const [name, want] of expected) {
    const key = found.has(name.toLowerCase()) ? name.toLowerCase() : operandName(name);
    const tensor = found.get(key) ?? fail(`the op has no operand for the gradient ${name}`);
    const wanted = toTensor(want);
    const isOne = wanted.data.length === 1 && isNorm(opOf(example));
    const data = isOne ? [tensor.data.reduce((sum, v) => sum + v)] : tensor.data;
    compare({ data, shape: wanted.shape }, wanted, example, `gradient of ${name}`);
  }
}

/** Whether a layer, or one inside of it, normalizes by the batch: it says so or has no statistics. */
function normalizesBatch(layer: unknown): boolean {
  if (typeof layer !== 'object' || layer === null || isTensor(layer)) return false;
  const fields = Array.isArray(layer) ? undefined : fieldsOf(layer as Json);
  const op = fields && pick(fields.attrs, 'op', 'type', 'layer', 'kind');
  if (fields && typeof op === 'string' && isNorm(op)) return usesBatch(fields, false);
  return Object.values(layer).some(normalizesBatch);
}

/** Layers with the tensors of the case in the place of their names. */
function named(layer: unknown, tensors: Fields['tensors']): unknown {
  if (typeof layer === 'string') return tensors[layer] ?? layer;
  if (typeof layer !== 'object' || layer === null || isTensor(layer)) return layer;
  if (!Array.isArray(layer)) {
    const entries = Object.entries(layer).map(([key, value]) => [key, named(value, tensors)]);
    return Object.fromEntries(entries);
  }
  return layer.map((inner) => named(inner, tensors));
}

/** x with a batch of 1 where the first layer that says so wants an axis more. */
function withBatch(x: Tensor, [first]: readonly Json[]): Tensor {
  const rank = first && layerOf(String(pick(first, 'op', 'type', 'layer') ?? ''))?.ranks?.x;
  const isShort = x.shape.length === (rank ?? 2) - 1;
  return isShort ? { ...x, shape: [1, ...x.shape] } : x;
}

/** The output of lists of layers over one input. */
function compareNetwork(engine: Engine, example: Example, given: readonly Json[][]): void {
  const fields = fieldsOf(example);
  const lists = named(given, fields.tensors) as Json[][];
  const x = withBatch(inputOf(fields), lists[0]!);
  const plain = network(x, lists);
  const net = isTraining(fields) || normalizesBatch(lists) ? asTrained(plain) : plain;
  const y = execute(engine, net.graph, feedsOf(net, x))[0]!;
  const want = outputOf(example.expect);
  const isSame = want.shape.length === y.shape.length;
  compare(isSame ? y : { ...y, shape: y.shape.slice(1) }, want, example, 'y');
}

export const networkCase = (engine: Engine, example: Example): void =>
  compareNetwork(engine, example, [listOf(need(example, 'layers', 'network'))]);

export const branches = (engine: Engine, example: Example): void =>
  compareNetwork(engine, example, branchesOf(need(example, 'branches', 'parallel', 'layers')));
