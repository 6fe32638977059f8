/**
 * Engines run float graphs. An engine turns a graph into a program: a plan of one arena and a flat
 * list of kernel calls over it. Several programs can live at once.
 */
import { availableParallelism } from 'node:os';
import { ToolchainError, UsageError } from '../core/errors.js';
import { createNativeEngine } from './cpu/native-engine.js';
import { createWasmEngine } from './cpu/wasm-engine.js';
import type { Engine, EngineOptions } from './types.js';
import { createWebgpuEngine } from './webgpu/engine.js';

export type { CompileOptions, Engine, EngineOptions, Program } from './types.js';

/** The native engine, or the WASM engine where it cannot be built. */
async function nativeOrWasm(options: EngineOptions): Promise<Engine> {
  try {
    return await createNativeEngine(options);
  } catch (error) {
    if (!(error instanceof ToolchainError)) throw error;
    const report = options.report ?? ((line: string) => void process.stderr.write(`${line}\n`));
    const [reason] = error.message.split('\n');
    report(`${reason}; the engine wasm is used (${error.hint})`);
    return createWasmEngine(options);
  }
}

const engines = {
  wasm: createWasmEngine,
  native: nativeOrWasm,
  webgpu: ({ variant }: EngineOptions) => createWebgpuEngine({ variant }),
} satisfies { readonly [N in Engine['name']]: (options: EngineOptions) => Promise<Engine> };

export const engineNames = Object.keys(engines) as readonly Engine['name'][];

/** Threads that are worth having on this machine: a batch has eight parts. */
export const usefulThreads = (): number => Math.min(8, availableParallelism());

/**
 * An engine by name, or by name and variant: `native:avx2` is the engine of machines without
 * AVX-512 on one that has it.
 *
 * @throws UsageError for an unknown name, ToolchainError when the kernels were not built or the
 *   machine lacks what the engine needs
 */
export async function createEngine(name = 'wasm', options: EngineOptions = {}): Promise<Engine> {
  const [first, variant = options.variant] = name.split(':');
  const known = engineNames.find((engine) => engine === first);
  if (known === undefined) {
    throw new UsageError(`there is no engine ${first}`, {
      hint: `Choose one of: ${engineNames.join(', ')}.`,
    });
  }
  const { threads = 1 } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > 64) {
    throw new UsageError(`an engine has from 1 to 64 threads, not ${threads}`, {
      hint: `On this machine ${usefulThreads()} are worth having.`,
    });
  }
  return engines[known]({ ...options, variant });
}
