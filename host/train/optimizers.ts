/**
 * The optimizers: what each remembers per parameter (slots), and how a gradient moves a parameter.
 *
 * Updates are nodes of the training graph; the learning rate is an input, so that schedules and
 * bias corrections are computed on the host and the graph stays the same for all steps.
 */
import { UsageError } from '../core/errors.js';
import type { GraphBuilder } from '../ir/build-graph.js';
import type { ValueId } from '../ir/graph.js';

export const optimizerNames = [
  'sgd',
  'momentum',
  'nesterov',
  'adagrad',
  'rmsprop',
  'rmspropMomentum',
  'adadelta',
  'adam',
  'adamw',
] as const;
export type OptimizerName = (typeof optimizerNames)[number];

/** The numbers of an optimizer beside its learning rate, by name. */
export type Hyper = Readonly<Record<string, number>>;

/** What changes gradients before any optimizer sees them. */
export interface Regularization {
  /** Scales all gradients together so that their norm is at most this. Default: not. */
  readonly clipNorm?: number | undefined;
  /**
   * The part of each parameter that is added to its gradient; adamw takes it from the parameter
   * itself, times the learning rate. Default 0; of adamw 0.01.
   */
  readonly weightDecay?: number | undefined;
}

export interface Optimizer extends Regularization {
  readonly name: OptimizerName;
  readonly hyper: Hyper;
}

export interface UpdateInputs {
  /** The parameter and its gradient, of one shape. */
  readonly w: ValueId;
  readonly g: ValueId;
  /** The scalar rate of this step, as `rate` computes it. */
  readonly rate: ValueId;
  /** The scalar learning rate of this step times the weight decay; of rules that `decouple` it. */
  readonly decay?: ValueId | undefined;
  /** The slots of this parameter, by name. */
  readonly slots: Readonly<Record<string, ValueId>>;
}

interface Update {
  readonly w: ValueId;
  readonly slots: Readonly<Record<string, ValueId>>;
}

export interface OptimizerRule {
  readonly learningRate: number;
  /** The weight decay is part of the rule, by the input `decay`. */
  readonly decouple?: true;
  /** Default numbers. */
  readonly hyper: Hyper;
  /** Names of the slots, with the value that they start from. */
  slots(hyper: Hyper): Readonly<Record<string, number>>;
  /** The rate of step `step` (from 1), from the scheduled learning rate. */
  rate(learningRate: number, step: number, hyper: Hyper): number;
  /** Adds the nodes that compute the new parameter and slots. */
  update(builder: GraphBuilder, inputs: UpdateInputs, hyper: Hyper): Update;
}

const plainRate = (learningRate: number): number => learningRate;

/**
 * ms = decay ms + (1 - decay) g^2; g / sqrt(ms + epsilon). Centered, mg = decay mg + (1 - decay) g
 * is remembered too, and the root is of ms - mg^2 + epsilon (Graves, 2013; TensorFlow 1).
 */
function meanSquareStep(
  builder: GraphBuilder,
  { g, slots }: UpdateInputs,
  { decay, epsilon }: Hyper,
) {
  const average = (slot: ValueId, value: ValueId) =>
    builder.add('ema', [slot, value], { decay: decay! });
  const squared = (value: ValueId) => builder.add('mul', [value, value], {});
  const meanSquare = average(slots.meanSquare!, squared(g));
  const meanGradient = slots.meanGradient && average(slots.meanGradient, g);
  const spread = meanGradient
    ? builder.add('sub', [meanSquare, squared(meanGradient)], {})
    : meanSquare;
  const inverse = builder.add('rsqrt', [spread], { epsilon: epsilon! });
  const step = builder.add('mul', [g, inverse], {});
  return { averages: { meanSquare, ...(meanGradient && { meanGradient }) }, step };
}

/** What meanSquareStep remembers. */
const meanSquareSlots = ({ initialMeanSquare, centered }: Hyper) => ({
  meanSquare: initialMeanSquare!,
  ...(centered !== 0 && { meanGradient: 0 }),
});

/**
 * The rate of Adam's step: the learning rate with the corrections of both averages, for the decays
 * that the kernels have: 1 - 0.999 is 1.3e-5 less in float32, and so must be its correction.
 */
const adamRate: OptimizerRule['rate'] = (learningRate, step, { beta1, beta2 }) => {
  const seen = (beta: number): number => 1 - Math.fround(beta) ** step;
  return (learningRate * Math.sqrt(seen(beta2!))) / seen(beta1!);
};

