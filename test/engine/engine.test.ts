import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine } from '../../host/engine/engine.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import { contract } from './contract.js';
import { checkRandomGraph } from './random-graph.js';

const engine = await createEngine();

for (const [what, check] of Object.entries(contract)) test(what, () => check(engine));

test('random networks with states agree with the reference over several runs', () => {
  for (let seed = 1; seed <= 150; seed++) checkRandomGraph(engine, seed);
});

test('unknown engines and integer graphs are refused', async () => {
  await assert.rejects(createEngine('abacus'), { code: 2 });
  await assert.rejects(createEngine('wasm:abacus'), { code: 2 });
  assert.equal((await createEngine('wasm:simd128')).variant, 'wasm-simd128');
  const g = buildGraph({ name: 'g', stage: 'int8' });
  const quant = { scheme: 'tflite', scale: Float32Array.of(0.1), zeroPoint: Int32Array.of(0) };
  const x = g.input({ shape: [1, 4], dtype: 's8' }, { quant });
  const graph = g.finish([g.add('relu', [x], {}, { quant })]);
  assert.throws(() => engine.compile(graph), { code: 4 });
});
