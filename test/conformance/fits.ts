/** The kind of worked examples that fit a linear model to data. */
import type { AnyArray } from '../../host/core/dtype.js';
import type { Engine } from '../../host/engine/engine.js';
import type { Program } from '../../host/engine/types.js';
import { dense, input } from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import type { Graph, LossName, ValueId } from '../../host/ir/graph.js';
import { rebatch } from '../../host/rewrite/rebatch.js';
import { buildTrainGraph, type TrainGraph } from '../../host/train/train-graph.js';
import {
  compare,
  type Example,
  fail,
  type Json,
  keyOf,
  need,
  numbersOf,
  pick,
  plainName,
  type Tensor,
  toTensor,
} from './example.js';
import { iterate } from './iterates.js';
import { lossNamed, lossOfCase } from './loss-ops.js';
import { execute, outFirst, outLast } from './networks.js';
import { type Chosen, optimizerOf, ratesOf } from './optimizer-options.js';

/** The features of a model: x itself, or its powers up to the number of weights. */
function features(example: Example, x: Tensor, weights: number, hasBias: boolean): Tensor {
  const rows = x.shape[0]!;
  if (x.data.length / rows === weights) return { shape: [rows, weights], data: x.data };
  const isPolynomial = /^(poly|nonlinear|curve)/.test(plainName(String(example.model ?? '')));
  if (!isPolynomial || x.data.length !== rows) fail(`there is no model ${example.model}`);
  const first = hasBias ? 1 : 0;
  const data = x.data.flatMap((v) => Array.from({ length: weights }, (_, k) => v ** (k + first)));
  return { shape: [rows, weights], data };
}

/** What cases call the parameters of a fit. */
const parameterNames = {
  w: ['w', 'weights', 'weight', 'kernel', 'slope', 'coefficients'],
  b: ['b', 'bias', 'biases', 'intercept'],
};

/** The weights of a start, or w1, w2, ... in a row; then the bias. */
function startOf(start: Json): { readonly w: Tensor; readonly b: Tensor | undefined } {
  const whole = pick(start, ...parameterNames.w);
  const numbered = Object.keys(start).filter((key) => /^w_?\d+$/i.test(key));
  const parts = numbered.sort((m, n) => Number(m.match(/\d+/)) - Number(n.match(/\d+/)));
  if (whole === undefined && parts.length === 0) fail('the fit starts from no weights');
  const data = whole === undefined ? parts.flatMap((key) => numbersOf(start[key])) : [];
  const b = pick(start, ...parameterNames.b);
  return {
    w: whole === undefined ? { shape: [data.length], data } : toTensor(whole),
    b: b === undefined || b === null ? undefined : toTensor(b),
  };
}

/** How many examples a step takes, one batch after the other: all, unless the case says so. */
function batchOf(example: Example, rows: number): number {
  const inside = (pick(example, 'params', 'attrs') ?? {}) as Json;
  const names = ['batch', 'batchSize', 'miniBatch', 'miniBatchSize'];
  const said = pick(example, ...names) ?? pick(inside, ...names);
  const mode = plainName(String(pick(example, 'mode', 'method', 'descent') ?? 'batch'));
  const batch = typeof said === 'number' ? said : /^(stochastic|sgd)/.test(mode) ? 1 : rows;
  return Math.min(batch, rows);
}

const rowsFrom = ({ shape, data }: Tensor, first: number, count: number) => {
  const size = data.length / shape[0]!;
  return Float32Array.from(data.slice(first * size, (first + count) * size));
};

/** Programs that train with batches of some sizes on the same weights and slots. */
function trainer(engine: Engine, graph: Graph, chosen: Chosen) {
  const bySize = new Map<number, { readonly train: TrainGraph; readonly program: Program }>();
  let last: { readonly train: TrainGraph; readonly program: Program } | undefined;
  const of = (size: number) => {
    const found = bySize.get(size);
    if (found) return found;
    const train = buildTrainGraph(graph, size, chosen.optimizer);
    const made = { train, program: engine.compile(train.graph) };
    bySize.set(size, made);
    return made;
  };
  return {
    /** Makes a size the current one, with the states of the one before. */
    at(size: number) {
      const next = of(size);
      if (last && last !== next) {
        for (const { value } of next.train.graph.states) {
          next.program.write(value, last.program.read(value));
        }
      }
      last = next;
      return next;
    },
    dispose() {
      for (const { program } of bySize.values()) program.dispose();
    },
  };
}

