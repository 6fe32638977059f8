/**
 * The virtual board: firmware/virtual/port.c, compiled to WebAssembly, as a device in this process.
 */
import { BadInputError } from '../core/errors.js';
import type { InProcessDevice } from './in-process.js';

/** The few parts of the engine's interface that are used here; Node's types leave them out. */
interface WasmApi {
  compile(bytes: Uint8Array): Promise<object>;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

const { WebAssembly: wasmApi } = globalThis as unknown as { readonly WebAssembly: WasmApi };

interface VirtualExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  enn_virtual_start(): void;
  enn_virtual_stage(): number;
  enn_virtual_stage_bytes(): number;
  enn_virtual_push(count: number): void;
  enn_virtual_poll(): number;
  enn_virtual_sent(): number;
  enn_virtual_pull(): number;
}

/**
 * @param wasm a module built from device/, firmware/virtual and a generated model
 * @throws BadInputError when it is something else
 */
export async function wasmDevice(wasm: Uint8Array): Promise<InProcessDevice> {
  let module: object;
  let current: VirtualExports;
  const start = (): VirtualExports => {
    const exports = new wasmApi.Instance(module).exports as VirtualExports;
    exports.enn_virtual_start();
    return exports;
  };
  try {
    module = await wasmApi.compile(wasm);
    current = start();
  } catch (cause) {
    throw new BadInputError(`This is not an image of the virtual board: ${cause}`, {
      hint: 'Compile the model again with --board virtual.',
      cause,
    });
  }
  return {
    push(bytes) {
      const room = current.enn_virtual_stage_bytes();
      for (let at = 0; at < bytes.length; at += room) {
        const part = bytes.subarray(at, at + room);
        new Uint8Array(current.memory.buffer).set(part, current.enn_virtual_stage());
        current.enn_virtual_push(part.length);
      }
    },
    poll: () => current.enn_virtual_poll() !== 0,
    pull() {
      const count = current.enn_virtual_pull();
      return new Uint8Array(current.memory.buffer, current.enn_virtual_sent(), count).slice();
    },
    reset() {
      current = start();
    },
  };
}
