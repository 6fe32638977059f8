/**
 * The native engine: the kernels of the WASM engine compiled for this machine, as a Node-API addon.
 */
import { createRequire } from 'node:module';
import { UsageError } from '../../core/errors.js';
import type { Graph } from '../../ir/graph.js';
import { createProgram, type Machine } from '../program.js';
import type { CompileOptions, Engine, EngineOptions, Program } from '../types.js';
import { buildNative } from './native-build.js';
import { type CpuLibrary, type CpuProgram, cpuProgram } from './program.js';
import { timedRun } from './timings.js';

/** What kernels/c/engine_native.c exports. */
interface Addon {
  variants(): readonly {
    readonly variant: string;
    readonly kernels: readonly string[];
    readonly tiles: readonly string[];
    readonly scratches: readonly string[];
  }[];
  scratchFloats(variant: number, index: number, params: Int32Array): number;
  memory(bytes: number): ArrayBuffer;
  run(variant: number, memory: ArrayBuffer, calls: number, count: number, threads: number): void;
}

/** Word 0 of a memory is no address: it stands for none. */
const base = 64;

const numbered = (names: readonly string[]): Map<string, number> =>
  new Map(names.map((name, i) => [name, i]));

/** The number of the variant to use: the best, or the one that is asked for. */
function pickVariant(addon: Addon, wanted: string | undefined): number {
  const names = addon.variants().map(({ variant }) => variant);
  const at = wanted === undefined ? 0 : names.indexOf(wanted);
  if (at >= 0) return at;
  throw new UsageError(`this processor has no variant ${wanted}`, {
    hint: `Choose one of: ${names.join(', ')}.`,
  });
}

function libraryOf(addon: Addon, index: number): CpuLibrary {
  const { variant, kernels, tiles, scratches } = addon.variants()[index]!;
  return {
    variant: `native-${variant}`,
    kernels: numbered(kernels),
    tiles: numbered(tiles),
    scratches: numbered(scratches),
    scratchFloats: (number, params) => addon.scratchFloats(index, number, params),
  };
}

function machineOf(addon: Addon, variant: number, program: CpuProgram, threads: number): Machine {
  const memory = addon.memory(program.bytes);
  new Int32Array(memory, program.base, program.code.length).set(program.code);
  const timed = timedRun(program.names, program.base, (calls, count) =>
    addon.run(variant, memory, calls / 4, count, threads),
  );
  return {
    write: (address, bytes) => new Uint8Array(memory).set(bytes, address),
    read: (address, length) => new Uint8Array(memory, address, length).slice(),
    run: timed.run,
    // Whoever held the machine drops it, and the memory with it.
    dispose: timed.report,
  };
}

async function loadAddon(): Promise<Addon> {
  return createRequire(import.meta.url)(await buildNative()) as Addon;
}

/** The variants that this processor runs, best first. @throws ToolchainError without a compiler */
export const nativeVariants = async (): Promise<readonly string[]> =>
  (await loadAddon()).variants().map(({ variant }) => variant);

/**
 * The native engine; builds its addon where this machine has none.
 *
 * @throws ToolchainError (exit code 6) without a compiler
 */
export async function createNativeEngine(options: EngineOptions = {}): Promise<Engine> {
  const { threads = 1 } = options;
  const addon = await loadAddon();
  const index = pickVariant(addon, options.variant);
  const library = libraryOf(addon, index);
  return {
    name: 'native',
    variant: library.variant,
    compile(graph: Graph, { keep = [] }: CompileOptions = {}): Program {
      const program = cpuProgram(graph, library, keep, base);
      return createProgram(graph, program.layout, machineOf(addon, index, program, threads));
    },
  };
}