/** What a fit starts from and learns, by the names of the graph. */
interface FitCase {
  readonly graph: Graph;
  readonly loss: string;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly w: Tensor;
  readonly b: Tensor | undefined;
}

function fitCase(example: Example): FitCase {
  const nests = [example.data, example.inputs].map((nest) => (nest ?? {}) as Json);
  const given = Object.assign({}, ...nests, example) as Json;
  const [x, y] = [toTensor(given.x), toTensor(given.y)];
  const { w, b } = startOf(need(example, 'start', 'initial') as Json);
  const outs = y.data.length / y.shape[0]!;
  const data = features(example, x, w.data.length / outs, b !== undefined);
  const name = String(pick(example, 'loss') ?? 'sumSquares');
  const loss: LossName = lossNamed(name) ?? fail(`there is no loss ${name}`);
  const graph = model(
    'fit',
    () => dense(input([data.shape[1]!]), outs, { name: 'd', useBias: b !== undefined }),
    { loss },
  ).graph();
  return { graph, loss: name, x: data, y, w: { ...w, shape: [w.data.length / outs, outs] }, b };
}

/** The loss of all examples with the weights that a program has. */
function lossOfFit(engine: Engine, { graph, loss, x, y, b }: FitCase, program: Program): Tensor {
  const feeds = new Map<ValueId, AnyArray>([[graph.inputs[0]!, Float32Array.from(x.data)]]);
  for (const id of ['d.w', ...(b ? ['d.b'] : [])]) feeds.set(id, program.read(id));
  const [output] = execute(engine, rebatch(graph, x.shape[0]!), feeds);
  const inputs = { logits: output!, labels: { ...output!, data: y.data } };
  return lossOfCase(engine, { name: loss, kind: 'gradient', inputs }, loss);
}

/** A linear model by any loss: full batches, or smaller ones in the order of the examples. */
export function fit(engine: Engine, example: Example): void {
  const chosen = optimizerOf(example);
  const fitted = fitCase(example);
  const { graph, x, y, w, b } = fitted;
  const rows = x.shape[0]!;
  const batch = batchOf(example, rows);
  const perEpoch = Math.ceil(rows / batch);
  const programs = trainer(engine, graph, chosen);
  const { program } = programs.at(batch);
  program.write('d.w', Float32Array.from(outFirst(w)));
  if (b) program.write('d.b', Float32Array.from(b.data));
  let current = program;
  const step = (n: number): void => {
    const first = ((n - 1) % perEpoch) * batch;
    const size = Math.min(batch, rows - first);
    const { train, program } = programs.at(size);
    const rates = ratesOf(chosen, n);
    program.write(train.input, rowsFrom(x, first, size));
    program.write(train.target, rowsFrom(y, first, size));
    program.write(train.rate, rates.rate);
    if (train.decay) program.write(train.decay, rates.decay);
    program.run();
    current = program;
  };
  const read = (id: string) => [...(current.read(id) as Float32Array)];
  const parameters = () => ({ w: outLast(read('d.w'), w.shape), b: b ? read('d.b') : [] });
  iterate(example, step, (want, n) => {
    for (const [key, value] of Object.entries(want as Json)) {
      const expected = toTensor(value);
      const loss = () => lossOfFit(engine, fitted, current).data;
      const found = parameterOf(key, parameters(), loss);
      compare({ shape: expected.shape, data: found }, expected, example, `step ${n}: ${key}`);
    }
  });
  programs.dispose();
}

/** What a case calls w, b, w2 or loss. */
function parameterOf(
  key: string,
  { w, b }: { readonly w: readonly number[]; readonly b: readonly number[] },
  loss: () => readonly number[],
): readonly number[] {
  if (/^(loss|cost|error)$/i.test(key)) return loss();
  if (keyOf({ [key]: 1 }, ...parameterNames.b)) return b;
  if (keyOf({ [key]: 1 }, ...parameterNames.w)) return w;
  const number = /^w_?(\d+)$/i.exec(key)?.[1];
  return number === undefined ? fail(`a fit has no ${key}`) : [w[Number(number) - 1]!];
}
