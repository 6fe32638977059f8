/** The kinds of worked examples about training: optimizers, fits, moving averages. */
import type { Engine } from '../../host/engine/engine.js';
import { dense, input } from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import type { LossName } from '../../host/ir/graph.js';
import {
  type Hyper,
  type Optimizer,
  type OptimizerName,
  optimizerNames,
  optimizers,
  resolveOptimizer,
  weightDecayOf,
} from '../../host/train/optimizers.js';
import { buildTrainGraph } from '../../host/train/train-graph.js';
import {
  compare,
  type Example,
  fail,
  fieldsOf,
  isOn,
  isTensor,
  type Json,
  need,
  numbersOf,
  pick,
  plainName,
  type Tensor,
  toTensor,
} from './example.js';
import { outputOf } from './networks.js';

/** Other names of numbers. */
const hyperAliases: Readonly<Record<string, string>> = {
  initialaccumulatorvalue: 'initialAccumulator',
  initialmeansquare: 'initialMeanSquare',
  eps: 'epsilon',
  beta: 'momentum',
  mu: 'momentum',
  gamma: 'momentum',
};

/** Other names of optimizers. */
const optimizerAliases: Readonly<Record<string, string>> = {
  ...{ gradientdescent: 'sgd', gd: 'sgd', batchgradientdescent: 'sgd', batch: 'sgd' },
  ...{ stochasticgradientdescent: 'sgd', nag: 'nesterov', nesterovmomentum: 'nesterov' },
  ...{ nesterovacceleratedgradient: 'nesterov', momentumrmsprop: 'rmspropmomentum' },
  ...{ rmspropwithmomentum: 'rmspropmomentum', rmspropm: 'rmspropmomentum' },
};

/** What an optimizer with a momentum is. */
const withMomentum: Readonly<Record<string, string>> = {
  ...{ sgd: 'momentum', rmsprop: 'rmspropmomentum' },
};

const rateNames = ['learningRate', 'learning_rate', 'lr', 'rate', 'eta'];

/** The learning rates that TensorFlow 1 takes where none is given. */
const usualRates: Partial<Readonly<Record<OptimizerName, number>>> = {
  ...{ adam: 0.001, adamw: 0.001, adadelta: 0.001 },
};

/** The optimizer of a case: variants may be names of their own or switched on by a number. */
function optimizerOf(example: Example): { readonly optimizer: Optimizer; readonly rate: number } {
  const params = (pick(example, 'params', 'attrs', 'hyper') ?? {}) as Json;
  const switches = ['nesterov', 'useNesterov', 'use_nesterov'];
  const taken = new Set([...rateNames, ...switches, 'weightDecay', 'weight_decay', 'centered']);
  if (isOn(params, 'centered')) fail('there is no centered rmsprop');
  const numbers = Object.fromEntries(Object.entries(params).filter(([key]) => !taken.has(key)));
  const given = plainName(example.optimizer as string).replace(/optimizer$/, '');
  const wanted = optimizerAliases[given] ?? given;
  const base = isOn(params, ...switches) ? 'nesterov' : wanted;
  const moving = Number(numbers.momentum ?? 0) !== 0;
  const key = (moving && withMomentum[base]) || base;
  const name =
    optimizerNames.find((candidate) => plainName(candidate) === key) ??
    fail(`there is no optimizer ${example.optimizer}`);
  const decay = pick(params, 'weightDecay', 'weight_decay');
  const optimizer = resolveOptimizer(name, hyperOf(name, numbers), {
    weightDecay: decay === undefined ? undefined : Number(decay),
  });
  const rate = pick(params, ...rateNames) ?? pick(example, ...rateNames) ?? usualRates[name];
  if (rate === undefined) fail(`the case has no ${rateNames[0]}`);
  return { optimizer, rate: Number(rate) };
}

function hyperOf(name: OptimizerName, numbers: Json): Hyper {
  const known = optimizers[name].hyper;
  const entries = Object.entries(numbers).flatMap(([key, value]) => {
    const alias =
      hyperAliases[plainName(key)] ??
      Object.keys(known).find((candidate) => plainName(candidate) === plainName(key)) ??
      key;
    const swapped = alias === 'rho' && 'decay' in known ? 'decay' : alias;
    const final = swapped === 'decay' && 'rho' in known ? 'rho' : swapped;
    // A momentum of 0 says that there is none.
    return final === 'momentum' && !('momentum' in known) ? [] : [[final, Number(value)] as const];
  });
  return Object.fromEntries(entries);
}

