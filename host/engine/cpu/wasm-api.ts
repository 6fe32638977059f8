/**
 * The part of the WebAssembly API that the engine uses. Node has it; the type library for Node
 * without a browser does not declare it.
 */

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export interface WasmModule {
  readonly wasmModule?: never;
}

/** What kernels/c/engine_wasm.c exports. */
export interface EngineExports {
  heap_base(): number;
  kernel_name(i: number): number;
  tile_name(i: number): number;
  scratch_name(i: number): number;
  scratch_floats(i: number, params: number): number;
  run(calls: number, count: number, thread: number, threads: number, team: number): void;
  readonly __stack_pointer: { value: number };
}

export interface WasmInstance {
  readonly exports: EngineExports;
}

interface WasmApi {
  readonly Memory: new (options: {
    initial: number;
    maximum?: number;
    shared?: boolean;
  }) => WasmMemory;
  readonly Instance: new (module: WasmModule, imports: object) => WasmInstance;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  compile(bytes: Uint8Array): Promise<WasmModule>;
  validate(bytes: Uint8Array): boolean;
}

export const wasm: WasmApi = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly;

export const pageBytes = 65536;
