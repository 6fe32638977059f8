/**
 * Emits a lowered graph as C: `model.h` with the sizes, `model.c` with tables and calls.
 */
import type { Lowered } from '../../lower/lowered.js';

export interface EmitOptions {
  /** First 16 bytes of the SHA-256 of the model file. */
  readonly modelHash: Uint8Array;
  /** 16 bytes that name the build; default: derived from the emitted text itself. */
  readonly buildHash?: Uint8Array | undefined;
}

/**
 * The C of a model, against device/enn_model.h and the kernel headers (`kernelHeaders`). The same
 * input gives the same bytes.
 *
 * @returns file names (`model.c`, `model.h`) and contents
 */
export declare function emitC(lowered: Lowered, options: EmitOptions): ReadonlyMap<string, string>;