/** The numbers of step `step`. */
function ratesOf({ optimizer, rate }: ReturnType<typeof optimizerOf>, step: number) {
  return {
    rate: Float32Array.of(optimizers[optimizer.name].rate(rate, step, optimizer.hyper)),
    decay: Float32Array.of(rate * weightDecayOf(optimizer)),
  };
}

/** The expected iterates by step, in order; a list begins with step 1, or with the start itself. */
function iteratesOf(example: Example): [number, unknown][] {
  const iterates = need(example, 'iterates', 'expect');
  const entries = Object.entries(iterates as Json);
  if (entries.length === 0) fail('the case has no iterates');
  const isStart = String(entries[0]![1]) === String(example.start);
  const first = Array.isArray(iterates) && !isStart ? 1 : 0;
  return entries
    .map(([step, value]): [number, unknown] => [Number(step) + first, value])
    .sort(([a], [b]) => a - b);
}

/** Steps a program and hands the steps that the case names to `check`. */
function iterate(
  example: Example,
  step: (n: number) => void,
  check: (want: unknown, n: number) => void,
) {
  let done = 0;
  for (const [at, want] of iteratesOf(example)) {
    while (done < at) step(++done);
    check(want, at);
  }
}

/** The iterates on f(x) = sum a_i (x_i - c_i)^2. */
export function optimizer(engine: Engine, example: Example): void {
  const chosen = optimizerOf(example);
  const { name, hyper } = chosen.optimizer;
  const { objective } = example as { readonly objective?: Json };
  const a = numbersOf(need(objective ?? {}, 'a'));
  const c = numbersOf(objective?.c ?? a.map(() => 0));
  const rule = optimizers[name];
  const type = { shape: [a.length], dtype: 'f32' } as const;
  const g = buildGraph({ name, stage: 'train' });
  const w = g.state(type, Float32Array.from(numbersOf(example.start)), { id: 'w' });
  const rate = g.input({ shape: [], dtype: 'f32' }, { id: 'rate' });
  const decay = rule.decouple && g.input({ shape: [], dtype: 'f32' }, { id: 'decay' });
  const offset = g.add('sub', [w, g.constant(type, Float32Array.from(c))], {});
  const twice = g.constant(
    type,
    Float32Array.from(a, (v) => 2 * v),
  );
  const slope = g.add('mul', [twice, offset], {});
  const factor = rule.decouple ? 0 : weightDecayOf(chosen.optimizer);
  const grad = factor === 0 ? slope : g.add('scaleAdd', [w, slope], { factor });
  const slots = Object.entries(rule.slots(hyper)).map(([slot, start]) => {
    return [slot, g.state(type, new Float32Array(a.length).fill(start), { id: slot })] as const;
  });
  const ids = { w, g: grad, rate, decay, slots: Object.fromEntries(slots) };
  const update = rule.update(g, ids, hyper);
  g.update(w, update.w);
  for (const [slot, id] of slots) g.update(id, update.slots[slot]!);
  const program = engine.compile(g.finish([slope]));
  const step = (n: number): void => {
    const rates = ratesOf(chosen, n);
    program.write(rate, rates.rate);
    if (decay) program.write(decay, rates.decay);
    program.run();
  };
  iterate(example, step, (want, n) => {
    const found = { shape: [a.length], data: [...(program.read(w) as Float32Array)] };
    compare(found, toTensor(want), example, `step ${n}: w`);
  });
  program.dispose();
}

/** The features of a model: x itself, or its powers up to the number of weights. */
function features(example: Example, x: Tensor, weights: number, hasBias: boolean): Tensor {
  const rows = x.shape[0]!;
  if (x.data.length / rows === weights) return { shape: [rows, weights], data: x.data };
  const isPolynomial = plainName(String(example.model ?? '')).startsWith('poly');
  if (!isPolynomial || x.data.length !== rows) fail(`there is no model ${example.model}`);
  const first = hasBias ? 1 : 0;
  const data = x.data.flatMap((v) => Array.from({ length: weights }, (_, k) => v ** (k + first)));
  return { shape: [rows, weights], data };
}

