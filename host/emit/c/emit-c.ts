/**
 * Emits a lowered graph as C: `model.h` with the sizes, `model.c` with tables and calls.
 */
import { debug } from '../../core/debug.js';
import { sha256 } from '../../core/hash.js';
import type { Lowered } from '../../lower/lowered.js';
import { modelSource } from './model-c.js';
import { modelHeader } from './model-h.js';

export interface EmitOptions {
  /** First 16 bytes of the SHA-256 of the model file. */
  readonly modelHash: Uint8Array;
  /** 16 bytes that name the build; default: the hash of the emitted text. */
  readonly buildHash?: Uint8Array | undefined;
}

/** The first 16 bytes of the SHA-256 of a file or text. */
export const hash16 = (content: Uint8Array | string): Uint8Array =>
  new Uint8Array(Buffer.from(sha256(content), 'hex').subarray(0, 16));

/**
 * The C of a model, against device/enn_model.h and the kernel headers (`kernelHeaders`). The same
 * input gives the same bytes.
 *
 * @returns file names (`model.c`, `model.h`) and contents
 * @throws UnsupportedError for axes that a kernel has no form of, or an input that is not integer
 */
export function emitC(
  lowered: Lowered,
  { modelHash, buildHash }: EmitOptions,
): ReadonlyMap<string, string> {
  const header = modelHeader(lowered);
  const source = (hash: Uint8Array) => modelSource(lowered, { modelHash, buildHash: hash });
  const build = buildHash ?? hash16(header + source(new Uint8Array(16)));
  const model = source(build);
  debug('code', `model.c of ${lowered.graph.name}`, () => model);
  return new Map([
    ['model.c', model],
    ['model.h', header],
  ]);
}
