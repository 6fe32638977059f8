/**
 * Options that several verbs share, and typed reading of parsed flags.
 */

import { UsageError } from '../core/errors.js';
import { dataForms } from '../data/spec.js';
import type { Flags, Option } from './command.js';

export const shared = {
  data: { type: 'string', describe: `Dataset: ${dataForms}, or a name in edge-nn.config.ts` },
  testData: {
    type: 'string',
    describe: 'Test data, where the dataset has no split of its own',
  },
  board: { type: 'string', describe: 'Board, or a target in edge-nn.config.ts' },
  port: { type: 'string', describe: 'Serial port of a real board, such as /dev/ttyACM0' },
  out: { type: 'string', describe: 'Where to write' },
  seed: { type: 'number', describe: 'Seed of all randomness', default: 1 },
  limit: { type: 'number', describe: 'How many examples, from the first; all unless given' },
  timeout: {
    type: 'number',
    describe: 'Seconds without an answer after which a device is given up',
    default: 10,
  },
} as const satisfies Record<string, Option>;

const value = <T>(flags: Flags, name: string, as: (value: unknown) => T): T | undefined =>
  flags[name] === undefined ? undefined : as(flags[name]);

/** Reads typed values out of parsed flags; absent ones stay undefined. */
export const read = {
  text: (flags: Flags, name: string) => value(flags, name, String),
  required: (flags: Flags, name: string) => String(flags[name]),
  number: (flags: Flags, name: string) => value(flags, name, Number),
  flag: (flags: Flags, name: string) => flags[name] === true,
  /** A flag whose default depends on other things: undefined where it is not given. */
  optionalFlag: (flags: Flags, name: string) => value(flags, name, Boolean),
};

/** How many examples, where somebody said so. @throws UsageError */
export function requireLimit(limit: number | undefined): void {
  if (limit === undefined || (Number.isInteger(limit) && limit > 0)) return;
  throw new UsageError(`the limit must be a whole number of at least 1, got ${limit}`, {
    hint: 'Leave --limit out to take all examples.',
    where: '--limit',
  });
}

/** @throws UsageError for a number that is given and not above 0 */
export function requirePositive(name: string, value: number | undefined): void {
  if (value === undefined || value > 0) return;
  throw new UsageError(`${name} must be above 0, got ${value}`, {
    hint: `Leave --${name} out, or give a larger number.`,
    where: `--${name}`,
  });
}

/** A time-out in milliseconds. @throws UsageError where it is no time */
export function milliseconds(timeout: number | undefined): number | undefined {
  requirePositive('timeout', timeout);
  return timeout === undefined ? undefined : 1000 * timeout;
}

/**
 * What a verb cannot do without, for callers without types.
 *
 * @throws UsageError naming the first option that is no text
 */
export function requireTexts<T extends object>(
  verb: string,
  options: T,
  ...names: readonly (keyof T & string)[]
): void {
  const name = names.find((each) => typeof options?.[each] !== 'string' || options[each] === '');
  if (name === undefined) return;
  throw new UsageError(`${verb} needs the option ${name}, a text`, {
    hint: `Call ${verb}({ ${names.map((each) => `${each}: '...'`).join(', ')} }).`,
    where: name,
  });
}
