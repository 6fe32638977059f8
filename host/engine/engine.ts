/**
 * Engines run float graphs. An engine turns a graph into a program: a plan of one arena and a flat
 * list of kernel calls over it. Several programs can live at once.
 */
import { UsageError } from '../core/errors.js';
import type { Engine } from './types.js';
import { createWasmEngine } from './wasm-engine.js';

export type { CompileOptions, Engine, Program } from './types.js';

export const engineNames = ['wasm'] as const;

/**
 * An engine by name.
 *
 * @throws UsageError for an unknown name, ToolchainError when the kernels were not built
 */
export async function createEngine(name = 'wasm'): Promise<Engine> {
  if (!engineNames.some((known) => known === name)) {
    throw new UsageError(`there is no engine ${name}`, {
      hint: `Choose one of: ${engineNames.join(', ')}.`,
    });
  }
  return createWasmEngine();
}
