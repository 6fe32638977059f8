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

export interface WasmInstance {
  readonly exports: Readonly<Record<string, (...args: number[]) => number>>;
}

interface WasmApi {
  readonly Memory: new (options: {
    initial: number;
    maximum?: number;
    shared?: boolean;
  }) => WasmMemory;
  readonly Instance: new (module: WasmModule, imports: object) => WasmInstance;
  compile(bytes: Uint8Array): Promise<WasmModule>;
}

export const wasm: WasmApi = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly;

export const pageBytes = 65536;
