/**
 * The options of a .tflite operator, by the name of their table.
 */

import { builtinOptions } from '../../format/tflite/options.js';
import type { TfliteBuiltinOptions } from '../../format/tflite/tflite.js';
import { badModel, describe, type ImportContext, type ImportOperator } from './context.js';

type Named = Exclude<TfliteBuiltinOptions['type'], 'unknown'>;

export type OptionsOf<T extends string> = Extract<TfliteBuiltinOptions, { readonly type: T }>;

/**
 * The options of an operator. A file may leave them out: then each has the schema's default, as
 * TensorFlow Lite takes it.
 */
export function optionsOf<T extends Named>(
  ctx: ImportContext,
  operator: ImportOperator,
  type: T,
): OptionsOf<T> {
  const given = operator.builtinOptions;
  if (given === undefined) {
    const defaults = Object.entries(builtinOptions[type]).map(([k, { fallback }]) => [k, fallback]);
    return { type, ...Object.fromEntries(defaults) } as OptionsOf<T>;
  }
  if (given.type === type) return given as OptionsOf<T>;
  throw badModel(ctx, `${describe(ctx, operator)} has ${given.type} where ${type} belong`);
}
