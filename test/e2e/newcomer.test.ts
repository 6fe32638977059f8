/**
 * A project of somebody else: a csv, a configuration, a model in two files; not LeNet, not MNIST.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { barLine } from '../../host/cli/console.js';
import { sha256 } from '../../host/core/hash.js';
import { randomInt } from '../../host/core/random.js';
import { cli, cliJson, quickBoard } from '../cli/cli.js';

/** Points of the plane, by quadrant: odd counts, so that the last batch is short. */
function points(seed: number, count: number): string {
  const coordinate = (n: number) => randomInt({ seed, purpose: 'test' }, n, 200) - 99.5;
  const rows = Array.from({ length: count }, (_, i) => {
    const [x, y] = [coordinate(2 * i), coordinate(2 * i + 1)];
    return `${x / 100},${y / 100},${x > 0 ? 'right' : 'left'}-${y > 0 ? 'up' : 'down'}`;
  });
  return ['x,y,label', ...rows, ''].join('\n');
}

function project(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'edge-nn-newcomer-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'nets'));
  const files = {
    'train.csv': points(1, 203),
    'test.csv': points(2, 57),
    'blocks.ts':
      "import { dense, relu, type Tensor } from 'edge-nn';\n" +
      'export const hidden = (x: Tensor, units: number): Tensor => relu(dense(x, units));\n',
    'nets/quadrant.ts':
      "import { dense, input, model } from 'edge-nn';\nimport { hidden } from '../blocks.js';\n" +
      "export default model('quadrant', () => dense(hidden(input([2]), 13), 4),\n" +
      "  { loss: 'softmaxCrossEntropy' });\n",
    'edge-nn.config.ts':
      "import { defineConfig } from 'edge-nn';\nexport default defineConfig({\n" +
      "  model: 'nets/quadrant.ts',\n  datasets: { mine: 'csv:train.csv', other: 'csv:test.csv' },\n" +
      "  defaults: { train: { data: 'mine', 'test-data': 'other', epochs: 8, lr: 0.03 } },\n});\n",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  return dir;
}

test('a project of its own: configuration, training twice, int8 on a device', async (t) => {
  const cwd = project(t);
  const train = (out: string) =>
    cliJson<{ testAccuracy: number }>(['train', '--batch', '17', '--out', out], { cwd });
  const [first] = [await train('a'), await train('b')];
  assert.ok(first.testAccuracy > 0.9, `accuracy ${first.testAccuracy}`);
  const [a, b] = ['a', 'b'].map((out) => sha256(readFileSync(join(cwd, out, 'best.safetensors'))));
  assert.equal(a, b);

  const quantize = ['quantize', 'a/best.safetensors', '--data', 'mine', '--test-data', 'other'];
  const quantized = await cliJson<{ floatAccuracy: number; int8Accuracy: number }>(
    [...quantize, '--out', 'q.tflite'],
    { cwd },
  );
  // Of --test-data, not of the data that calibrates.
  assert.equal(quantized.floatAccuracy, first.testAccuracy);
  assert.ok(Math.abs(quantized.int8Accuracy - quantized.floatAccuracy) < 0.06);

  await cliJson(['compile', 'q.tflite', '--board', await quickBoard(), '--out', 'build'], { cwd });
  await cliJson(['flash', 'build'], { cwd });
  const device = await cliJson<{ equal: number; accuracy: number; count: number }>(
    ['eval', 'build', '--data', 'other'],
    { cwd },
  );
  assert.deepEqual([device.equal, device.accuracy, device.count], [1, quantized.int8Accuracy, 57]);
});

test('killed at any moment and resumed, a training ends with the same bytes', async (t) => {
  const cwd = project(t);
  const args = ['train', '--batch', '3', '--checkpoint-every', '7', '--epochs', '12', '--out'];
  await cliJson([...args, 'whole'], { cwd });
  const killed = await cli([...args, 'parts'], {
    cwd,
    onStart: (child) =>
      child.stderr?.on('data', (text) => {
        if (String(text).includes('epoch 2/')) child.kill('SIGKILL');
      }),
  });
  assert.notEqual(killed.code, 0);
  await cliJson([...args, 'parts', '--resume'], { cwd });
  for (const name of ['last', 'best']) {
    const [whole, parts] = ['whole', 'parts'].map((out) =>
      sha256(readFileSync(join(cwd, out, `${name}.safetensors`))),
    );
    assert.equal(parts, whole, name);
  }
});

test('a progress line fits its terminal, from empty to full', () => {
  const detail = 'loss 0.9523, accuracy 75.62 %, 4805 images/s, 21 s left';
  for (const done of [0, 1, 50, 100]) {
    const line = barLine('epoch 1/2', { done, total: 100 }, detail, 80);
    assert.ok(line.length < 80, line);
    assert.ok(line.endsWith(detail), line);
  }
});
