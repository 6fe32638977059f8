/**
 * The WASM engine: kernels/c compiled with SIMD, one instance and one memory per program.
 */
import { readFileSync } from 'node:fs';
import { ToolchainError, UsageError } from '../core/errors.js';
import { builtFile } from '../core/package.js';
import type { Graph } from '../ir/graph.js';
import { type CpuLibrary, type CpuProgram, cpuProgram } from './cpu-program.js';
import { alignUp } from './placement.js';
import { createProgram, type Machine } from './program.js';
import type { CompileOptions, Engine, Program } from './types.js';
import {
  pageBytes,
  type WasmInstance,
  type WasmMemory,
  type WasmModule,
  wasm,
} from './wasm-api.js';

let loaded: Promise<WasmModule> | undefined;

async function loadModule(): Promise<WasmModule> {
  const path = builtFile('engine.wasm');
  try {
    return await wasm.compile(readFileSync(path));
  } catch (cause) {
    throw new ToolchainError(`cannot load the float kernels: ${(cause as Error).message}`, {
      hint: 'Build the package again: npm run build.',
      where: path,
      cause,
    });
  }
}

/** A memory of so many bytes. @throws UsageError when the machine has not got them */
function newMemory(bytes: number, what: string): WasmMemory {
  const pages = Math.max(2, Math.ceil(bytes / pageBytes));
  try {
    return new wasm.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    const mib = Math.ceil(bytes / 2 ** 20);
    throw new UsageError(`${what} needs ${mib} MiB of memory`, {
      hint: 'Use a smaller batch.',
      cause,
    });
  }
}

const instantiate = (module: WasmModule, memory: WasmMemory): WasmInstance =>
  new wasm.Instance(module, { env: { memory } });

/** The names that an export gives by number, until it gives none. */
function namesOf(memory: WasmMemory, name: (i: number) => number): Map<string, number> {
  const bytes = new Uint8Array(memory.buffer);
  const out = new Map<string, number>();
  for (let i = 0, at = name(0); at !== 0; at = name(++i)) {
    out.set(String.fromCharCode(...bytes.slice(at, bytes.indexOf(0, at))), i);
  }
  return out;
}

/** Room for the longest parameters, the roots of unity of a long transform. */
const paramBytes = 16 * 2 ** 20;

/** What the module says of itself, from an instance that runs nothing. */
function libraryOf(module: WasmModule): { library: CpuLibrary; base: number } {
  const memory = newMemory(paramBytes, 'the kernels');
  const { exports } = instantiate(module, memory);
  const base = alignUp(exports.heap_base!());
  const names = (name: string) => namesOf(memory, exports[name]!);
  return {
    base,
    library: {
      // Every machine that runs the module gives the same bytes.
      variant: 'wasm-simd128',
      kernels: names('kernel_name'),
      tiles: names('tile_name'),
      scratches: names('scratch_name'),
      scratchFloats(index, params) {
        new Int32Array(memory.buffer, base, params.length).set(params);
        return exports.scratch_floats!(index, base);
      },
    },
  };
}

/** The WASM engine. @throws ToolchainError when engine.wasm was not built */
export async function createWasmEngine(): Promise<Engine> {
  loaded ??= loadModule();
  const module = await loaded;
  const { library, base } = libraryOf(module);
  return {
    name: 'wasm',
    variant: library.variant,
    compile(graph: Graph, { keep = [] }: CompileOptions = {}): Program {
      const program = cpuProgram(graph, library, keep, base);
      return createProgram(graph, program.layout, machineOf(module, program, graph.name));
    },
  };
}

function machineOf(module: WasmModule, program: CpuProgram, name: string): Machine {
  const memory = newMemory(program.bytes, `graph ${name}`);
  const { exports } = instantiate(module, memory);
  new Int32Array(memory.buffer, program.base, program.code.length).set(program.code);
  return {
    write: (address, bytes) => new Uint8Array(memory.buffer).set(bytes, address),
    read: (address, length) => new Uint8Array(new Uint8Array(memory.buffer, address, length)),
    run: () => void exports.run!(program.base, program.calls, 0, 1, 0),
    // Whoever held the machine drops it, and the memory with it.
    dispose() {},
  };
}
