/**
 * Model files: TypeScript or JavaScript with `export default model(...)`.
 */
import { BadInputError } from '../core/errors.js';
import type { Model } from './model.js';
import { loadUserModule } from './user-module.js';

const hint = "Write `export default model('name', () => { ... }, { loss, labels });` in it.";

const isModel = (value: unknown): value is Model =>
  typeof value === 'object' &&
  value !== null &&
  'graph' in value &&
  typeof value.graph === 'function' &&
  'name' in value &&
  typeof value.name === 'string';

/**
 * Loads a model file; `edge-nn` in it resolves to the running package.
 *
 * @returns the model; errors of its `graph` name the line of the file
 * @throws BadInputError (exit code 3) when there is no such file, it does not parse, throws, or
 * exports no model
 */
export async function loadModelFile(path: string): Promise<Model> {
  const { exported, guard } = await loadUserModule(path, 'model file');
  if (exported === undefined) {
    throw new BadInputError(`${path} has no default export`, { hint, where: path });
  }
  if (!isModel(exported)) {
    throw new BadInputError(`the default export of ${path} is no model`, { hint, where: path });
  }
  return { ...exported, graph: (seed) => guard(() => exported.graph(seed)) };
}
