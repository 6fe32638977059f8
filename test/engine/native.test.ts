/**
 * The native engine: every variant that this machine runs does what every engine does, agrees with
 * the reference on every op, and gives the same bytes at any number of threads.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { buildNative } from '../../host/engine/cpu/native-build.js';
import { createNativeEngine, nativeVariants } from '../../host/engine/cpu/native-engine.js';
import { createEngine, type Engine } from '../../host/engine/engine.js';
import { hasTool } from '../device/fixture.js';
import { checkOp, floatOps, isWindowed } from '../kernels/f32-check.js';
import { quick } from '../quick.js';
import { contract } from './contract.js';
import { checkRandomGraph } from './random-graph.js';
import { bytesAfterSteps, networks, trainingStep } from './training-step.js';

/** Cases per op and variant. */
const rounds = 10;
const windowRounds = 25;

const skip = hasTool(process.env.CC ?? 'cc') ? false : 'no C compiler here';
const variants = skip ? [] : await nativeVariants();
const engines = new Map<string, Engine>();
for (const variant of variants) engines.set(variant, await createNativeEngine({ variant }));

test('the native engine can be built here', { skip }, () => assert.ok(engines.size > 0));

for (const [variant, engine] of engines) {
  test(`native ${variant}: kernels and reference agree on every op`, () => {
    for (const op of floatOps) {
      const count = isWindowed(op) ? windowRounds : rounds;
      for (let seed = 101; seed <= 100 + count; seed++) checkOp(engine, op, seed);
    }
  });
  test(`native ${variant}: what every engine does`, () => {
    for (const check of Object.values(contract)) check(engine);
    for (let seed = 1; seed <= 20; seed++) checkRandomGraph(engine, seed);
  });
}

for (const net of networks) {
  test(`native: a training of ${net} gives the same bytes at any number of threads`, {
    skip,
  }, async () => {
    const expected = await bytesAfterSteps(await createNativeEngine(), net);
    for (const threads of [2, 3, 8]) {
      const bytes = await bytesAfterSteps(await createNativeEngine({ threads }), net);
      assert.equal(bytes, expected, `${threads} threads`);
    }
  });
}

/** Between engines after some steps: sums of other widths and fused products round differently. */
const trainingTolerance = 2e-4;

test('native and wasm agree on the losses of a training of LeNet-5', { skip }, async () => {
  const losses = async (engine: Engine): Promise<number[]> => {
    const { train, program } = await trainingStep(engine, 'lenet5');
    // Adam's first steps without the correction of its averages are three times as long.
    program.write(train.rate, Float32Array.of(0.001));
    return Array.from({ length: 20 }, () => {
      program.run();
      return program.read(train.loss)[0] as number;
    });
  };
  const [native, wasm] = [
    await losses(await createNativeEngine()),
    await losses(await createEngine()),
  ];
  assert.ok(wasm.at(-1)! < 0.5 * wasm[0]!, 'the loss falls');
  native.forEach((loss, i) => {
    const error = Math.abs(loss - wasm[i]!) / wasm[0]!;
    assert.ok(error <= trainingTolerance, `step ${i}: ${loss} and ${wasm[i]}`);
  });
});

/** Runs something with a cache of its own and a compiler. */
async function withCompiler(script: string, run: (cache: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'edge-nn-cache-'));
  const before = { ...process.env };
  const compiler = join(dir, 'cc');
  writeFileSync(compiler, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  process.env.XDG_CACHE_HOME = dir;
  process.env.CC = compiler;
  try {
    await run(join(dir, 'edge-nn'));
  } finally {
    process.env = before;
    rmSync(dir, { recursive: true });
  }
}

const skipTwo = skip || (quick && 'EDGE_NN_QUICK is set');

test('builds at the same time leave one whole addon', { skip: skipTwo }, async () => {
  // Not optimized: this is about files.
  await withCompiler('exec cc "$@" -O0', async (cache) => {
    const [a, b] = await Promise.all([buildNative(), buildNative()]);
    assert.equal(a, b);
    assert.ok(existsSync(a));
    assert.deepEqual(readdirSync(cache), [basename(a)], 'nothing half-built is left');
  });
});

test('without a compiler one line says that wasm is used', async () => {
  await withCompiler('echo no such luck >&2; exit 1', async (cache) => {
    const lines: string[] = [];
    const engine = await createEngine('native', { report: (line) => lines.push(line) });
    assert.equal(engine.name, 'wasm');
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /^the native engine could not be built: .*; the engine wasm is used/);
    assert.deepEqual(readdirSync(cache), []);
  });
});
