import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileWasm } from '../../../host/board/toolchain/wasm-clang.js';
import { packageFile } from '../../../host/core/package.js';
import { emitC } from '../../../host/emit/c/emit-c.js';
import { kernelHeaders } from '../../../host/emit/c/kernel-headers.js';
import { isIntegerOp, type OpName, ops } from '../../../host/ir/ops.js';

import { lower } from '../../../host/lower/pipeline.js';
import { networks } from '../../lower/networks.js';
import { hasTool, strictFlags, testHash } from './host-build.js';

/** The model with all that it includes. */
function folder(): ReadonlyMap<string, string> {
  const model = emitC(lower(networks[name]!(1)), { modelHash: testHash });
  const header = readFileSync(packageFile('device', 'enn_model.h'), 'utf8');
  return new Map([
    ...model,
    ...kernelHeaders(model.get('model.c')!),
    ['enn_model.h', header] as const,
  ]);
}

/** The network that uses every op. */
const name = 'everything';

/** Compiles model.c alone; the symbols of the object, `type name` each. */
function symbols(compiler: string, nm: string, flags: readonly string[]): string[] {
  const dir = mkdtempSync(join(tmpdir(), 'enn-object-'));
  try {
    for (const [path, text] of folder()) writeFileSync(join(dir, path), text);
    const object = join(dir, 'model.o');
    const args = [...strictFlags, ...flags, '-c', join(dir, 'model.c'), '-o', object];
    execFileSync(compiler, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const lines = execFileSync(nm, ['-P', object], { encoding: 'utf8' }).trim().split('\n');
    return lines.map((line) => line.split(' ').slice(0, 2).reverse().join(' '));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What a device needs nothing of: mutable data, the heap, floating point. */
const forbidden = /^[bBdDcC] |malloc|__aeabi_[fd]|__(add|sub|mul|div|fix|float)[a-z]*[sd]f/;

const targets: readonly (readonly [string, string, readonly string[]])[] = [
  // Position-independent code would put tables of pointers into a data section.
  ['cc', 'nm', ['-O2', '-fno-pie']],
  [
    'arm-none-eabi-gcc',
    'arm-none-eabi-nm',
    ['-mcpu=cortex-m4', '-mthumb', '-mfloat-abi=soft', '-O3'],
  ],
  ['arm-none-eabi-gcc', 'arm-none-eabi-nm', ['-mcpu=cortex-m0', '-mthumb', '-Os']],
];

for (const [compiler, nm, flags] of targets) {
  test(`model.c compiles without a warning, mutable data or float: ${compiler} ${flags.join(' ')}`, (t) => {
    if (!hasTool(compiler)) return t.skip(`no ${compiler} here`);
    const found = symbols(compiler, nm, flags);
    assert.deepEqual(
      found.filter((symbol) => forbidden.test(symbol)),
      [],
    );
    for (const wanted of ['T enn_model_run', 'T enn_model_reset', 'R enn_model']) {
      assert.ok(found.includes(wanted), `${wanted} among ${found.join(', ')}`);
    }
  });
}

test('model.c compiles without a warning: clang for WebAssembly', async () => {
  const flags = ['-Wl,--export=enn_model_run', '-Wl,--export=enn_model'];
  const wasm = await compileWasm(['model.c'], folder(), flags);
  assert.equal(WebAssembly.validate(wasm as Uint8Array<ArrayBuffer>), true);
});

test('the network of these tests uses every op that reaches a device', () => {
  const used = new Set(lower(networks[name]!(1)).graph.nodes.map((node) => node.op));
  const wanted = (Object.keys(ops) as OpName[]).filter(isIntegerOp);
  assert.deepEqual(
    wanted.filter((op) => !used.has(op)),
    [],
  );
});

test('the same graph gives the same bytes; hashes change what they name and nothing else', () => {
  const lowered = () => lower(networks.lenet!(1));
  const first = emitC(lowered(), { modelHash: testHash });
  assert.deepEqual([...emitC(lowered(), { modelHash: testHash })], [...first]);
  const other = emitC(lowered(), { modelHash: testHash, buildHash: testHash.toReversed() });
  const lines = (files: ReadonlyMap<string, string>) => files.get('model.c')!.split('\n');
  const changed = lines(first).filter((line, i) => line !== lines(other)[i]);
  assert.equal(changed.length, 1);
  assert.match(changed[0]!, /build_hash/);
  assert.throws(() => emitC(lowered(), { modelHash: new Uint8Array(3) }), /modelHash has 3 bytes/);
});
