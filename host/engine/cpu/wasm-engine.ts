/**
 * The WASM engine: kernels/c compiled with SIMD, one memory per program and in it
 *
 *     0 .. heap_base     the module's own stack and data
 *     then               where threads meet, stacks of further threads, then as in program.ts
 */
import { readFileSync } from 'node:fs';
import { ToolchainError, UsageError } from '../../core/errors.js';
import { builtFile } from '../../core/package.js';
import type { Graph } from '../../ir/graph.js';
import { alignUp } from '../placement.js';
import { createProgram, type Machine } from '../program.js';
import type { CompileOptions, Engine, EngineOptions, Program } from '../types.js';
import { type CpuLibrary, type CpuProgram, cpuProgram } from './program.js';
import { timedRun } from './timings.js';
import {
  pageBytes,
  type WasmInstance,
  type WasmMemory,
  type WasmModule,
  wasm,
} from './wasm-api.js';
import { hasFusedMultiplyAdd } from './wasm-fma.js';
import { type Shared, startTeam, type WasmTeam } from './wasm-team.js';

/** By variant: every machine that runs a module gives the same bytes. */
const files = { simd128: 'engine.wasm', relaxed: 'engine-relaxed.wasm' } as const;
type Variant = keyof typeof files;

/** What EngineOptions.variant asks for; default the faster one that runs here. */
function pickVariant(wanted: string | undefined): Variant {
  const here: Variant[] = hasFusedMultiplyAdd() ? ['relaxed', 'simd128'] : ['simd128'];
  const picked = wanted === undefined ? here[0] : here.find((variant) => variant === wanted);
  if (picked !== undefined) return picked;
  throw new UsageError(`the engine wasm has no variant ${wanted} here`, {
    hint: `Choose one of: ${here.join(', ')}.`,
  });
}

const loaded = new Map<Variant, Promise<WasmModule>>();

function moduleOf(variant: Variant): Promise<WasmModule> {
  const module = loaded.get(variant) ?? loadModule(variant);
  loaded.set(variant, module);
  return module;
}

async function loadModule(variant: Variant): Promise<WasmModule> {
  const path = builtFile(files[variant]);
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
function libraryOf(module: WasmModule, variant: Variant): { library: CpuLibrary; base: number } {
  const memory = newMemory(paramBytes, 'the kernels');
  const { exports } = instantiate(module, memory);
  const base = alignUp(exports.heap_base());
  const names = (name: 'kernel_name' | 'tile_name' | 'scratch_name') =>
    namesOf(memory, exports[name]);
  return {
    base,
    library: {
      variant: `wasm-${variant}`,
      kernels: names('kernel_name'),
      tiles: names('tile_name'),
      scratches: names('scratch_name'),
      scratchFloats(index, params) {
        new Int32Array(memory.buffer, base, params.length).set(params);
        return exports.scratch_floats(index, base);
      },
    },
  };
}

/** Bytes of the stack of a thread beside the first, which has the module's own. */
const stackBytes = 65536;
/** Bytes where a team of threads meets; a line of the cache of their own. */
const teamBytes = 64;

/** The WASM engine. @throws ToolchainError when engine.wasm was not built */
export async function createWasmEngine(options: EngineOptions = {}): Promise<Engine> {
  const { threads = 1 } = options;
  const variant = pickVariant(options.variant);
  const module = await moduleOf(variant);
  const { library, base } = libraryOf(module, variant);
  const team = threads > 1 ? startTeam(module, threads) : undefined;
  const stacks = alignUp(base) + teamBytes;
  const code = stacks + (threads - 1) * stackBytes;
  return {
    name: 'wasm',
    variant: library.variant,
    compile(graph: Graph, { keep = [] }: CompileOptions = {}): Program {
      const program = cpuProgram(graph, library, keep, code);
      const memory = newMemory(program.bytes, `graph ${graph.name}`);
      new Int32Array(memory.buffer, program.base, program.code.length).set(program.code);
      const shared = {
        ...{ memory, team: alignUp(base) },
        stackOf: (thread: number) => stacks + thread * stackBytes,
      };
      return createProgram(graph, program.layout, machineOf(module, program, shared, team));
    },
  };
}

function machineOf(
  module: WasmModule,
  { names, base }: CpuProgram,
  shared: Shared,
  team: WasmTeam | undefined,
): Machine {
  const { memory } = shared;
  const { exports } = instantiate(module, memory);
  const id = team?.join(shared);
  const timed = timedRun(names, base, (calls, count) => {
    if (id !== undefined) team?.start(id, calls, count);
    exports.run(calls, count, 0, team?.threads ?? 1, shared.team);
  });
  return {
    write: (address, bytes) => new Uint8Array(memory.buffer).set(bytes, address),
    read: (address, length) => new Uint8Array(new Uint8Array(memory.buffer, address, length)),
    run: timed.run,
    // Whoever held the machine drops it, and the memory with it.
    dispose() {
      timed.report();
      if (id !== undefined) team?.leave(id);
    },
  };
}
