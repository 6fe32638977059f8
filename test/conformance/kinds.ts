/** The kinds of worked examples about functions: forward, gradient, network, branches. */
import { elements } from '../../host/core/shape.js';
import type { Engine } from '../../host/engine/engine.js';
import { complex } from '../../host/front/arrays.js';
import { input } from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import type { Tensor as Value } from '../../host/front/tensor.js';
import type { Graph } from '../../host/ir/graph.js';
import {
  compare,
  type Example,
  type Fields,
  fail,
  fieldsOf,
  isTensor,
  type Json,
  need,
  pick,
  plainName,
  type Tensor,
  toTensor,
} from './example.js';
import { isLoss, lossGraph, lossOfCase } from './loss-ops.js';
import {
  asTrained,
  execute,
  type Feeds,
  feedsOf,
  gradientsOf,
  inputOf,
  type Network,
  network,
  networkGradients,
  outputOf,
  upstreamOf,
} from './networks.js';
import { arrayOps, layerOf } from './ops.js';

const opOf = (example: Example): string => need(example, 'op') as string;

/** The tensors of a case that are operands, in order. */
const operandsOf = (example: Example): [string, Tensor][] =>
  Object.entries(fieldsOf({ inputs: example.inputs }).tensors);

/** Scalars are given as [1]: the builder's inputs have a shape. */
const sizeOf = ({ shape }: Tensor) => (shape.length === 0 ? [1] : shape);

const parts = { re: ['re', 'real'], im: ['im', 'imag', 'imaginary'] } as const;

/** Whether the operand of a transform is complex already: by what the case expects of it. */
function isComplex(x: Tensor, expect: Json): boolean {
  const whole = pick(expect, 'y', 'output', ...parts.re) as Tensor;
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
) {
  if (values.length === 2) return [complex(values[0]!, values[1]!)];
  return isComplex(operands[0]![1], expect) ? [values[0]!] : [complex(values[0]!)];
}

interface Built {
  readonly graph: Graph;
  readonly feeds: Feeds;
}

/** A graph of an array op over operands that are all inputs, of batch 1. */
function arrayGraph(example: Example, op: string): Built {
  const operands = operandsOf(example);
  const build = arrayOps[op] ?? fail(`there is no op ${opOf(example)}`);
  const { attrs } = fieldsOf(example);
  const graph = model('m', () => {
    const values = operands.map(([name, x]) => input(sizeOf(x), { name: `in_${name}` }));
    const given = op.includes('fft')
      ? complexOperand(values, operands, example.expect as Json)
      : values;
    return build(given, attrs);
  }).graph();
  const feeds = operands.map(([name, x]) => [`in_${name}`, Float32Array.from(x.data)] as const);
  return { graph, feeds: new Map(feeds) };
}

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
  pick(attrs, 'training', 'isTraining', 'is_training') === true;

/** The network of one layer. */
function layerNetwork(example: Example, training: boolean): { net: Network; x: Tensor } {
  const x = inputOf(fieldsOf(example));
  const net = network(x, [[example]]);
  return { net: training ? asTrained(net) : net, x };
}

/** The output of a case's op; complex numbers as they are. */
function outputOfOp(engine: Engine, example: Example, op: string): Tensor {
  if (isLoss(op)) return lossOfCase(engine, example, op);
  if (layerOf(op)) {
    const { net, x } = layerNetwork(example, isTraining(fieldsOf(example)));
    return execute(engine, net.graph, feedsOf(net, x))[0]!;
  }
  const { graph, feeds } = arrayGraph(example, op);
  return withoutBatch(execute(engine, graph, feeds)[0]!);
}

export function forward(engine: Engine, example: Example): void {
  const op = plainName(opOf(example));
  const y = outputOfOp(engine, example, op);
  if (op.includes('fft')) compareComplex(y, example);
  else compare(y, outputOf(example.expect), example, 'y');
}

/** The name of an operand from that of its gradient: dx, gradX and x are one. */
const operandName = (name: string): string => name.replace(/^(grad_?|d_?)(?=.)/i, '').toLowerCase();

