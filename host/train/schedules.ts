/**
 * Learning-rate schedules: a factor as a function of the time in epochs.
 */
import { UsageError } from '../core/errors.js';

/** @param time epochs so far, with fraction; @param epochs the length of the whole training */
type Schedule = (time: number, epochs: number) => number;

export const scheduleNames = ['constant', 'inverse', 'cosine'] as const;
export type ScheduleName = (typeof scheduleNames)[number];

export const schedules: Readonly<Record<ScheduleName, Schedule>> = {
  constant: () => 1,
  /** 1 / (1 + time): does not depend on the length, so a training can be prolonged. */
  inverse: (time) => 1 / (1 + time),
  /** Half a cosine from 1 to 0 (Loshchilov and Hutter, 2017). */
  cosine: (time, epochs) => (1 + Math.cos(Math.PI * Math.min(time / epochs, 1))) / 2,
};

/** A schedule's name. @throws UsageError (exit code 2) when there is none of that name */
export function resolveSchedule(name: string): ScheduleName {
  const known = scheduleNames.find((candidate) => candidate === name);
  if (known) return known;
  throw new UsageError(`there is no learning-rate schedule ${name}`, {
    hint: `Choose one of: ${scheduleNames.join(', ')}.`,
  });
}
