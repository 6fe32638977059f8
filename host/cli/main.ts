#!/usr/bin/env node
/**
 * The command line: parses, runs one verb, prints its result or its error, sets the exit code.
 */
import { writeSync } from 'node:fs';
import yargs, { type Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { EdgeNnError, exitCodes } from '../core/errors.js';
import { outputError } from '../core/output-file.js';
import { packageVersion } from '../core/package.js';
import type { Config } from '../front/config.js';
import { type Command, exitInterrupted, type Flags } from './command.js';
import { commands } from './commands.js';
import { terminalContext } from './console.js';
import { errorJson, errorText } from './errors.js';
import { loadConfig, withDefaults, withPresets } from './settings.js';
import { checkFlags, commandLineError } from './usage.js';

/** Writes all of it, also into a pipe whose reader is slower than this process ends. */
function writeOut(fd: 1 | 2, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') return;
      if (code !== 'EAGAIN') throw outputError(fd === 1 ? 'the result' : 'notes', error);
    }
  }
}

/** Says what went wrong; where that cannot be written either, the exit code must do. */
function complain(fd: 1 | 2, text: string): void {
  try {
    writeOut(fd, text);
  } catch {
    if (fd === 1) complain(2, text);
  }
}

async function runCommand(command: Command, flags: Flags, config: Config): Promise<number> {
  const terminal = terminalContext(config, command.interrupted !== undefined);
  const result = await command.run(flags, terminal).finally(terminal.close);
  const text =
    flags.json === true ? JSON.stringify(result, null, 2) : command.render(result, flags);
  if (text !== '') writeOut(1, `${text}\n`);
  if (terminal.signal.aborted) return command.interrupted ?? exitInterrupted;
  return command.exitCode?.(result) ?? exitCodes.ok;
}

type Run = (command: Command, flags: Flags) => Promise<void>;

function addCommand(parser: Argv, command: Command, config: Config, run: Run): Argv {
  const positionals = Object.entries(withPresets(command, config));
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
      args.options(withDefaults(command.verb, command.options, config));
      for (const [line, what] of command.examples) args.example(line, what);
      return args;
    },
    (flags) => run(command, flags as Flags),
  );
}

function createParser(argv: readonly string[], config: Config, run: Run): Argv {
  const base: Argv = yargs([...argv])
    .scriptName('edge-nn')
    .locale('en')
    .usage('$0 <verb>\n\nFrom a network in TypeScript to accuracy measured on a device.')
    .version(packageVersion)
    .option('json', { type: 'boolean', default: false, describe: 'Print the result as JSON' })
    .parserConfiguration({ 'camel-case-expansion': false, 'boolean-negation': false })
    .strict()
    .demandCommand(1, 'Name a verb.')
    .recommendCommands()
    .help()
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? commandLineError(message, argv);
    });
  return commands.reduce((parser, command) => addCommand(parser, command, config, run), base);
}

/**
 * Runs the command line and returns its exit code. Errors are printed: to stdout as
 * `{error: {...}}` with --json, to stderr as message and hint without.
 */
async function main(argv: readonly string[]): Promise<number> {
  let code: number = exitCodes.ok;
  try {
    const config = await loadConfig();
    await createParser(argv, config, async (command, flags) => {
      checkFlags(command, flags, argv);
      code = await runCommand(command, flags, config);
    }).parseAsync();
    return code;
  } catch (error) {
    const json = argv.includes('--json');
    complain(json ? 1 : 2, json ? errorJson(error) : errorText(error));
    return error instanceof EdgeNnError ? error.code : exitCodes.internal;
  }
}

process.exit(await main(hideBin(process.argv)));
