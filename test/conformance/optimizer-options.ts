/** What worked examples say of an optimizer: its name, its numbers, its learning rate by step. */
import {
  type Hyper,
  type Optimizer,
  type OptimizerName,
  optimizerNames,
  optimizers,
  resolveOptimizer,
  weightDecayOf,
} from '../../host/train/optimizers.js';
import { rateFactor, resolveSchedule, type Schedule } from '../../host/train/schedules.js';
import {
  type Example,
  fail,
  isOn,
  isYes,
  type Json,
  keyOf,
  need,
  numbersOf,
  pick,
  plainName,
} from './example.js';

/** Other names of numbers. */
const hyperAliases: Readonly<Record<string, string>> = {
  initialaccumulatorvalue: 'initialAccumulator',
  initialmeansquarevalue: 'initialMeanSquare',
  eps: 'epsilon',
  beta: 'momentum',
  mu: 'momentum',
  gamma: 'momentum',
};

/** Other names of optimizers. */
const optimizerAliases: Readonly<Record<string, string>> = {
  ...{ gradientdescent: 'sgd', gd: 'sgd', batchgradientdescent: 'sgd', batch: 'sgd' },
  ...{ stochasticgradientdescent: 'sgd', nag: 'nesterov', nesterovmomentum: 'nesterov' },
  ...{ stochastic: 'sgd', minibatch: 'sgd', minibatchgradientdescent: 'sgd', plain: 'sgd' },
  ...{ nesterovacceleratedgradient: 'nesterov', momentumrmsprop: 'rmspropmomentum' },
  ...{ rmspropwithmomentum: 'rmspropmomentum', rmspropm: 'rmspropmomentum' },
  ...{ sgdmomentum: 'momentum', sgdnesterov: 'nesterov', momentumnesterov: 'nesterov' },
};

/** What an optimizer with a momentum is. */
const withMomentum: Readonly<Record<string, string>> = {
  ...{ sgd: 'momentum', rmsprop: 'rmspropmomentum' },
};

/** Parameters that are no numbers of an update rule. */
const names = {
  rate: ['learningRate', 'lr', 'rate', 'eta', 'initialLearningRate'],
  batch: ['batch', 'batchSize', 'miniBatch', 'miniBatchSize', 'betas', 'clip'],
  nesterov: ['nesterov', 'useNesterov'],
  decay: ['weightDecay', 'l2', 'wd'],
  clip: ['clipNorm', 'clipByGlobalNorm', 'clipByNorm', 'globalNorm', 'maxNorm', 'gradientClip'],
  schedule: ['schedule', 'learningRateSchedule', 'lrSchedule', 'rateSchedule'],
  period: ['decaySteps', 'decayPeriod', 'period', 'every', 'stepSize'],
  factor: ['decayRate', 'decayFactor', 'factor'],
  total: ['totalSteps', 'steps', 'epochs', 'maxSteps'],
  warmup: ['warmup', 'warmupSteps'],
  switches: ['staircase', 'useLocking'],
} as const;

/** The learning rates that TensorFlow 1 takes where none is given. */
const usualRates: Partial<Readonly<Record<OptimizerName, number>>> = {
  ...{ adam: 0.001, adamw: 0.001, adadelta: 0.001 },
};

export interface Chosen {
  readonly optimizer: Optimizer;
  /** The learning rate before any schedule. */
  readonly rate: number;
  /** What the schedule makes of it in step `step`, from 1. */
  readonly factor: (step: number) => number;
}

/** The rule that a name and its switches mean. */
function ruleOf(example: Example, params: Json): OptimizerName {
  const given = plainName(String(example.optimizer)).replace(/optimizer$/, '');
  const wanted = optimizerAliases[given] ?? given;
  const base = isOn(params, ...names.nesterov) ? 'nesterov' : wanted;
  const moving = Number(pick(params, 'momentum') ?? 0) !== 0;
  const key = (moving && withMomentum[base]) || base;
  return (
    optimizerNames.find((candidate) => plainName(candidate) === key) ??
    fail(`there is no optimizer ${example.optimizer}`)
  );
}

/** Numbers that TensorFlow 1 takes where none are given, and those of a list. */
function usualHyper(name: OptimizerName, params: Json): Hyper {
  const [beta1, beta2] = (pick(params, 'betas') ?? []) as number[];
  return {
    ...(name === 'adadelta' && { epsilon: 1e-8 }),
    ...(beta1 !== undefined && beta2 !== undefined && { beta1, beta2 }),
  };
}

