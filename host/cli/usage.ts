/**
 * What is wrong with a command line, in words that name the missing or unknown thing; yargs only
 * finds it.
 */
import { UsageError } from '../core/errors.js';
import type { Command, Flags } from './command.js';
import { commands } from './commands.js';

const verbList = `Verbs: ${commands.map(({ verb }) => verb).join(', ')}.`;

const usageError = (message: string, hint: string): UsageError => new UsageError(message, { hint });

const helpHint = (verb: string): string =>
  `Run \`edge-nn ${verb} --help\` for its options and an example.`;

const optionsHint = ({ verb, options }: Command): string => {
  const names = Object.keys(options).map((name) => `--${name}`);
  return names.length === 0
    ? `\`edge-nn ${verb}\` takes no options but --json and --help.`
    : `Options of ${verb}: ${names.join(', ')}. ${helpHint(verb)}`;
};

/** An option as yargs compares it: `--foo-bar` is fooBar. */
const plain = (name: string): string => name.replaceAll('-', '').toLowerCase();

const strangeOption = (command: Command, option: string): UsageError =>
  usageError(`${command.verb} has no option ${option}`, optionsHint(command));

/** What every verb takes. */
const common = ['json', 'help', 'version'];

/** The first option of a command line that the verb does not have. */
function unknownOption({ options }: Command, argv: readonly string[]): string | undefined {
  const known = new Set([...common, ...Object.keys(options)].map(plain));
  return argv
    .filter((arg) => /^--[a-z]/i.test(arg))
    .map((arg) => arg.replace(/=.*/s, ''))
    .find((arg) => !known.has(plain(arg)));
}

/** A message of yargs, and how it reads here. Its locale is fixed, so that they match. */
const rephrased: readonly (readonly [
  RegExp,
  (command: Command, found: string, argv: readonly string[]) => UsageError,
])[] = [
  [
    /^Not enough non-option arguments: got (\d+)/,
    (command, got) => {
      const [name, option] = Object.entries(command.positionals ?? {})[Number(got)]!;
      return usageError(
        `${command.verb} needs a <${name}>: ${option.describe}`,
        helpHint(command.verb),
      );
    },
  ],
  [
    /^Missing required arguments?: (.*)/,
    (command, names, argv) => {
      const stranger = unknownOption(command, argv);
      if (stranger !== undefined) return strangeOption(command, stranger);
      const list = names.split(', ').map((name) => `--${name}`);
      return usageError(`${command.verb} needs ${list.join(' and ')}`, helpHint(command.verb));
    },
  ],
  [
    /^Unknown arguments?: (.*)/,
    (command, names, argv) => {
      const unknown = new Set(names.split(', ').map(plain));
      const option = argv
        .filter((arg) => arg.startsWith('-'))
        .map((arg) => arg.replace(/=.*/s, ''))
        .find((arg) => unknown.has(plain(arg)));
      return option === undefined
        ? usageError(`${command.verb} has no use for ${names}`, helpHint(command.verb))
        : strangeOption(command, option);
    },
  ],
  [
    /^Invalid values:\s+Argument: (.*)/s,
    (_, what) => {
      const [, name, given, choices] = /^(\S+), Given: (.*), Choices: ([^\n]*)/.exec(what)!;
      return usageError(`--${name} cannot be ${given}`, `Choose one of: ${choices}.`);
    },
  ],
];

/**
 * The error for a command line that yargs refuses.
 *
 * @param found what yargs says
 */
export function commandLineError(found: string, argv: readonly string[]): UsageError {
  const verb = argv.find((arg) => !arg.startsWith('-'));
  if (verb === undefined) {
    const given = argv.length === 0 ? 'no verb is given' : `no verb is given, only ${argv[0]}`;
    return usageError(given, `${verbList} Run \`edge-nn --help\` for what they do.`);
  }
  const command = commands.find((each) => each.verb === verb);
  if (!command) {
    // yargs compares the verb with all others, generously: it takes `help` for `setup`.
    const guess = /^Did you mean (.).*/.exec(found);
    const likely = guess?.[1] === verb[0] ? guess?.[0] : undefined;
    return usageError(`there is no verb ${verb}`, [likely, verbList].filter(Boolean).join(' '));
  }
  for (const [pattern, rephrase] of rephrased) {
    const match = pattern.exec(found);
    if (match) return rephrase(command, match[1]!, argv);
  }
  return usageError(found, helpHint(verb));
}

/** A switch with a value other than yes or no, which yargs takes for no: `--resume=maybe`. */
function checkSwitches({ options }: Command, argv: readonly string[]): void {
  for (const arg of argv) {
    const [, name, value] = /^--([^=]+)=(.*)$/s.exec(arg) ?? [];
    const isSwitch = name === 'json' || options[name ?? '']?.type === 'boolean';
    if (!isSwitch || value === 'true' || value === 'false') continue;
    throw usageError(`--${name} cannot be "${value}"`, `Write --${name}, or --${name}=false.`);
  }
}

/**
 * What yargs lets pass and no verb can mean: an option twice, an empty one, a number that is none, a
 * switch with a value.
 */
export function checkFlags(command: Command, flags: Flags, argv: readonly string[]): void {
  checkSwitches(command, argv);
  const { verb } = command;
  for (const [name, value] of Object.entries(flags)) {
    if (name === '_' || name === '$0') continue;
    const problem = Array.isArray(value)
      ? 'is given more than once'
      : value === ''
        ? 'needs a value'
        : Number.isNaN(value)
          ? 'needs a number'
          : undefined;
    if (problem) throw usageError(`--${name} ${problem}`, helpHint(verb));
  }
}
