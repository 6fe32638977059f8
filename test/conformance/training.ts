/** The kinds of worked examples about training: optimizers and moving averages. */
import { elements } from '../../host/core/shape.js';
import type { Engine } from '../../host/engine/engine.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import { optimizers } from '../../host/train/optimizers.js';
import { regularize } from '../../host/train/regularize.js';
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
  type Tensor,
  toTensor,
} from './example.js';
import { iterate } from './iterates.js';
import { outputOf } from './networks.js';
import { optimizerOf, ratesOf } from './optimizer-options.js';

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
  const grad = regularize(g, chosen.optimizer, new Map([[w, slope]]), new Set()).get(w)!;
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
    const isNamed = typeof want === 'object' && !Array.isArray(want) && !isTensor(want);
    const wanted = isNamed ? need(want as Json, 'x', 'w', 'value', 'params') : want;
    compare(found, toTensor(wanted), example, `step ${n}: w`);
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

/** The decay of each step: what is said, at most (1 + n) / (10 + n) where a case counts updates. */
function decaysOf(given: Json, steps: number): number[] {
  const cap = pick(given, 'numUpdates', 'step');
  const counts = cap === undefined ? undefined : numbersOf(cap);
  const decay = numbersOf(need(given, 'decay', 'momentum', 'beta', 'alpha'))[0]!;
  return Array.from({ length: steps }, (_, i) => {
    const n = counts?.[Math.max(i - steps, -counts.length) + counts.length];
    return n === undefined ? decay : Math.min(decay, (1 + n) / (10 + n));
  });
}

/**
 * A moving average of numbers or tensors that starts from `start`, or from the first value, which
 * is then the first average too; with `zeroDebias` from 0, divided by the weight of what it has
 * seen. With `numUpdates`, one number or one per value, the decay is at most (1 + n) / (10 + n).
 */
export function ema(engine: Engine, example: Example): void {
  const { attrs, tensors } = fieldsOf(example);
  const given = { ...attrs, ...tensors };
  const values = rowsOf(need(given, 'values', 'x'));
  const isDebiased = isOn(given, 'zeroDebias', 'biasCorrection', 'debias');
  const start = pick(given, 'start', 'initial') ?? (isDebiased ? 0 : undefined);
  const shape = values[0]!.shape;
  const first = start === undefined ? values[0]! : toTensor(start);
  const decays = decaysOf(given, values.length);
  const g = buildGraph({ name: 'ema', stage: 'train' });
  const filled = Array.from({ length: elements(shape) }, (_, i) => first.data[i] ?? first.data[0]!);
  const average = g.state({ shape, dtype: 'f32' }, Float32Array.from(filled));
  const next = g.input({ shape, dtype: 'f32' });
  const kept = g.input({ shape: [], dtype: 'f32' });
  // decay a + (1 - decay) b, as the decay may differ from step to step.
  const pull = g.add('mul', [g.add('sub', [average, next], {}), kept], {});
  g.update(
    average,
    decays.every((d) => d === decays[0])
      ? g.add('ema', [average, next], { decay: decays[0]! })
      : g.add('add', [next, pull], {}),
  );
  const program = engine.compile(g.finish([pull]));
  let weight = 1;
  const averages = [{ shape, data: filled }];
  values.forEach(({ data }, i) => {
    if (start === undefined && i === 0) return;
    program.write(next, Float32Array.from(data));
    program.write(kept, Float32Array.of(decays[i]!));
    program.run();
    weight *= decays[i]!;
    const scale = isDebiased ? 1 / (1 - weight) : 1;
    averages.push({
      shape,
      data: [...(program.read(average) as Float32Array)].map((v) => v * scale),
    });
  });
  program.dispose();
  compareAverages(example, averages);
}

/** A list with or without the start, the last average alone, or some by their numbers from 1. */
function compareAverages(example: Example, averages: readonly Tensor[]): void {
  const iterates = pick(example, 'iterates');
  if (iterates !== undefined) {
    for (const [n, value] of Object.entries(iterates as Json)) {
      const found = averages[Number(n) - 1] ?? fail(`there is no average ${n}`);
      compare(found, toTensor(value), example, `average ${n}`);
    }
    return;
  }
  const wanted = outputOf(example.expect);
  const all = averages.flatMap(({ data }) => data);
  const found = all.slice(all.length - wanted.data.length);
  compare({ shape: wanted.shape, data: found }, wanted, example, 'average');
}
