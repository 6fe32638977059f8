/**
 * Quantization schemes by the names that flags give them.
 */
import { UsageError } from '../core/errors.js';
import { type Graph, getValue, type ValueId } from '../ir/graph.js';
import { prepareForQuantization } from '../quant/quantize.js';
import { isSchemeName, type SchemeName, schemes } from '../scheme/schemes.js';

/** @throws UsageError (exit code 2) for a name that is none */
export function requireScheme(name: string): SchemeName {
  if (isSchemeName(name)) return name;
  throw new UsageError(`there is no quantization scheme ${name}`, {
    hint: `Choose one of: ${Object.keys(schemes).join(', ')}.`,
  });
}

/** The layers of `conv1=int16x8,fc=int8w4`, by the values that they compute. */
export function layerSchemes(graph: Graph, text: string): ReadonlyMap<ValueId, SchemeName> {
  const prepared = prepareForQuantization(graph);
  const layers = [...prepared.inputs, ...prepared.nodes.map(({ output }) => output)];
  const named = (name: string): ValueId => {
    const found = layers.find((id) => id === name || getValue(prepared, id).name === name);
    if (found !== undefined) return found;
    throw new UsageError(`there is no layer ${name}`, {
      hint: `Choose among: ${layers.join(', ')}.`,
    });
  };
  const entries = text.split(',').map((entry) => {
    const [name = '', scheme] = entry.split('=').map((side) => side.trim());
    if (name === '' || scheme === undefined || scheme === '') {
      throw new UsageError(`'${entry}' is no layer=scheme`, {
        hint: 'Write conv1=int16x8, or several with commas between them.',
      });
    }
    return [named(name), requireScheme(scheme)] as const;
  });
  return new Map(entries);
}
