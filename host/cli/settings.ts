/**
 * The project's configuration, and which value wins: flag, environment, configuration, default.
 */
import { existsSync } from 'node:fs';
import { UsageError } from '../core/errors.js';
import { type Config, loadConfigFile } from '../front/config.js';
import type { Command, Option } from './command.js';

const configFiles = ['edge-nn.config.ts', 'edge-nn.config.js', 'edge-nn.config.mjs'];

/** The configuration in the current folder; empty where there is none. */
export async function loadConfig(): Promise<Config> {
  const file = configFiles.find((name) => existsSync(name));
  return file === undefined ? {} : loadConfigFile(file);
}

/** Options that the environment may set. EDGE_NN_DATA is a folder, not an option. */
const environment: Readonly<Record<string, string>> = {
  board: 'EDGE_NN_BOARD',
  port: 'EDGE_NN_PORT',
  engine: 'EDGE_NN_ENGINE',
};

/** A verb's options with the defaults that environment and configuration give. */
export function withDefaults(
  verb: string,
  options: Readonly<Record<string, Option>>,
  config: Config,
): Record<string, Option> {
  const configured = config.defaults?.[verb] ?? {};
  const unknown = Object.keys(configured).find((name) => !(name in options));
  if (unknown !== undefined) {
    throw new UsageError(`edge-nn.config.ts: ${verb} has no option ${unknown}`, {
      hint: `Options are ${Object.keys(options).join(', ')}.`,
      where: 'edge-nn.config.ts',
    });
  }
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => {
      const fromEnvironment = process.env[environment[name] ?? ''];
      const preset = fromEnvironment ?? configured[name];
      if (preset === undefined) return [name, option];
      const { demandOption: _, ...rest } = option;
      return [name, { ...rest, default: preset }];
    }),
  );
}

/** A command's positionals; those that the configuration gives are no longer required. */
export function withPresets(
  { positionals = {}, presets }: Command,
  config: Config,
): Record<string, Option> {
  const given = presets?.(config) ?? {};
  return Object.fromEntries(
    Object.entries(positionals).map(([name, option]) => {
      const preset = given[name];
      return [
        name,
        preset === undefined ? option : { ...option, demandOption: false, default: preset },
      ];
    }),
  );
}

export interface BoardChoice {
  readonly board: string | undefined;
  readonly port: string | undefined;
}

/** A board's name and port; a target of the configuration stands for both. */
export function chooseBoard(
  config: Config,
  name: string | undefined,
  port: string | undefined,
): BoardChoice {
  const target = name === undefined ? undefined : config.targets?.[name];
  return target ? { board: target.board, port: port ?? target.port } : { board: name, port };
}

/** Turns a dataset's name in the configuration into its specification. */
export const datasetResolver =
  (config: Config) =>
  (name: string): string | undefined =>
    config.datasets?.[name];
