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
  pick,
  plainName,
  type Tensor,
  toTensor,
} from './example.js';
import { isLoss, lossGradients, lossOfCase } from './loss-ops.js';
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

const parts = { re: ['re', 'real'], im: ['im', 'imag', 'imaginary'] } as const;

/** Whether the operand of a transform is complex already: by what the case expects of it. */
function isComplex(x: Tensor, expect: Json, axes: number): boolean {
  const whole = toTensor(pick(expect, 'y', 'output', ...parts.re));
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
  const [re, im] = [pick(expect, ...parts.re), pick(expect, ...parts.im)];
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

/** The network of one layer; a filter beside x may leave out axes of 1, and so may x. */
function layerNetwork(example: Example, training: boolean): { net: Network; x: Tensor } {
  const { tensors, attrs } = fieldsOf(example);
  const { ranks, weights } = layerOf(opOf(example))!;
  const filter = weights[0]?.names.find((name) => tensors[name]) ?? '';
  const w = ranks?.w && tensors[filter] && withRank(tensors[filter], ranks.w, undefined);
  const given = inputOf({ tensors, attrs });
  const pooled = given.shape.length === (ranks?.x ?? 0) - 1 ? given.shape.at(-1)! : 1;
  const x = ranks ? withRank(given, ranks.x, w ? w.shape.at(-2)! : pooled) : given;
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
  const isShort = ranks && inputOf(fieldsOf(example)).shape.length < ranks.x;
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

/** The name of an operand from that of its gradient: dx, gradX and x are one. */
const operandName = (name: string): string => name.replace(/^(grad_?|d_?)(?=.)/i, '').toLowerCase();

/** The gradients of a layer for x and its weights, by every name that a case may give them. */
function layerGradients(engine: Engine, example: Example, op: string): Map<string, Tensor> {
  const fields = fieldsOf(example);
  const training = isNorm(op) && usesBatch(fields, true);
  const { net, x } = layerNetwork(example, training);
  const [y] = execute(engine, net.graph, feedsOf(net, x));
  const dy = upstreamOf(fields) ?? lossGradient({ tensors: {}, attrs: fields.attrs }, y!);
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
    compare({ ...tensor, shape: wanted.shape }, wanted, example, `gradient of ${name}`);
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

/** The output of lists of layers over one input. */
function compareNetwork(engine: Engine, example: Example, lists: readonly Json[][]): void {
  const fields = fieldsOf(example);
  const x = inputOf(fields);
  const plain = network(x, lists);
  const net = isTraining(fields) || normalizesBatch(lists) ? asTrained(plain) : plain;
  compare(execute(engine, net.graph, feedsOf(net, x))[0]!, outputOf(example.expect), example, 'y');
}

export const networkCase = (engine: Engine, example: Example): void =>
  compareNetwork(engine, example, [listOf(need(example, 'layers', 'network'))]);

export const branches = (engine: Engine, example: Example): void =>
  compareNetwork(engine, example, branchesOf(need(example, 'branches', 'layers')));

/** Dense layers, written as layers, as bare weights, or as inputs w1, b1, w2, ... */
function denseLayers(example: Example): Json[] {
  const given = pick(example, 'layers', 'weights', 'network');
  if (given !== undefined && (Array.isArray(given) || 'layers' in (given as Json))) {
    return listOf(given).map((layer) =>
      isTensor(layer) || Array.isArray(layer)
        ? { op: 'dense', w: layer }
        : { op: 'dense', ...layer },
    );
  }
  const { tensors } = fieldsOf(example);
  const numbers = Object.keys(tensors).flatMap((name) => /^w_?(\d*)$/i.exec(name)?.slice(1) ?? []);
  if (numbers.length === 0) fail('the case has no layers');
  const sorted = numbers.sort((m, n) => Number(m) - Number(n));
  return sorted.map((n) => {
    const bias = pick(tensors, `b${n}`, `b_${n}`);
    return { op: 'dense', w: need(tensors, `w${n}`, `w_${n}`, `W${n}`), ...(bias && { b: bias }) };
  });
}

/** The expected gradients as [layer, name, tensor]; -1 is the input. */
function expectedGradients(expect: unknown): [number, string, Tensor][] {
  if (Array.isArray(expect)) {
    return expect.flatMap((layer, i) => {
      const named = isTensor(layer) ? { w: layer } : (layer as Json);
      return Object.entries(named).map(([name, value]): [number, string, Tensor] => [
        i,
        operandName(name),
        toTensor(value),
      ]);
    });
  }
  const entries = Object.entries(expect as Json);
  const base = entries.some(([name]) => /(^|\D)0(\.|$)/.test(name)) ? 0 : 1;
  return entries.flatMap(([key, value]): [number, string, Tensor][] => {
    if (Array.isArray(value) && (key === 'layers' || isTensor(value[0]))) {
      const name = operandName(key);
      const layers = key === 'layers' ? value : value.map((tensor) => ({ [name]: tensor }));
      return expectedGradients(layers);
    }
    // layers.0.w, layer1.w, w_1, dW1
    const nested = /^(?:layers?[._]?)?(\d+)[._](\w+)$/i.exec(key);
    const named = nested ? `${nested[2]}${nested[1]}` : key;
    const [, name, digits] = /^(.*?)_?(\d*)$/.exec(operandName(named))!;
    const layer = name === 'x' || name === 'input' ? -1 : digits === '' ? 0 : Number(digits) - base;
    return [[layer, name === 'input' ? 'x' : name!, toTensor(value)]];
  });
}

export function networkGradient(engine: Engine, example: Example): void {
  const fields = fieldsOf(example);
  const x = inputOf(fields);
  const net = network(x, [denseLayers(example)]);
  const [y] = execute(engine, net.graph, feedsOf(net, x));
  const dy = upstreamOf(fields) ?? lossGradient(fields, y!);
  const found = networkGradients(engine, net, x, dy);
  for (const [layer, name, want] of expectedGradients(example.expect)) {
    const gradient = found.find((g) => g.layer === layer && g.name === name);
    const what = `gradient of ${name} of layer ${layer}`;
    if (!gradient) fail(`there is no ${what}`);
    compare({ ...gradient.tensor, shape: want.shape }, want, example, what);
  }
}

/** Without upstream: that of the loss that the case names, of no target or one; else of the sum. */
function lossGradient({ tensors, attrs }: Fields, y: Tensor): Tensor {
  const target = pick(tensors, 'target', 'targets', 'labels', 'y');
  const loss = plainName(String(attrs.loss ?? (target ? '' : 'sum')));
  const off = y.data.map((v, i) => v - (target?.data[i] ?? 0));
  const factors: Readonly<Record<string, number>> = {
    ...{ sumsquares: 2, sumofsquares: 2, sse: 2, halfsumsquares: 1, l2loss: 1 },
    ...{ meansquares: 2 / off.length, meanofsquares: 2 / off.length, mse: 2 / off.length },
  };
  const isSum = loss === 'sum' || loss === 'reducesum';
  const factor = factors[loss] ?? (isSum ? 1 : fail(`there is no loss ${loss}`));
  return { shape: y.shape, data: isSum ? off.map(() => 1) : off.map((v) => factor * v) };
}
