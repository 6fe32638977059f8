/**
 * Engines run float graphs. An engine turns a graph into a program: a plan of one arena and a flat
 * list of kernel calls over it. Several programs can live at once.
 */
import { UsageError } from '../core/errors.js';
import { createNativeEngine } from './native-engine.js';
import type { Engine, EngineOptions } from './types.js';
import { createWasmEngine } from './wasm-engine.js';
import { createWebgpuEngine } from './webgpu-engine.js';

export type { CompileOptions, Engine, EngineOptions, Program } from './types.js';

const engines = {
  wasm: createWasmEngine,
  native: createNativeEngine,
  webgpu: (_options: EngineOptions) => createWebgpuEngine(),
} satisfies { readonly [N in Engine['name']]: (options: EngineOptions) => Promise<Engine> };

export const engineNames = Object.keys(engines) as readonly Engine['name'][];

/**
 * An engine by name.
 *
 * @throws UsageError for an unknown name, ToolchainError when the kernels were not built or the
 *   machine lacks what the engine needs
 */
export async function createEngine(name = 'wasm', options: EngineOptions = {}): Promise<Engine> {
  const known = engineNames.find((engine) => engine === name);
  if (known === undefined) {
    throw new UsageError(`there is no engine ${name}`, {
      hint: `Choose one of: ${engineNames.join(', ')}.`,
    });
  }
  return engines[known](options);
}
