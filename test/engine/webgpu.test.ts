/**
 * The WebGPU engine: every op against the reference, programs with states, memory in several
 * buffers. On SwiftShader a shader takes a tenth of a second to compile, a case a few milliseconds.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWebgpuEngine } from '../../host/engine/webgpu/engine.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import { checkOp, floatOps, isWindowed } from '../kernels/f32-check.js';
import { contract } from './contract.js';
import { checkRandomGraph } from './random-graph.js';
import { webgpu } from './webgpu-available.js';

/** Cases per op. */
const rounds = 8;
const windowRounds = 25;

const { skip } = webgpu;
const engine = webgpu.engine!;
const f32 = (...shape: number[]) => ({ shape, dtype: 'f32' }) as const;

for (const op of floatOps) {
  test(`webgpu ${op}: kernel and reference agree`, { skip }, () => {
    for (let seed = 1; seed <= (isWindowed(op) ? windowRounds : rounds); seed++) {
      checkOp(engine, op, seed);
    }
  });
}

for (const [what, check] of Object.entries(contract)) {
  test(`webgpu: ${what}`, { skip }, () => check(engine));
}

test('webgpu: random networks with states agree with the reference', { skip }, () => {
  for (let seed = 1; seed <= 30; seed++) checkRandomGraph(engine, seed);
});

test('webgpu: memory in several buffers', { skip }, async () => {
  const small = await createWebgpuEngine({ bufferBytes: 256 });
  for (let seed = 1; seed <= 3; seed++) checkRandomGraph(small, seed);
  const g = buildGraph({ name: 'large', stage: 'train' });
  const x = g.input(f32(1000));
  const graph = g.finish([g.add('relu', [x], {})]);
  assert.throws(() => small.compile(graph), { code: 2, message: /large needs 1 MiB of memory/ });
});

test('webgpu: a variant is the name of the device', { skip }, async () => {
  const variant = engine.variant.replace('webgpu-', '');
  assert.equal((await createWebgpuEngine({ variant })).variant, engine.variant);
  await assert.rejects(createWebgpuEngine({ variant: 'gt-3000' }), {
    code: 2,
    message: /not gt-3000/,
  });
});
