#!/usr/bin/env node
/**
 * The command line: parses, runs one verb, prints its result or its error, sets the exit code.
 */
import { writeSync } from 'node:fs';
import yargs, { type Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { EdgeNnError, type ExitCode, exitCodes, UsageError } from '../core/errors.js';
import { packageVersion } from '../core/package.js';
import type { Command, Flags } from './command.js';
import { commands } from './commands/index.js';
import { terminalConsole } from './console.js';
import { errorJson, errorText } from './errors.js';

/** Writes all of it, also into a pipe that is slower than the process is to end. */
function writeOut(fd: 1 | 2, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') return;
      if (code !== 'EAGAIN') throw error;
    }
  }
}

async function runCommand(command: Command, flags: Flags): Promise<ExitCode> {
  const result = await command.run(flags, terminalConsole());
  const text = flags.json === true ? JSON.stringify(result, null, 2) : command.render(result);
  if (text !== '') writeOut(1, `${text}\n`);
  return command.exitCode?.(result) ?? exitCodes.ok;
}

function addCommand(parser: Argv, command: Command, run: (flags: Flags) => Promise<void>): Argv {
  const positionals = Object.entries(command.positionals ?? {});
  const usage = positionals.map(([name, option]) =>
    option.demandOption === false ? `[${name}]` : `<${name}>`,
  );
  return parser.command(
    [command.verb, ...usage].join(' '),
    command.summary,
    (args) => {
      for (const [name, option] of positionals) {
        args.positional(name, { type: 'string', ...option });
      }
      args.options(command.options);
      for (const [line, what] of command.examples) args.example(line, what);
      return args;
    },
    run as never,
  );
}

/** A typing mistake gets its remedy; options that take one value refuse two. */
function usageError(message: string): UsageError {
  return new UsageError(message, {
    hint: 'Run `edge-nn --help`, or `edge-nn <verb> --help` for its options and an example.',
  });
}

function refuseRepeated(flags: Flags): void {
  const twice = Object.keys(flags).find((name) => name !== '_' && Array.isArray(flags[name]));
  if (twice) throw usageError(`--${twice} is given more than once`);
}

/**
 * Runs the command line and returns its exit code. Errors are printed: to stdout as
 * `{error: {...}}` with --json, to stderr as message and hint without.
 */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  let parser: Argv = yargs([...argv])
    .scriptName('edge-nn')
    .usage('$0 <verb>\n\nFrom a network in TypeScript to accuracy measured on a device.')
    .version(packageVersion)
    .option('json', { type: 'boolean', default: false, describe: 'Print the result as JSON' })
    .strict()
    .demandCommand(1, 'Name a verb.')
    .recommendCommands()
    .help()
    .wrap(100)
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? usageError(message);
    });
  for (const command of commands) {
    parser = addCommand(parser, command, async (flags) => {
      refuseRepeated(flags);
      code = await runCommand(command, flags);
    });
  }
  try {
    await parser.parseAsync();
    return code;
  } catch (error) {
    const json = argv.includes('--json');
    writeOut(json ? 1 : 2, json ? errorJson(error) : errorText(error));
    return error instanceof EdgeNnError ? error.code : exitCodes.internal;
  }
}

process.exit(await main(hideBin(process.argv)));
