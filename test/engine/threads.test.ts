/**
 * Threads of the WASM engine: the same bytes at any number of them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine } from '../../host/engine/engine.js';
import { contract } from './contract.js';
import { checkRandomGraph } from './random-graph.js';
import { bytesAfterSteps, networks } from './training-step.js';

for (const net of networks) {
  test(`wasm: a training of ${net} gives the same bytes at any number of threads`, async () => {
    const expected = await bytesAfterSteps(await createEngine('wasm'), net);
    for (const threads of [2, 3]) {
      const bytes = await bytesAfterSteps(await createEngine('wasm', { threads }), net);
      assert.equal(bytes, expected, `${threads} threads`);
    }
  });
}

test('wasm with threads does what every engine does', async () => {
  const engine = await createEngine('wasm', { threads: 2 });
  for (const check of Object.values(contract)) check(engine);
  for (let seed = 1; seed <= 10; seed++) checkRandomGraph(engine, seed);
});