function hyperOf(name: OptimizerName, params: Json): Hyper {
  const known = optimizers[name].hyper;
  const taken = new Set(Object.values(names).flat().map(plainName));
  const entries = Object.entries(params).flatMap(([key, value]) => {
    if (taken.has(plainName(key)) || value === null || value === undefined) return [];
    const alias =
      hyperAliases[plainName(key)] ??
      Object.keys(known).find((candidate) => plainName(candidate) === plainName(key)) ??
      key;
    const swapped = alias === 'rho' && 'decay' in known ? 'decay' : alias;
    const final = swapped === 'decay' && 'rho' in known ? 'rho' : swapped;
    // A momentum of 0, or what is switched off, says that there is none.
    const isNone = Number(value) === 0 && !(final in known);
    return isNone ? [] : [[final, isYes(value) ? 1 : Number(value)] as const];
  });
  return { ...usualHyper(name, params), ...Object.fromEntries(entries) };
}

/** Schedules by their names without `decay`. */
const scheduleNames: Readonly<Record<string, 'step' | 'exponential' | 'cosine' | 'inverse'>> = {
  ...{ step: 'step', staircase: 'step', exponential: 'exponential', exp: 'exponential' },
  ...{ cosine: 'cosine', inverse: 'inverse', inversetime: 'inverse' },
};

const withoutSchedule = () => 1;

/** Rates that hold up to a number of steps, relative to the first. */
function piecewise(boundaries: readonly number[], values: readonly number[]): Chosen['factor'] {
  return (step) => values[boundaries.filter((end) => step - 1 > end).length]! / values[0]!;
}

/** The factor of the learning rate in a step; steps are what epochs are to a schedule. */
function scheduleOf(example: Example, params: Json): Chosen['factor'] {
  const given = pick(params, ...names.schedule) ?? pick(example, ...names.schedule);
  const spec = typeof given === 'object' && given !== null ? (given as Json) : {};
  const all = { ...params, ...spec };
  const number = (list: readonly string[], unless: number): number =>
    Number(pick(all, ...list) ?? unless);
  const warmup = number(names.warmup, 0);
  const falls = keyOf(all, ...names.period) !== undefined;
  const unnamed = falls ? 'exponential' : 'constant';
  const said = typeof given === 'string' ? given : pick(spec, 'name', 'type', 'kind');
  const plain = plainName(String(said ?? unnamed)).replace(/decay$/, '');
  if (plain === 'constant' && warmup === 0) return withoutSchedule;
  if (plain.startsWith('piecewise')) {
    return piecewise(numbersOf(need(all, 'boundaries')), numbersOf(need(all, 'values')));
  }
  const isStep = plain === 'exponential' && isOn(all, 'staircase');
  const name = plain === 'constant' ? plain : isStep ? 'step' : scheduleNames[plain];
  if (!name) return fail(`there is no schedule ${said}`);
  const period = number(names.period, 1);
  const factor = Number(pick(spec, 'decay', 'rate', 'gamma') ?? number(names.factor, 0.5));
  const schedule: Schedule = resolveSchedule(name, number(names.total, period), {
    warmup,
    ...((name === 'step' || name === 'exponential') && { decay: factor, period }),
  });
  // inverse: 1 / (1 + factor t / period)
  const unit = name === 'inverse' ? factor / period : 1;
  return (step) => rateFactor(schedule, (step - 1) * unit, unit);
}

/** The optimizer of a case: variants may be names of their own or switched on by a number. */
export function optimizerOf(example: Example): Chosen {
  const params = (pick(example, 'params', 'attrs', 'hyper') ?? {}) as Json;
  const name = ruleOf(example, params);
  const number = (list: readonly string[]): number | undefined => {
    const value = pick(params, ...list) ?? pick(example, ...list);
    return value === undefined || value === null ? undefined : Number(value);
  };
  const clip = pick(params, 'clip') ?? pick(example, 'clip');
  const limit =
    typeof clip === 'object' && clip !== null ? pick(clip as Json, 'norm', ...names.clip) : clip;
  const optimizer = resolveOptimizer(name, hyperOf(name, params), {
    weightDecay: number(names.decay),
    clipNorm: limit === undefined ? number(names.clip) : Number(limit),
  });
  const rate = number(names.rate) ?? usualRates[name] ?? fail(`the case has no ${names.rate[0]}`);
  return { optimizer, rate, factor: scheduleOf(example, params) };
}

/** The numbers that the training graph gets in step `step`, from 1. */
export function ratesOf({ optimizer, rate, factor }: Chosen, step: number) {
  const scheduled = rate * factor(step);
  return {
    rate: Float32Array.of(optimizers[optimizer.name].rate(scheduled, step, optimizer.hyper)),
    decay: Float32Array.of(scheduled * weightDecayOf(optimizer)),
  };
}
