/**
 * Builds the virtual board's image: the device as a WebAssembly module, by npm `@yowasp/clang`.
 */
import type { Board } from './boards.js';
import { compileFlags } from './flags.js';
import type { Image, SourceTree } from './image.js';
import { parseWasmMap, placedBytes } from './image-map.js';
import { compileWasmModule, wasmCompiler } from './toolchain/wasm-clang.js';

/**
 * Builds a source tree.
 *
 * Code, constants and initial values count as flash; the stack is what the module reserves for C
 * (it lies below the data, so that an overflow traps), not what the engine needs beside it.
 *
 * @throws ToolchainError with the compiler's diagnostics
 */
export async function buildWasm(board: Board, tree: SourceTree): Promise<Image> {
  const stackBytes = board.stackReserve!;
  const flags = [...compileFlags(board), `-Wl,-z,stack-size=${stackBytes},--stack-first`];
  const { wasm, map } = await compileWasmModule(['model/model.c', ...board.sources], tree, flags);
  const placed = parseWasmMap(map);
  const stored = placedBytes(placed, ({ output }) => !output.startsWith('.bss'));
  const data = placedBytes(placed, ({ output }) => /^\.(bss|data)/.test(output));
  return {
    file: 'firmware.wasm',
    bytes: wasm,
    size: { flash: stored, ram: stackBytes + data },
    stack: { bytes: stackBytes, method: 'reserved', path: [] },
    placed,
    compiler: wasmCompiler(),
  };
}