/** Adam's step from a parameter `w`. */
function adamStep(
  builder: GraphBuilder,
  { w, g, rate, slots }: UpdateInputs,
  { beta1, beta2, epsilon }: Hyper,
): Update {
  const square = builder.add('mul', [g, g], {});
  const m = builder.add('ema', [slots.m!, g], { decay: beta1! });
  const v = builder.add('ema', [slots.v!, square], { decay: beta2! });
  const moved = builder.add('adaptiveDescend', [w, m, v, rate], { epsilon: epsilon! });
  return { w: moved, slots: { m, v } };
}

export const optimizers: Readonly<Record<OptimizerName, OptimizerRule>> = {
  /** w -= rate g */
  sgd: {
    learningRate: 0.1,
    hyper: {},
    slots: () => ({}),
    rate: plainRate,
    update: (builder, { w, g, rate }) => ({
      w: builder.add('descend', [w, g, rate], {}),
      slots: {},
    }),
  },
  /** v = momentum v + g; w -= rate v (Polyak, 1964) */
  momentum: {
    learningRate: 0.02,
    hyper: { momentum: 0.9 },
    slots: () => ({ velocity: 0 }),
    rate: plainRate,
    update(builder, { w, g, rate, slots }, { momentum }) {
      const velocity = builder.add('scaleAdd', [slots.velocity!, g], { factor: momentum! });
      return { w: builder.add('descend', [w, velocity, rate], {}), slots: { velocity } };
    },
  },
  /** v = momentum v + g; w -= rate (g + momentum v) (Sutskever et al., 2013) */
  nesterov: {
    learningRate: 0.02,
    hyper: { momentum: 0.9 },
    slots: () => ({ velocity: 0 }),
    rate: plainRate,
    update(builder, { w, g, rate, slots }, { momentum }) {
      const velocity = builder.add('scaleAdd', [slots.velocity!, g], { factor: momentum! });
      const ahead = builder.add('scaleAdd', [velocity, g], { factor: momentum! });
      return { w: builder.add('descend', [w, ahead, rate], {}), slots: { velocity } };
    },
  },
  /** a += g^2; w -= rate g / sqrt(a + epsilon) (Duchi et al., 2011) */
  adagrad: {
    learningRate: 0.05,
    hyper: { initialAccumulator: 0.1, epsilon: 1e-10 },
    slots: ({ initialAccumulator }) => ({ accumulator: initialAccumulator! }),
    rate: plainRate,
    update(builder, { w, g, rate, slots }, { epsilon }) {
      const square = builder.add('mul', [g, g], {});
      const accumulator = builder.add('add', [slots.accumulator!, square], {});
      const inverse = builder.add('rsqrt', [accumulator], { epsilon: epsilon! });
      const step = builder.add('mul', [g, inverse], {});
      return { w: builder.add('descend', [w, step, rate], {}), slots: { accumulator } };
    },
  },
  /**
   * ms = decay ms + (1 - decay) g^2; w -= rate g / sqrt(ms + epsilon) (Tieleman and Hinton, 2012;
   * ms starts at one, as in TensorFlow 1); `centered` 1 takes the mean of g from it
   */
  rmsprop: {
    learningRate: 0.002,
    hyper: { decay: 0.9, epsilon: 1e-10, initialMeanSquare: 1, centered: 0 },
    slots: meanSquareSlots,
    rate: plainRate,
    update(builder, inputs, hyper) {
      const { averages, step } = meanSquareStep(builder, inputs, hyper);
      const w = builder.add('descend', [inputs.w, step, inputs.rate], {});
      return { w, slots: averages };
    },
  },
  /** rmsprop's ms; v = momentum v + rate g / sqrt(ms + epsilon); w -= v */
  rmspropMomentum: {
    learningRate: 0.0005,
    hyper: { decay: 0.9, momentum: 0.9, epsilon: 1e-10, initialMeanSquare: 1, centered: 0 },
    slots: (hyper) => ({ ...meanSquareSlots(hyper), velocity: 0 }),
    rate: plainRate,
    update(builder, inputs, hyper) {
      const { averages, step } = meanSquareStep(builder, inputs, hyper);
      const scaled = builder.add('mul', [step, inputs.rate], {});
      const factor = hyper.momentum!;
      const velocity = builder.add('scaleAdd', [inputs.slots.velocity!, scaled], { factor });
      return { w: builder.add('sub', [inputs.w, velocity], {}), slots: { ...averages, velocity } };
    },
  },
  /**
   * a = rho a + (1 - rho) g^2; u = g sqrt(d + epsilon) / sqrt(a + epsilon);
   * d = rho d + (1 - rho) u^2; w -= rate u (Zeiler, 2012)
   */
  adadelta: {
    learningRate: 1,
    hyper: { rho: 0.95, epsilon: 1e-6 },
    slots: () => ({ meanSquare: 0, meanDelta: 0 }),
    rate: plainRate,
    update(builder, { w, g, rate, slots }, { rho, epsilon }) {
      const root = (id: ValueId) => builder.add('rsqrt', [id], { epsilon: epsilon! });
      const squared = (id: ValueId) => builder.add('mul', [id, id], {});
      const average = { decay: rho! };
      const meanSquare = builder.add('ema', [slots.meanSquare!, squared(g)], average);
      const ratio = builder.add('div', [root(meanSquare), root(slots.meanDelta!)], {});
      const u = builder.add('mul', [g, ratio], {});
      const meanDelta = builder.add('ema', [slots.meanDelta!, squared(u)], average);
      return { w: builder.add('descend', [w, u, rate], {}), slots: { meanSquare, meanDelta } };
    },
  },
  /**
   * m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
   * w -= rate sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon)
   * (Kingma and Ba, "Adam", 2015, section 2, last paragraph: the efficient order)
   */
  adam: {
    learningRate: 0.002,
    hyper: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    slots: () => ({ m: 0, v: 0 }),
    rate: adamRate,
    update: adamStep,
  },
  /** w -= rate weightDecay w, then Adam's step (Loshchilov and Hutter, 2019) */
  adamw: {
    learningRate: 0.002,
    decouple: true,
    hyper: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    slots: () => ({ m: 0, v: 0 }),
    rate: adamRate,
    update(builder, inputs, hyper) {
      const { w, decay } = inputs;
      if (decay === undefined) throw new Error('adamw needs the input decay');
      return adamStep(builder, { ...inputs, w: builder.add('descend', [w, w, decay], {}) }, hyper);
    },
  },
};

