/**
 * Builds the package: host, tools and tests as ES modules, the float kernels as WebAssembly.
 *
 *     node dist/tools/build.js                everything, into dist/
 *     node dist/tools/build.js test/link ...  host, tools and only the tests below those paths
 *     node dist/tools/build.js --types        also the type declarations, for packing
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

async function buildModules(testPaths: readonly string[]): Promise<void> {
  const tests = filesBelow('test', '.test.ts').filter(
    (file) => testPaths.length === 0 || testPaths.some((path) => file.startsWith(path)),
  );
  const tools = filesBelow('tools', '.ts').filter((file) => basename(file) !== 'build.ts');
  const entries = [
    ...['host/index.ts'].map((file) => ({ in: file, out: 'index' })),
    ...['host/cli/main.ts'].map((file) => ({ in: file, out: 'cli' })),
    ...[...tests, ...tools].map((file) => ({ in: file, out: file.replace(/\.ts$/, '') })),
  ].filter((entry) => existsSync(entry.in));
  rmSync(join(out, 'test'), { recursive: true, force: true });
  await build({
    entryPoints: entries,
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

/** The float kernels; recompiled when a source changed, so a second build takes no time. */
async function buildEngine(): Promise<void> {
  const dir = 'kernels/c';
  const entry = `${dir}/engine_wasm.c`;
  if (!existsSync(entry)) return;
  const headers = filesBelow(dir, '.h');
  const files = new Map([entry, ...headers].map((file) => [file, readFileSync(file, 'utf8')]));
  const hash = createHash('sha256')
    .update(JSON.stringify([...files]))
    .digest('hex');
  const stamp = join(out, 'engine.wasm.sha256');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  const wasm = await compileWasm([entry], files, [`-I${dir}`, '-Wl,--import-memory']);
  writeFileSync(join(out, 'engine.wasm'), wasm);
  writeFileSync(stamp, hash);
}

function buildTypes(): void {
  const args = [
    '-p',
    'tsconfig.json',
    '--noEmit',
    'false',
    '--declaration',
    '--emitDeclarationOnly',
  ];
  const run = spawnSync('node_modules/.bin/tsc', [...args, '--outDir', join(out, 'types')], {
    stdio: 'inherit',
  });
  if (run.status !== 0) process.exit(1);
}

const args = process.argv.slice(2);
mkdirSync(out, { recursive: true });
await Promise.all([buildModules(args.filter((arg) => !arg.startsWith('--'))), buildEngine()]);
if (args.includes('--types')) buildTypes();
