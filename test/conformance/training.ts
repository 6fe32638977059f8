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
  type Json,
  need,
  plainName,
  type Tensor,
  toTensor,
} from './example.js';

/** Other names of numbers, by optimizer where they differ. */
const hyperAliases: Readonly<Record<string, string>> = {
  initialaccumulatorvalue: 'initialAccumulator',
  eps: 'epsilon',
  beta: 'momentum',
};

/** The optimizer of a case: variants may be names of their own or switched on by a number. */
function optimizerOf(example: Example): { readonly optimizer: Optimizer; readonly rate: number } {
  const params = example.params as Readonly<Record<string, number | boolean>>;
  const { learningRate, weightDecay, nesterov, useNesterov, ...numbers } = params;
  const wanted = plainName(example.optimizer as string).replace(/^gradientdescent$/, 'sgd');
  const base =
    nesterov === true || useNesterov === true || wanted === 'nesterovmomentum'
      ? 'nesterov'
      : wanted;
  const moving = base === 'rmsprop' && Number(numbers.momentum ?? 0) !== 0;
  const key = moving || base === 'rmspropwithmomentum' ? 'rmspropmomentum' : base;
  const name =
    optimizerNames.find((candidate) => plainName(candidate) === key) ??
    fail(`there is no optimizer ${example.optimizer}`);
  const hyper = hyperOf(name, numbers);
  const decay = weightDecay === undefined ? undefined : Number(weightDecay);
  const optimizer = resolveOptimizer(name, hyper, { weightDecay: decay });
  return { optimizer, rate: Number(learningRate) };
}

function hyperOf(name: OptimizerName, numbers: Readonly<Record<string, unknown>>): Hyper {
  const known = optimizers[name].hyper;
  const entries = Object.entries(numbers).flatMap(([key, value]) => {
    const alias = hyperAliases[plainName(key)] ?? key;
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

/** The expected iterates by step, in order. */
const iteratesOf = (example: Example): [number, unknown][] => {
  const entries = Object.entries(need(example, 'iterates', 'expect') as Json);
  if (entries.length === 0) fail('the case has no iterates');
  return entries
    .map(([step, value]): [number, unknown] => [Number(step), value])
    .sort(([a], [b]) => a - b);
};

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
  const { a, c } = example.objective as { a: number[]; c: number[] };
  const rule = optimizers[name];
  const type = { shape: [a.length], dtype: 'f32' } as const;
  const g = buildGraph({ name, stage: 'train' });
  const w = g.state(type, Float32Array.from(example.start as number[]), { id: 'w' });
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

/** A moving average that starts from the first value. */
export function ema(engine: Engine, example: Example): void {
  const g = buildGraph({ name: 'ema', stage: 'train' });
  const values = need(example, 'values') as number[];
  const average = g.state({ shape: [1], dtype: 'f32' }, Float32Array.of(values[0]!));
  const next = g.input({ shape: [1], dtype: 'f32' });
  g.update(average, g.add('ema', [average, next], { decay: example.decay as number }));
  const program = engine.compile(g.finish([next]));
  const found = values.map((value, i) => {
    program.write(next, Float32Array.of(value));
    if (i > 0) program.run();
    return (program.read(average) as Float32Array)[0]!;
  });
  program.dispose();
  compare({ shape: [found.length], data: found }, toTensor(example.expect), example, 'average');
}
