/**
 * Learning-rate schedules: a factor as a function of the time in epochs.
 */
import { UsageError } from '../core/errors.js';

/** @param time epochs so far, with fraction; @param epochs the length of the whole training */
type Schedule = (time: number, epochs: number) => number;

export const scheduleNames = ['restarts', 'cosine', 'inverse', 'constant'] as const;
export type ScheduleName = (typeof scheduleNames)[number];

/** Half a cosine, from 1 at 0 to 0 at 1. */
const halfCosine = (x: number): number => (1 + Math.cos(Math.PI * x)) / 2;

export const schedules: Readonly<Record<ScheduleName, Schedule>> = {
  /**
   * Half a cosine in every epoch (Loshchilov and Hutter, "SGDR", 2017, with a period of 1): each
   * epoch ends with settled weights, and the length of the training need not be known.
   */
  restarts: (time) => halfCosine(time % 1),
  /** Half a cosine over the whole training. */
  cosine: (time, epochs) => halfCosine(Math.min(time / epochs, 1)),
  inverse: (time) => 1 / (1 + time),
  constant: () => 1,
};

/** A schedule's name. @throws UsageError (exit code 2) when there is none of that name */
export function resolveSchedule(name: string): ScheduleName {
  const known = scheduleNames.find((candidate) => candidate === name);
  if (known) return known;
  throw new UsageError(`there is no learning-rate schedule ${name}`, {
    hint: `Choose one of: ${scheduleNames.join(', ')}.`,
  });
}
