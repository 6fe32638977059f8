/**
 * The optimizers: what each remembers per parameter (slots), and how a gradient moves a parameter.
 *
 * Updates are nodes of the training graph; the learning rate is an input, so that schedules and
 * bias corrections are computed on the host and the graph stays the same for all steps.
 */
import { UsageError } from '../core/errors.js';
import type { GraphBuilder } from '../ir/build-graph.js';
import type { ValueId } from '../ir/graph.js';

export const optimizerNames = ['sgd', 'momentum', 'adam'] as const;
export type OptimizerName = (typeof optimizerNames)[number];

/** The numbers of an optimizer beside its learning rate, by name. */
export type Hyper = Readonly<Record<string, number>>;

export interface Optimizer {
  readonly name: OptimizerName;
  readonly hyper: Hyper;
}

interface UpdateInputs {
  /** The parameter and its gradient, of one shape. */
  readonly w: ValueId;
  readonly g: ValueId;
  /** The scalar rate of this step, as `rate` computes it. */
  readonly rate: ValueId;
  /** The slots of this parameter, by name. */
  readonly slots: Readonly<Record<string, ValueId>>;
}

interface Update {
  readonly w: ValueId;
  readonly slots: Readonly<Record<string, ValueId>>;
}

export interface OptimizerRule {
  readonly learningRate: number;
  /** Default numbers. */
  readonly hyper: Hyper;
  /** Names of the slots, with the value that they start from. */
  slots(hyper: Hyper): Readonly<Record<string, number>>;
  /** The rate of step `step` (from 1), from the scheduled learning rate. */
  rate(learningRate: number, step: number, hyper: Hyper): number;
  /** Adds the nodes that compute the new parameter and slots. */
  update(builder: GraphBuilder, inputs: UpdateInputs, hyper: Hyper): Update;
}

export const optimizers: Readonly<Record<OptimizerName, OptimizerRule>> = {
  /** w -= rate g */
  sgd: {
    learningRate: 0.1,
    hyper: {},
    slots: () => ({}),
    rate: (learningRate) => learningRate,
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
    rate: (learningRate) => learningRate,
    update(builder, { w, g, rate, slots }, { momentum }) {
      const velocity = builder.add('scaleAdd', [slots.velocity!, g], { factor: momentum! });
      return { w: builder.add('descend', [w, velocity, rate], {}), slots: { velocity } };
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
    rate: (learningRate, step, { beta1, beta2 }) =>
      (learningRate * Math.sqrt(1 - beta2! ** step)) / (1 - beta1! ** step),
    update(builder, { w, g, rate, slots }, { beta1, beta2, epsilon }) {
      const square = builder.add('mul', [g, g], {});
      const m = builder.add('ema', [slots.m!, g], { decay: beta1! });
      const v = builder.add('ema', [slots.v!, square], { decay: beta2! });
      const moved = builder.add('adaptiveDescend', [w, m, v, rate], { epsilon: epsilon! });
      return { w: moved, slots: { m, v } };
    },
  },
};

/**
 * An optimizer with its numbers, defaults filled in.
 *
 * @throws UsageError (exit code 2) for an unknown name or number
 */
export function resolveOptimizer(name: string, hyper: Hyper = {}): Optimizer {
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
  return { name: known, hyper: { ...defaults, ...hyper } };
}
