/**
 * Builds the package: host, tools and tests as ES modules, the float kernels as WebAssembly.
 *
 *     node dist/tools/build.js                everything, into dist/
 *     node dist/tools/build.js test/link ...  only the tests below those paths; for those that run
 *                                             the package as a whole, test/cli and test/e2e, that too
 *     node dist/tools/build.js --package      what npm packs: no tests, no tools, type declarations
 *
 * EDGE_NN_DIST names another output folder.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { compileWasm } from '../host/board/toolchain/wasm-clang.js';

const out = process.env.EDGE_NN_DIST ?? 'dist';

function filesBelow(dir: string, suffix: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

interface Entry {
  readonly in: string;
  readonly out: string;
}

/** Threads have a file of their own. */
const workers: readonly Entry[] = [
  { in: 'host/engine/webgpu/worker.ts', out: 'webgpu-worker' },
  { in: 'host/engine/cpu/wasm-worker.ts', out: 'wasm-worker' },
];

const host: readonly Entry[] = [
  ...workers,
  { in: 'host/index.ts', out: 'index' },
  { in: 'host/cli/main.ts', out: 'cli' },
];

/** What to bundle; a part of the tests can be built while other folders are in pieces. */
function entryPoints(testPaths: readonly string[]): Entry[] {
  const plain = (file: string) => ({ in: file, out: file.replace(/\.ts$/, '') });
  const tests = filesBelow('test', '.test.ts');
  if (testPaths.length > 0) {
    const wanted = tests.filter((file) => testPaths.some((path) => file.startsWith(path)));
    const runsPackage = wanted.some((file) => /^test.(cli|e2e)/.test(file));
    return [...(runsPackage ? host : workers), ...[...wanted, 'tools/test.ts'].map(plain)];
  }
  const tools = filesBelow('tools', '.ts').filter((file) => basename(file) !== 'build.ts');
  return [...host, ...[...tests, ...tools].map(plain)];
}

async function buildModules(entries: readonly Entry[]): Promise<void> {
  rmSync(join(out, 'test'), { recursive: true, force: true });
  await build({
    entryPoints: [...entries],
    outdir: out,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    sourcemap: 'linked',
    logLevel: 'warning',
  });
}

/** Memory is shared so that several threads can run one program. */
const engineFlags = [
  '-matomics',
  // It would turn constant offsets of loads into additions of their own.
  ...['-mllvm', '-disable-lsr'],
  '-Wl,--import-memory,--shared-memory,--max-memory=4294967296,--export=__stack_pointer',
];

/** Modules of the float kernels: for every runtime, and for those that multiply and add at once. */
const engineModules: readonly (readonly [string, ...string[]])[] = [
  ['engine.wasm'],
  ['engine-relaxed.wasm', '-mrelaxed-simd'],
];

/** The float kernels; recompiled when a source changed, so a second build takes no time. */
async function buildEngine(): Promise<void> {
  const dir = 'kernels/c';
  const entry = `${dir}/engine_wasm.c`;
  if (!existsSync(entry)) return;
  const headers = [...filesBelow(dir, '.h'), ...filesBelow(dir, '.inc')];
  const files = new Map([entry, ...headers].map((file) => [file, readFileSync(file, 'utf8')]));
  const hash = createHash('sha256')
    .update(JSON.stringify([engineFlags, engineModules, ...files]))
    .digest('hex');
  const stamp = join(out, 'engine.wasm.sha256');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  for (const [name, ...flags] of engineModules) {
    const wasm = await compileWasm([entry], files, [`-I${dir}`, ...engineFlags, ...flags]);
    writeFileSync(join(out, name), wasm);
  }
  writeFileSync(stamp, hash);
}

/** Declarations of what host/index.ts reaches. */
function buildTypes(): void {
  const args = ['-p', 'tsconfig.types.json', '--outDir', join(out, 'types')];
  const run = spawnSync('node_modules/.bin/tsc', args, { stdio: 'inherit' });
  if (run.status !== 0) throw new Error('the type declarations could not be written');
}

/** The package alone: chunks of tests and of earlier builds stay out of the archive. */
async function buildPackage(): Promise<void> {
  for (const folder of ['chunks', 'types'])
    rmSync(join(out, folder), { recursive: true, force: true });
  await Promise.all([buildModules(host), buildEngine()]);
  buildTypes();
}

const args = process.argv.slice(2);
mkdirSync(out, { recursive: true });
try {
  if (args.includes('--package')) await buildPackage();
  else await Promise.all([buildModules(entryPoints(args)), buildEngine()]);
} catch (error) {
  // The compilers have said what is wrong; a trace of this program says nothing more.
  console.error((error as Error).message);
  process.exit(1);
}
