/** The kinds of worked examples about functions: forward, gradient, network, branches. */
import type { Engine } from '../../host/engine/engine.js';
import { input } from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import type { Tensor as Value } from '../../host/front/tensor.js';
import type { Graph } from '../../host/ir/graph.js';
import { arrayOp } from './array-ops.js';
import { compareComplex, complexOperand } from './complex.js';
import {
  compare,
  type Example,
  type Fields,
  fail,
  fieldsOf,
  isOn,
  isTensor,
  isYes,
  type Json,
  keyOf,
  need,
  operandsOf,
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
  inputNames,
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
    const given = isTransform(op)
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

/** Ops with several results. */
const hasResults = new Set(['moments', 'split', 'unstack']);

/** Fourier transforms; layers that use one are layers. */
const isTransform = (op: string): boolean => /[fd]ft/.test(op) && layerOf(op) === undefined;

const withoutBatch = ({ shape, data }: Tensor): Tensor => ({ shape: shape.slice(1), data });

const trainingNames = ['training', 'isTraining', 'train'];
const isTraining = ({ attrs }: Fields): boolean => isOn(attrs, ...trainingNames);

/** Batch normalization without statistics takes those of the batch. */
function usesBatch(fields: Fields, unless: boolean): boolean {
  const said = pick(fields.attrs, ...trainingNames);
  if (said !== undefined) return isYes(said);
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

/**
 * The operands of a layer by the names that it knows: those that a case calls otherwise stand for
 * what is missing, in the order of x and the weights.
 */
function layerOperands(example: Example): Readonly<Record<string, string>> {
  const operands = operandsOf(example).map(([name]) => name);
  const slots = [inputNames, ...layerOf(opOf(example))!.weights.map(({ names }) => names)];
  const known = (names: readonly string[]) =>
    keyOf(Object.fromEntries(operands.map((name) => [name, true])), ...names);
  const missing = slots.filter((names) => known(names) === undefined);
  const taken = new Set(slots.map(known));
  const strange = operands.filter((name) => !taken.has(name));
  const pairs = strange.slice(0, missing.length).map((name, i) => [name, missing[i]![0]!] as const);
  return Object.fromEntries(pairs);
}

/** The tensors of a case by the names that its layer knows. */
function knownTensors(example: Example): Fields['tensors'] {
  const { tensors } = fieldsOf({ ...example, expect: undefined });
  const renamed = layerOperands(example);
  const all = [...Object.entries(tensors), ...operandsOf(example)];
  return Object.fromEntries(all.map(([name, x]) => [renamed[name] ?? name, x]));
}

const layerInput = (example: Example): Tensor =>
  inputOf({ tensors: knownTensors(example), attrs: {} });

/** The network of one layer; a filter beside x may leave out axes of 1, and so may x. */
function layerNetwork(example: Example, training: boolean): { net: Network; x: Tensor } {
  const { attrs } = fieldsOf({ ...example, expect: undefined });
  const { ranks, weights } = layerOf(opOf(example))!;
  const given = knownTensors(example);
  const input = inputOf({ tensors: given, attrs });
  const norm = isNorm(opOf(example));
  const image = norm ? asColumn(input) : input;
  const tensors = norm ? perFeature(given, image.shape.at(-1)!) : given;
  const filter = keyOf(tensors, ...(weights[0]?.names ?? [])) ?? '';
  const w = ranks?.w && tensors[filter] && withRank(tensors[filter], ranks.w, undefined);
  const pooled = image.shape.length === (ranks?.x ?? 0) - 1 ? image.shape.at(-1)! : 1;
  const x = ranks ? withRank(image, ranks.x, w ? w.shape.at(-2)! : pooled) : image;
  const net = network(x, [[{ ...attrs, ...tensors, ...(w && { [filter]: w }) }]]);
  return { net: training ? asTrained(net) : net, x };
}

/** What batch normalization leaves in its moving statistics, after one step. */
function movingStatistic(engine: Engine, example: Example, name: string): Tensor {
  const key = Object.entries(normNames).find(([, names]) => keyOf({ [name]: 1 }, ...names))?.[0];
  const { net, x } = layerNetwork(example, true);
  const state = net.graph.states.find(({ value }) => value.endsWith(`.${key}`));
  if (!state) fail(`batch normalization has no result ${name}`);
  return execute(engine, net.graph, feedsOf(net, x), [state.value])[1]!;
}

/** The mean or the variance of the batch, where a case names one of them. */
function batchStatistic(engine: Engine, example: Example, name: string): Tensor {
  const { x } = layerNetwork(example, true);
  const axes = x.shape.slice(1).map((_, i) => i);
  const inputs = { x };
  const moments = { ...example, op: 'moments', inputs, attrs: { axes } };
  const which = /mean/i.test(name) ? 'mean' : 'variance';
  return outputOfOp(engine, moments, 'moments', which);
}

/** A statistic that batch normalization gives beside its output; undefined for others. */
function statistic(engine: Engine, example: Example, name: string): Tensor | undefined {
  const { mean, variance } = normNames;
  const isGiven = pick(fieldsOf(example).tensors, ...mean) !== undefined;
  if (/^(batch|saved)_?(mean|var)/i.test(name)) return batchStatistic(engine, example, name);
  if (keyOf({ [name]: 1 }, ...mean, ...variance) === undefined) return undefined;
  const isBatch = !isGiven && /^(mean|variance|var)$/.test(name);
  return (isBatch ? batchStatistic : movingStatistic)(engine, example, name);
}

/** A result of a case's op; complex numbers as they are. */
function outputOfOp(engine: Engine, example: Example, op: string, name: string): Tensor {
  if (isLoss(op)) return lossOfCase(engine, example, op);
  const found = isNorm(op) ? statistic(engine, example, name) : undefined;
  if (found) return found;
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
  const operands = operandsOf(example);
  const areScalars = operands.length > 0 && operands.every(([, x]) => x.shape.length === 0);
  if (areScalars && y.data.length === want.data.length) return { ...y, shape: want.shape };
  const ranks = layerOf(opOf(example))?.ranks;
  const least = isNorm(opOf(example)) ? 2 : ranks?.x;
  const isShort = least && layerInput(example).shape.length < least;
  return isShort && y.data.length === want.data.length ? { ...y, shape: want.shape } : y;
}

export function forward(engine: Engine, example: Example): void {
  const op = plainName(opOf(example));
  if (isTransform(op)) {
    compareComplex(outputOfOp(engine, example, op, 'y'), example);
    return;
  }
  const wanted = outputsOf(example.expect);
  if (wanted.length > 1 && !isNorm(op) && !hasResults.has(op)) outputOf(example.expect);
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
  const called = Object.entries(layerOperands(example));
  const namesOf = (names: readonly string[]) => [
    ...names,
    ...called.flatMap(([name, known]) => (names.includes(known) ? [name] : [])),
  ];
  return new Map(
    found.flatMap(({ names, tensor }) =>
      namesOf(names).map((name) => [name.toLowerCase(), tensor] as const),
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
  const wrt = String([pick(example, 'wrt', 'of') ?? 'x'].flat()[0]);
  const expected = Object.entries(
    isTensor(example.expect) ? { [wrt]: example.expect } : (example.expect as Json),
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

/** Layers with the tensors of the case in the place of their names; of a list of names each its own. */
function named(layer: unknown, tensors: Fields['tensors']): unknown {
  if (typeof layer === 'string') return tensors[layer] ?? layer;
  if (Array.isArray(layer) && layer.length > 0 && layer.every((name) => tensors[String(name)])) {
    const [w, b] = layer.map((name) => tensors[String(name)]);
    return { w, ...(b && { b }) };
  }
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
  const missing = (rank ?? 2) - x.shape.length;
  if (missing === 2) return { ...x, shape: [1, ...x.shape, 1] };
  return missing === 1 ? { ...x, shape: [1, ...x.shape] } : x;
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
  // Without its batch of 1, and a signal without its channel too.
  const shape = y.shape.slice(y.shape.length - want.shape.length > 0 ? 1 : 0);
  const isSignal = fields.tensors.x?.shape.length === 1 && want.data.length === y.data.length;
  compare({ ...y, shape: isSignal ? want.shape : shape }, want, example, 'y');
}

export const networkCase = (engine: Engine, example: Example): void =>
  compareNetwork(engine, example, [listOf(need(example, 'layers', 'network'))]);

export const branches = (engine: Engine, example: Example): void =>
  compareNetwork(engine, example, branchesOf(need(example, 'branches', 'parallel', 'layers')));
