/**
 * Whether this runtime multiplies and adds in one operation: relaxed SIMD (WebAssembly 3.0), on a
 * processor that has the instruction. Elsewhere the same instruction may round twice, so the
 * engine uses it only where a trial says what it does.
 */
import { setFlagsFromString } from 'node:v8';
import { type WasmModule, wasm } from './wasm-api.js';

/** (func (export "f") (param f32 f32 f32) (result f32)): a b + c by f32x4.relaxed_madd. */
const trial = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x08, 0x01, 0x60, 0x03, 0x7d, 0x7d, 0x7d, 0x01, 0x7d],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00],
  ...[0x0a, 0x16, 0x01, 0x14, 0x00],
  ...[0x20, 0x00, 0xfd, 0x13, 0x20, 0x01, 0xfd, 0x13, 0x20, 0x02, 0xfd, 0x13],
  ...[0xfd, 0x85, 0x02, 0xfd, 0x1f, 0x00, 0x0b],
);

interface Trial {
  readonly exports: { f(a: number, b: number, c: number): number };
}

function isSupported(): boolean {
  if (wasm.validate(trial)) return true;
  // Node 20 has it behind a flag; later ones need none, and earlier ones have no such flag.
  if (!process.versions.v8.startsWith('11.3.')) return false;
  setFlagsFromString('--experimental-wasm-relaxed-simd');
  return wasm.validate(trial);
}

let known: boolean | undefined;

/** Tries it once. A worker thread sees what its process has set. */
export function hasFusedMultiplyAdd(): boolean {
  if (known !== undefined) return known;
  if (!isSupported()) {
    known = false;
    return known;
  }
  const module = new wasm.Module(trial) as WasmModule;
  const { f } = (new wasm.Instance(module, {}) as unknown as Trial).exports;
  // (1 + e)^2 - (1 + 2 e) = e^2, which is lost where the product is rounded.
  const e = 2 ** -13;
  known = f(1 + e, 1 + e, -1 - 2 * e) === e * e;
  return known;
}