/** The weight decay of an optimizer. */
export const weightDecayOf = ({ name, weightDecay }: Optimizer): number =>
  weightDecay ?? (optimizers[name].decouple ? 0.01 : 0);

/** @throws UsageError for numbers that make no sense */
function checkRegularization({ clipNorm, weightDecay }: Regularization): void {
  if (clipNorm !== undefined && !(clipNorm > 0 && Number.isFinite(clipNorm))) {
    throw new UsageError(`the largest gradient norm must be a positive number, got ${clipNorm}`, {
      hint: 'Give a number such as 1, or leave it out for no clipping.',
    });
  }
  if (weightDecay !== undefined && !(weightDecay >= 0 && weightDecay < 1)) {
    throw new UsageError(`the weight decay must be from 0 up to 1, got ${weightDecay}`, {
      hint: 'Give a small number such as 0.0001.',
    });
  }
}

/**
 * An optimizer with its numbers, defaults filled in.
 *
 * @throws UsageError (exit code 2) for an unknown name or a wrong number
 */
export function resolveOptimizer(
  name: string,
  hyper: Hyper = {},
  regularization: Regularization = {},
): Optimizer {
  const known = optimizerNames.find((candidate) => candidate === name);
  if (!known) {
    throw new UsageError(`there is no optimizer ${name}`, {
      hint: `Choose one of: ${optimizerNames.join(', ')}.`,
    });
  }
  const defaults = optimizers[known].hyper;
  const extra = Object.keys(hyper).find((key) => !Object.hasOwn(defaults, key));
  if (extra !== undefined) {
    throw new UsageError(`optimizer ${name} has no ${extra}`, {
      hint: `It has ${Object.keys(defaults).join(', ') || 'no numbers beside the learning rate'}.`,
    });
  }
  checkRegularization(regularization);
  const { clipNorm, weightDecay } = regularization;
  return {
    name: known,
    hyper: { ...defaults, ...hyper },
    ...(clipNorm !== undefined && { clipNorm }),
    ...(weightDecay !== undefined && { weightDecay }),
  };
}
