/**
 * A verb of the command line, as data. main.ts turns the list of them into a parser.
 */
import type { ExitCode, exitCodes } from '../core/errors.js';
import type { Config } from '../front/config.js';

/** As of a program that SIGINT ended. */
export const exitInterrupted = 130;
const exitTerminated = 143;

/** By signal. */
export const signalCodes = { SIGINT: exitInterrupted, SIGTERM: exitTerminated } as const;

/** What a running verb may use besides its options. Human text goes to stderr. */
export interface Context {
  /** The project's `edge-nn.config.ts`; empty where there is none. */
  readonly config: Config;
  /** Whether a person watches a terminal: bars instead of lines. */
  readonly interactive: boolean;
  /** Writes a line for people. */
  note(text: string): void;
  /** A bar on a terminal; elsewhere nothing. */
  progress(label: string, total: number): ProgressBar;
  /** Fires at Ctrl-C, for verbs that end by themselves then (Command.interrupted). */
  readonly signal: AbortSignal;
}

export interface ProgressBar {
  update(done: number, detail?: string): void;
  stop(): void;
}

/** A context that says nothing; what library callers get unless they bring their own. */
export const silent: Context = {
  config: {},
  interactive: false,
  note() {},
  progress: () => ({ update() {}, stop() {} }),
  signal: new AbortController().signal,
};

/** Options as yargs parsed them, before a verb types them. */
export type Flags = Readonly<Record<string, unknown>>;

/** What yargs is told of an option; in words of our own, so that users need no types of yargs. */
export interface Option {
  readonly type?: 'string' | 'number' | 'boolean';
  readonly describe: string;
  readonly default?: string | number | boolean;
  readonly choices?: readonly string[];
  readonly demandOption?: boolean;
}

export interface Command<Result = unknown> {
  readonly verb: string;
  readonly summary: string;
  /** Required unless they say `demandOption: false`. */
  readonly positionals?: Readonly<Record<string, Option>>;
  /** Positionals that the configuration gives where the command line does not. */
  presets?(config: Config): Readonly<Record<string, string | undefined>>;
  readonly options: Readonly<Record<string, Option>>;
  /** Command lines that work as they stand, each with what it does. */
  readonly examples: readonly (readonly [string, string])[];
  run(flags: Flags, context: Context): Promise<Result>;
  /** What people read on stdout without `--json`. */
  render(result: Result, flags: Flags): string;
  /** The exit code of a run that raised no error; 0 where absent. */
  exitCode?(result: Result): ExitCode;
  /**
   * The verb ends by itself at the first Ctrl-C, with what it has, and this exit code. Verbs without
   * it end at once.
   */
  readonly interrupted?: typeof exitCodes.ok | typeof exitInterrupted;
}

/** Fixes the type of a command's result where the command is written. */
export const command = <Result>(spec: Command<Result>): Command => spec as Command;

/** The object without its undefined entries, as exactOptionalPropertyTypes wants it. */
export const defined = <T extends object>(object: T) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T as undefined extends T[K] ? never : K]: T[K];
  } & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };
