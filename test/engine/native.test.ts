/**
 * The native engine: every variant that this machine runs does what every engine does, agrees with
 * the reference on every op, and gives the same bytes at any number of threads.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Engine } from '../../host/engine/engine.js';
import { buildNative, canBuildNative } from '../../host/engine/native-build.js';
import { createNativeEngine, nativeVariants } from '../../host/engine/native-engine.js';
import { checkOp, floatOps, isWindowed } from '../kernels/f32-check.js';
import { contract } from './contract.js';
import { checkRandomGraph } from './random-graph.js';
import { bytesAfterSteps, networks } from './training-step.js';

/** Cases per op and variant. */
const rounds = 10;
const windowRounds = 25;

const skip = canBuildNative() ? false : 'no C compiler here';
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

test('builds at the same time leave one whole addon', { skip }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'edge-nn-cache-'));
  const before = { ...process.env };
  // A compiler that does not optimize: this is about files.
  const quickly = join(dir, 'cc');
  writeFileSync(quickly, '#!/bin/sh\nexec cc "$@" -O0\n', { mode: 0o755 });
  process.env.XDG_CACHE_HOME = dir;
  process.env.CC = quickly;
  try {
    const [a, b] = await Promise.all([buildNative(), buildNative()]);
    assert.equal(a, b);
    assert.ok(existsSync(a));
    assert.equal(readdirSync(join(dir, 'edge-nn')).length, 1, 'nothing half-built is left');
  } finally {
    process.env = before;
    rmSync(dir, { recursive: true });
  }
});