const lossNames: Readonly<Record<string, LossName>> = {
  sumsquares: 'sumSquares',
  meansquares: 'meanSquares',
  mse: 'meanSquares',
  sigmoidcrossentropy: 'sigmoidCrossEntropy',
};

/** A linear model, full batch. */
export function fit(engine: Engine, example: Example): void {
  const chosen = optimizerOf(example);
  const [x, y] = [toTensor(example.x), toTensor(example.y)];
  const start = example.start as { readonly w: unknown; readonly b?: unknown };
  const [w, b] = [toTensor(start.w), start.b === undefined ? undefined : toTensor(start.b)];
  const data = features(example, x, w.data.length, b !== undefined);
  const name = plainName((example.loss as string | undefined) ?? 'sumSquares');
  const loss = lossNames[name] ?? fail(`there is no loss ${example.loss}`);
  const width = data.shape[1]!;
  const graph = model(
    'fit',
    () => dense(input([width]), 1, { name: 'd', useBias: b !== undefined }),
    {
      loss,
    },
  ).graph();
  const train = buildTrainGraph(graph, x.shape[0]!, chosen.optimizer);
  const program = engine.compile(train.graph);
  program.write('d.w', Float32Array.from(w.data));
  if (b) program.write('d.b', Float32Array.from(b.data));
  program.write(train.input, Float32Array.from(data.data));
  program.write(train.target, Float32Array.from(y.data));
  const step = (n: number): void => {
    const rates = ratesOf(chosen, n);
    program.write(train.rate, rates.rate);
    if (train.decay) program.write(train.decay, rates.decay);
    program.run();
  };
  iterate(example, step, (want, n) => {
    for (const [key, value] of Object.entries(want as Json)) {
      const expected = toTensor(value);
      const found = [...(program.read(`d.${key}`) as Float32Array)];
      compare({ shape: expected.shape, data: found }, expected, example, `step ${n}: ${key}`);
    }
  });
  program.dispose();
}

/** The values of a list or along the first axis of a tensor. */
function rowsOf(values: unknown): Tensor[] {
  if (!isTensor(values)) return (values as unknown[]).map(toTensor);
  const { shape, data } = toTensor(values);
  const size = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, i) => {
    return { shape: shape.slice(1), data: data.slice(i * size, (i + 1) * size) };
  });
}

/**
 * A moving average of numbers or tensors that starts from `start`, or from the first value, which
 * is then the first average too. With `numUpdates` the decay is at most (1 + n) / (10 + n).
 */
export function ema(engine: Engine, example: Example): void {
  const { attrs, tensors } = fieldsOf(example);
  const given = { ...attrs, ...tensors };
  const values = rowsOf(need(given, 'values', 'x'));
  const start = pick(given, 'start', 'initial');
  const shape = values[0]!.shape;
  const averages = [start === undefined ? values[0]! : toTensor(start)];
  const cap = pick(given, 'numUpdates', 'num_updates');
  const limit = cap === undefined ? 1 : (1 + Number(cap)) / (10 + Number(cap));
  const decay = Math.min(Number(need(given, 'decay', 'momentum')), limit);
  const g = buildGraph({ name: 'ema', stage: 'train' });
  const average = g.state({ shape, dtype: 'f32' }, Float32Array.from(averages[0]!.data));
  const next = g.input({ shape, dtype: 'f32' });
  g.update(average, g.add('ema', [average, next], { decay }));
  const program = engine.compile(g.finish([next]));
  for (const { data } of start === undefined ? values.slice(1) : values) {
    program.write(next, Float32Array.from(data));
    program.run();
    averages.push({ shape, data: [...(program.read(average) as Float32Array)] });
  }
  program.dispose();
  const wanted = outputOf(example.expect);
  const all = averages.flatMap(({ data }) => data);
  // A list without the start, or the last average alone.
  const found = all.slice(all.length - wanted.data.length);
  compare({ shape: wanted.shape, data: found }, wanted, example, 'average');
}
