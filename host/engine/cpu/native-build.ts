/**
 * The addon of the native engine: built once per machine from kernels/c by the system's C compiler,
 * and kept in the user's cache under the hash of its sources.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ToolchainError } from '../../core/errors.js';
import { sha256 } from '../../core/hash.js';
import { makeOutputFolder } from '../../core/output-file.js';
import { packageFile } from '../../core/package.js';

const run = promisify(execFile);

/** Flags of every file: C11 without contraction to FMA; where FMA is wanted it is written. */
const flags = ['-std=c11', '-O3', '-ffp-contract=off', '-fPIC', '-Wall', '-Wextra', '-Wconversion'];

interface Unit {
  readonly source: string;
  readonly object: string;
  readonly flags: readonly string[];
}

/** The kernels once per instruction set, and the addon itself. */
function units(arch: string): Unit[] {
  const variant = (name: string, ...more: string[]): Unit => ({
    source: 'engine_variant.c',
    object: `${name}.o`,
    flags: [`-DENN_LIBRARY=enn_library_${name}`, ...more],
  });
  const x64 = [
    variant('avx2', '-mavx2', '-mfma'),
    variant('avx512', '-mavx512f', '-mavx512dq', '-mavx512vl', '-mfma'),
  ];
  const addon = { source: 'engine_native.c', object: 'addon.o', flags: [] };
  return [...(arch === 'x64' ? x64 : []), variant('base'), addon];
}

const linkFlags = (platform: string): string[] =>
  platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-pthread'];

const compiler = (): string => process.env.CC ?? 'cc';

function headersFolder(): string {
  const require = createRequire(import.meta.url);
  return (require('node-api-headers') as { include_dir: string }).include_dir;
}

/** The file of the addon for these sources on this machine; it may not be there yet. */
function nativeAddonPath(): string {
  const dir = packageFile('kernels', 'c');
  const names = readdirSync(dir).filter((name) =>
    /^(engine_.*|enn_f32_.*|enn_vec\.h|enn_simd\.h)$/.test(name),
  );
  const files = names.sort().map((name) => [name, readFileSync(join(dir, name), 'utf8')]);
  const { arch, platform } = process;
  const what = JSON.stringify([arch, platform, flags, units(arch), linkFlags(platform), files]);
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const hash = sha256(Buffer.from(what)).slice(0, 16);
  return join(cache, 'edge-nn', `native-${arch}-${hash}.node`);
}

/** A folder for the objects, in the cache. @throws ToolchainError where it cannot be written */
function workFolder(cache: string): string {
  try {
    makeOutputFolder(cache);
    return mkdtempSync(join(cache, 'build-'));
  } catch (cause) {
    throw new ToolchainError(`the native engine cannot be kept: ${(cause as Error).message}`, {
      hint: 'Set XDG_CACHE_HOME to a folder that can be written, or use --engine wasm.',
      where: cache,
      cause,
    });
  }
}

/**
 * Builds the addon where it is not in the cache. It appears there whole or not at all, whoever
 * else builds it at the same time.
 *
 * @returns its path
 * @throws ToolchainError (exit code 6) without a compiler, or with what it says
 */
export async function buildNative(): Promise<string> {
  const path = nativeAddonPath();
  if (existsSync(path)) return path;
  const folder = join(path, '..');
  const work = workFolder(folder);
  const source = (name: string): string => packageFile('kernels', 'c', name);
  const cc = async (...args: string[]): Promise<void> => {
    await run(compiler(), args, { cwd: work, maxBuffer: 2 ** 24 });
  };
  try {
    const all = units(process.arch);
    await Promise.all(
      all.map((unit) =>
        cc(
          ...[...flags, ...unit.flags, `-I${headersFolder()}`],
          ...['-c', source(unit.source), '-o', unit.object],
        ),
      ),
    );
    await cc(
      ...linkFlags(process.platform),
      ...all.map(({ object }) => object),
      '-o',
      'addon.node',
    );
    renameSync(join(work, 'addon.node'), path);
    return path;
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string };
    throw new ToolchainError(`the native engine could not be built: ${stderr?.trim() || message}`, {
      hint: 'Install a C compiler (Debian: apt install gcc), or use --engine wasm.',
      where: compiler(),
      cause,
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
