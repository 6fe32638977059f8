/**
 * `edge-nn.config.ts`: what a project says once instead of in every command.
 */
import { BadInputError } from '../core/errors.js';
import { loadUserModule } from './user-module.js';

/** A board under a name of the project's own. */
export interface Target {
  readonly board: string;
  /** A serial port, such as /dev/ttyACM0. */
  readonly port?: string;
}

export interface Config {
  /** The model file that commands take when none is given. */
  readonly model?: string;
  /** Datasets by name; a value is a specification such as `npy:train-x.npy,train-y.npy`. */
  readonly datasets?: Readonly<Record<string, string>>;
  readonly targets?: Readonly<Record<string, Target>>;
  /** Defaults of options, by verb: `{ train: { epochs: 5 } }`. Flags win over them. */
  readonly defaults?: Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;
}

/** Declares a configuration; it only gives the object its type. */
export const defineConfig = (config: Config): Config => config;

const keys = ['model', 'datasets', 'targets', 'defaults'];

/**
 * Loads a configuration file.
 *
 * @throws BadInputError (exit code 3) when it does not parse, throws, or exports no configuration
 */
export async function loadConfigFile(path: string): Promise<Config> {
  const { exported } = await loadUserModule(path, 'configuration file');
  const hint = 'Write `export default defineConfig({ ... });` in it.';
  if (typeof exported !== 'object' || exported === null) {
    throw new BadInputError(`${path} exports no configuration`, { hint, where: path });
  }
  const extra = Object.keys(exported).find((key) => !keys.includes(key));
  if (extra !== undefined) {
    throw new BadInputError(`${path}: unknown key '${extra}'`, {
      hint: `Known keys are ${keys.join(', ')}.`,
      where: path,
    });
  }
  return exported as Config;
}