/** The gradients of one op, by operand. */
function opGradients(engine: Engine, example: Example, op: string): Map<string, Tensor> {
  const fields = fieldsOf(example);
  if (layerOf(op)) {
    const dy = upstreamOf(fields) ?? fail('the case has no upstream');
    // Gradients of batch normalization go through the statistics unless the case says otherwise.
    const training = op === 'batchnorm' && pick(fields.attrs, 'training') !== false;
    const { net, x } = layerNetwork(example, training);
    const grads = networkGradients(engine, net, x, dy);
    const names: Record<string, string> = {
      'depthwise.w': 'depthwise',
      'conv.w': 'w',
      'conv.b': 'b',
    };
    const separable = op.startsWith('separable');
    return new Map(
      grads.map(({ name, tensor }) => [
        separable && name === 'w' ? 'pointwise' : (names[name] ?? name),
        tensor,
      ]),
    );
  }
  const { graph, feeds } = isLoss(op) ? lossGraph(example, op) : arrayGraph(example, op);
  const dy = upstreamOf(fields) ?? { shape: [], data: [1] };
  const inputs = graph.inputs.filter((id) => !(isLoss(op) && id === 'target'));
  const found = gradientsOf(engine, graph, feeds, dy, inputs);
  return new Map(
    found.map((tensor, i) => {
      const name = inputs[i]!.replace(/^in_/, '');
      return [name.toLowerCase(), isLoss(op) ? tensor : withoutBatch(tensor)];
    }),
  );
}

export function gradient(engine: Engine, example: Example): void {
  const found = opGradients(engine, example, plainName(opOf(example)));
  const expected = Object.entries(example.expect as Json);
  if (expected.length === 0) fail('the case expects nothing');
  for (const [name, want] of expected) {
    const key = found.has(name.toLowerCase()) ? name.toLowerCase() : operandName(name);
    const tensor = found.get(key) ?? fail(`the op has no operand for the gradient ${name}`);
    const wanted = toTensor(want);
    compare({ ...tensor, shape: wanted.shape }, wanted, example, `gradient of ${name}`);
  }
}

const listOf = (value: unknown): Json[] => {
  if (Array.isArray(value)) return value as Json[];
  const { layers } = value as Json;
  return Array.isArray(layers) ? (layers as Json[]) : [value as Json];
};

export function networkCase(engine: Engine, example: Example): void {
  const fields = fieldsOf(example);
  const x = inputOf(fields);
  const plain = network(x, [listOf(need(example, 'layers', 'network'))]);
  const net = isTraining(fields) ? asTrained(plain) : plain;
  compare(execute(engine, net.graph, feedsOf(net, x))[0]!, outputOf(example.expect), example, 'y');
}

export function branches(engine: Engine, example: Example): void {
  const x = inputOf(fieldsOf(example));
  const net = network(x, listOf(need(example, 'branches', 'layers')).map(listOf));
  compare(execute(engine, net.graph, feedsOf(net, x))[0]!, outputOf(example.expect), example, 'y');
}

/** Dense layers, written as layers or as bare weights. */
function denseLayers(example: Example): Json[] {
  const list = listOf(need(example, 'layers', 'weights'));
  return list.map((layer) =>
    isTensor(layer) ? { op: 'dense', w: layer } : { op: 'dense', ...layer },
  );
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
  const base = entries.some(([name]) => /\D0$/.test(name)) ? 0 : 1;
  return entries.flatMap(([key, value]): [number, string, Tensor][] => {
    if (Array.isArray(value) && (key === 'layers' || isTensor(value[0]))) {
      const name = operandName(key);
      const layers = key === 'layers' ? value : value.map((tensor) => ({ [name]: tensor }));
      return expectedGradients(layers);
    }
    const [, name, digits] = /^(.*?)(\d*)$/.exec(operandName(key))!;
    const layer = name === 'x' || name === 'input' ? -1 : digits === '' ? 0 : Number(digits) - base;
    return [[layer, name === 'input' ? 'x' : name!, toTensor(value)]];
  });
}

export function networkGradient(engine: Engine, example: Example): void {
  const fields = fieldsOf(example);
  const x = inputOf(fields);
  const net = network(x, [denseLayers(example)]);
  const [y] = execute(engine, net.graph, feedsOf(net, x));
  const dy = upstreamOf(fields) ?? squaresGradient(fields, y!);
  const found = networkGradients(engine, net, x, dy);
  for (const [layer, name, want] of expectedGradients(example.expect)) {
    const gradient = found.find((g) => g.layer === layer && g.name === name);
    const what = `gradient of ${name} of layer ${layer}`;
    if (!gradient) fail(`there is no ${what}`);
    compare({ ...gradient.tensor, shape: want.shape }, want, example, what);
  }
}

/** Without upstream: that of the sum of the output, or of squared differences from a target. */
function squaresGradient({ tensors, attrs }: Fields, y: Tensor): Tensor {
  const target = pick(tensors, 'target', 'targets', 'labels', 'y');
  if (!target) return { shape: y.shape, data: y.data.map(() => 1) };
  const loss = plainName(need(attrs, 'loss') as string);
  const factor =
    loss === 'sumsquares'
      ? 2
      : loss === 'meansquares'
        ? 2 / elements(y.shape)
        : fail(`there is no loss ${loss}`);
  return { shape: y.shape, data: y.data.map((v, i) => factor * (v - target.data[i]!)) };
}
