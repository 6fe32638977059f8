/**
 * Learning-rate schedules: a factor as a function of the time in epochs.
 */
import { UsageError } from '../core/errors.js';

export const scheduleNames = [
  'restarts',
  'cosine',
  'inverse',
  'step',
  'exponential',
  'constant',
] as const;
export type ScheduleName = (typeof scheduleNames)[number];

/** A schedule with its numbers; times are in epochs. */
export interface Schedule {
  readonly name: ScheduleName;
  /** The length of the whole training; 0 where the schedule does not depend on it. */
  readonly epochs: number;
  /** How long the rate rises to its full value, in a straight line, before the schedule begins. */
  readonly warmup: number;
  /** What step and exponential multiply the rate by in every period; 1 for the others. */
  readonly decay: number;
  /** The period of step and exponential; 1 for the others. */
  readonly period: number;
}

/** Half a cosine, from 1 at 0 to 0 at 1. */
const halfCosine = (x: number): number => (1 + Math.cos(Math.PI * x)) / 2;

/** @param time epochs since the end of the warm-up, with fraction */
type Rule = (time: number, schedule: Schedule) => number;

const rules: Readonly<Record<ScheduleName, Rule>> = {
  /**
   * Half a cosine in every epoch (Loshchilov and Hutter, "SGDR", 2017, with a period of 1): each
   * epoch ends with settled weights, and the length of the training need not be known.
   */
  restarts: (time) => halfCosine(time % 1),
  /** Half a cosine over the whole training. */
  cosine: (time, { epochs, warmup }) => halfCosine(Math.min(time / (epochs - warmup), 1)),
  inverse: (time) => 1 / (1 + time),
  /** A fall at the end of every period. */
  step: (time, { decay, period }) => decay ** Math.floor(time / period),
  /** The same fall, spread over the period. */
  exponential: (time, { decay, period }) => decay ** (time / period),
  constant: () => 1,
};

/**
 * The factor of the learning rate for the step that begins at `time`.
 *
 * @param time epochs so far, with fraction
 * @param step the length of one step in epochs
 */
export function rateFactor(schedule: Schedule, time: number, step: number): number {
  const { name, warmup } = schedule;
  if (time < warmup) return Math.min((time + step) / warmup, 1);
  return rules[name](time - warmup, schedule);
}

export interface ScheduleOptions {
  readonly warmup?: number | undefined;
  readonly decay?: number | undefined;
  readonly period?: number | undefined;
}

function refuse(message: string, hint: string): never {
  throw new UsageError(message, { hint });
}

/**
 * A schedule with its numbers, defaults filled in: decay 0.5, period 1.
 *
 * @param epochs the length of the whole training
 * @throws UsageError (exit code 2) for an unknown name, or a number that does not fit it
 */
export function resolveSchedule(
  wanted: string,
  epochs: number,
  options: ScheduleOptions = {},
): Schedule {
  const name = scheduleNames.find((candidate) => candidate === wanted);
  if (!name) {
    return refuse(
      `there is no learning-rate schedule ${wanted}`,
      `Choose one of: ${scheduleNames.join(', ')}.`,
    );
  }
  const falls = name === 'step' || name === 'exponential';
  const { warmup = 0, decay = falls ? 0.5 : 1, period = 1 } = options;
  if (!falls && (options.decay !== undefined || options.period !== undefined)) {
    refuse(`schedule ${name} has no decay and no period`, 'Use the schedule step or exponential.');
  }
  if (!(decay > 0 && decay <= 1))
    refuse(`the decay must be above 0 and at most 1, got ${decay}`, 'Give a number such as 0.5.');
  if (!(period > 0 && Number.isFinite(period)))
    refuse(
      `the period must be a positive number of epochs, got ${period}`,
      'Give a number such as 1.',
    );
  if (!(warmup >= 0 && (name !== 'cosine' || warmup < epochs) && Number.isFinite(warmup))) {
    refuse(`the warm-up of ${warmup} epochs does not fit ${epochs} epochs`, 'Give a shorter one.');
  }
  return { name, epochs: name === 'cosine' ? epochs : 0, warmup, decay, period };
}
