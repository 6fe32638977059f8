/**
 * The C compiler that is always there: clang as WebAssembly, from npm `@yowasp/clang`.
 *
 * The driver cannot spawn its linker inside WASI, so the package's `runClang` replays the command
 * list that `clang -###` prints. Its type declarations leave that function out.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, parse as parsePath } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { RunOptions, Tree } from '@yowasp/clang';
import { ToolchainError } from '../../core/errors.js';

interface Clang {
  runLLVM(args: undefined, files: undefined, options: RunOptions): Promise<Tree> | undefined;
  runClang(args: string[], files: Tree, options: RunOptions): Promise<Tree>;
}

let loaded: Promise<Clang> | undefined;

/**
 * Runs `work` without V8's optimizing WebAssembly compiler: to optimize clang takes three times as
 * long as to compile a model with it.
 */
async function baselineOnly<T>(work: () => Promise<T>): Promise<T> {
  setFlagsFromString('--no-wasm-dynamic-tiering');
  setFlagsFromString('--no-wasm-tier-up');
  try {
    return await work();
  } finally {
    // In this order: tier-up without dynamic tiering optimizes every function at once.
    setFlagsFromString('--wasm-dynamic-tiering');
    setFlagsFromString('--wasm-tier-up');
  }
}

/** Loads the compiler once; its own progress lines would otherwise land on stdout. */
function load(): Promise<Clang> {
  loaded ??= (async () => {
    const clang = (await import('@yowasp/clang')) as unknown as Clang;
    await clang.runLLVM(undefined, undefined, { fetchProgress() {} });
    return clang;
  })();
  return loaded;
}

/** Files by path; folders nest through `/` in the path. */
export type SourceFiles = ReadonlyMap<string, string | Uint8Array>;

function toTree(files: SourceFiles): Tree {
  const root: Tree = {};
  for (const [path, content] of files) {
    const parts = path.split('/');
    const name = parts.pop()!;
    let dir = root;
    for (const part of parts) dir = (dir[part] ??= {}) as Tree;
    dir[name] = content;
  }
  return root;
}

/** Flags of every freestanding module: SIMD, no start file, C11 without contraction to FMA. */
export const wasmFlags: readonly string[] = [
  '-std=c11',
  '-O3',
  '-ffp-contract=off',
  '-msimd128',
  '-mbulk-memory',
  '-nostartfiles',
  '-Wl,--no-entry',
  '-Wall',
  '-Wextra',
  '-Wconversion',
  '-Werror',
];

/** A linked module and the linker's map of it. */
export interface WasmModule {
  readonly wasm: Uint8Array;
  /** The text of wasm-ld's `-Map`. */
  readonly map: string;
}

/**
 * Compiles and links C sources to one WebAssembly module.
 *
 * @param sources the .c files to compile, as paths in `files`
 * @param files   every file that the compiler may read, headers included
 * @param flags   further flags, such as `-Wl,--import-memory` or `-Idevice`
 * @throws ToolchainError with the compiler's diagnostics
 */
export async function compileWasmModule(
  sources: readonly string[],
  files: SourceFiles,
  flags: readonly string[] = [],
): Promise<WasmModule> {
  const clang = await baselineOnly(load);
  const diagnostics: Uint8Array[] = [];
  const options: RunOptions = {
    stderr: (bytes) => void (bytes && diagnostics.push(bytes.slice())),
    fetchProgress() {},
  };
  const output = ['-Wl,-Map=module.map', '-o', 'module.wasm'];
  const args = ['clang', ...wasmFlags, ...flags, ...sources, ...output];
  try {
    const out = await baselineOnly(() => clang.runClang(args, toTree(files), options));
    const map = out['module.map'] as Uint8Array | string;
    return {
      wasm: out['module.wasm'] as Uint8Array,
      map: typeof map === 'string' ? map : Buffer.from(map).toString(),
    };
  } catch (cause) {
    throw new ToolchainError(`clang (WebAssembly) failed:\n${Buffer.concat(diagnostics)}`, {
      hint: 'If you changed C sources, mend the lines named above; if not, please report this output.',
      where: sources.join(', '),
      cause,
    });
  }
}

/** The bytes of the module that `compileWasmModule` links. */
export const compileWasm = async (
  sources: readonly string[],
  files: SourceFiles,
  flags: readonly string[] = [],
): Promise<Uint8Array> => (await compileWasmModule(sources, files, flags)).wasm;

/** The compiler's name and version. */
export function wasmCompiler(): string {
  const require = createRequire(import.meta.url);
  const { dir } = parsePath(require.resolve('@yowasp/clang'));
  const manifest = JSON.parse(readFileSync(join(dir, '../package.json'), 'utf8'));
  return `@yowasp/clang ${manifest.version}`;
}
