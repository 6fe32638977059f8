/**
 * A verb of the command line, as data. main.ts turns the list of them into a parser.
 */
import type { Options, PositionalOptions } from 'yargs';
import type { ExitCode } from '../core/errors.js';

/** What a running verb may use besides its options. Human text goes to stderr. */
export interface Console {
  /** Writes a line for people. */
  note(text: string): void;
  /** A bar on a terminal; elsewhere nothing. */
  progress(label: string, total: number): ProgressBar;
  /** Fires at Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface ProgressBar {
  update(done: number, detail?: string): void;
  stop(): void;
}

/** A console that says nothing; what library callers get unless they bring their own. */
export const silent: Console = {
  note() {},
  progress: () => ({ update() {}, stop() {} }),
  signal: new AbortController().signal,
};

/** Options as yargs parsed them, before a verb types them. */
export type Flags = Readonly<Record<string, unknown>>;

export interface Command<Result = unknown> {
  readonly verb: string;
  readonly summary: string;
  /** Required unless listed with `demandOption: false`. */
  readonly positionals?: Readonly<Record<string, PositionalOptions>>;
  readonly options: Readonly<Record<string, Options>>;
  /** Command lines that work as they stand, each with what it does. */
  readonly examples: readonly (readonly [string, string])[];
  run(flags: Flags, console: Console): Promise<Result>;
  /** What people read on stdout without `--json`. */
  render(result: Result): string;
  /** The exit code of a run that raised no error; 0 where absent. */
  exitCode?(result: Result): ExitCode;
}

/** Fixes the type of a command's result where the command is written. */
export const command = <Result>(spec: Command<Result>): Command => spec as Command;

const text = (value: unknown): string | undefined =>
  value === undefined ? undefined : String(value);
const number = (value: unknown): number | undefined =>
  value === undefined ? undefined : Number(value);

/** Reads typed values out of parsed flags; absent ones stay undefined. */
export const read = {
  text: (flags: Flags, name: string): string | undefined => text(flags[name]),
  required: (flags: Flags, name: string): string => String(flags[name]),
  number: (flags: Flags, name: string): number | undefined => number(flags[name]),
  flag: (flags: Flags, name: string): boolean => flags[name] === true,
};

/** The object without its undefined entries, as exactOptionalPropertyTypes wants it. */
export function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as never;
}
