import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compileModel } from '../../host/board/compile.js';
import { DeviceNotFoundError, UsageError } from '../../host/core/errors.js';
import { evaluateModel } from '../../host/eval/evaluate.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import { scoreInteger } from '../../host/quant/evaluate.js';
import { engineMissing } from '../quant/fixture.js';
import { sample } from '../quick.js';
import { alterWeight, dataset, flashAltered, flashedBuild, tfliteBytes } from './fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'enn-eval-'));
let model: Uint8Array;

before(async () => {
  if (!engineMissing) model = await tfliteBytes();
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('a device scores what the oracle scores, and every byte is equal', {
  skip: engineMissing,
}, async () => {
  const path = join(folder, 'good');
  await flashedBuild(path, model);
  const result = await evaluateModel({ path, dataset, diff: true });
  assert.equal(result.equal, 1);
  assert.equal(result.count, dataset.count);
  assert.equal(result.accuracy, (await scoreInteger(importTflite(model), dataset)).accuracy);
  assert.equal(result.difference, null);
  assert.ok(result.compared! > 1);
  const diagonal = result.confusion!.reduce((sum, row, i) => sum + row[i]!, 0);
  assert.equal(diagonal / result.count, result.accuracy);
});

for (const [table, index, layer, step] of sample([
  ['conv2_w', 0, 'conv2.w', 2],
  ['conv1_w', 0, 'conv1.w', 0],
  ['dense1_w', 100, 'dense1.w', 3],
  ['dense2_w', 12, 'dense2.w', 4],
] as const)) {
  test(`one altered weight in ${layer}: the layer is named`, { skip: engineMissing }, async () => {
    const path = join(folder, table);
    await flashedBuild(path, model);
    await flashAltered(path, alterWeight(table, index));
    const result = await evaluateModel({ path, dataset, diff: true });
    assert.ok(result.equal < 1, 'the alteration must reach an output');
    assert.ok(result.difference?.weights.includes(layer), JSON.stringify(result.difference));
    assert.equal(result.difference?.step, step);
    assert.notEqual(result.difference?.expected, result.difference?.got);
  });
}

test('a build that was not flashed has no device', { skip: engineMissing }, async () => {
  const path = join(folder, 'cold');
  await compileModel({ model, name: 'net', board: 'virtual', out: path });
  await assert.rejects(evaluateModel({ path, dataset }), DeviceNotFoundError);
});

test('a build is for one board', { skip: engineMissing }, async () => {
  const path = join(folder, 'good');
  await assert.rejects(evaluateModel({ path, dataset, board: 'host' }), UsageError);
});
