/** `edge-nn train` of a float .tflite: its weights go on learning, with rounding where asked. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { randomInt, randomNormal } from '../../host/core/random.js';
import { writeNpy } from '../../host/format/npy.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import { getData } from '../../host/ir/graph.js';
import { loadCheckpoint } from '../../host/train/checkpoint.js';
import { smallModel } from '../board/support.js';
import { sharedData } from '../shared-data.js';
import { cli, cliFailure, cliJson, scratch } from './cli.js';

const kws = sharedData('models', 'mlperftiny_kws_ref_fp32.tflite');
const skip = !existsSync(kws) && `no ${kws}`;

/** Eight examples of noise with a class each. */
function writeExamples(dir: string): void {
  const key = { seed: 1, purpose: 'test' } as const;
  const x = Float32Array.from({ length: 8 * 490 }, (_, i) => 20 * randomNormal(key, i));
  const y = Uint8Array.from({ length: 8 }, (_, i) => randomInt(key, i, 12));
  writeFileSync(join(dir, 'x.npy'), writeNpy({ dtype: 'f32', shape: [8, 49, 10, 1], data: x }));
  writeFileSync(join(dir, 'y.npy'), writeNpy({ dtype: 'u8', shape: [8], data: y }));
}

test('a float .tflite begins with its own weights', { skip }, async (t) => {
  const cwd = scratch(t);
  writeExamples(cwd);
  const data = ['--data', 'npy:x.npy,y.npy', '--test-data', 'npy:x.npy,y.npy'];
  const fast = ['--epochs', '1', '--batch', '8', '--lr', '1e-12', '--schedule', 'constant'];
  const args = ['train', kws, ...data, ...fast];
  const { stderr } = await cli([...args, '--out', 'float'], { cwd });
  assert.match(stderr, /names no loss: softmaxCrossEntropy fits its last layer/);
  const before = importTflite(readFileSync(kws));
  const { graph } = loadCheckpoint(readFileSync(join(cwd, 'float', 'last.safetensors')));
  assert.equal(graph.loss, 'softmaxCrossEntropy');
  for (const [id, { trainable }] of before.values) {
    if (!trainable) continue;
    const [was, is] = [getData(before, id), getData(graph, id)] as [Float32Array, Float32Array];
    assert.ok(
      was.every((w, i) => Math.abs(w - is[i]!) <= 1e-9 + 1e-6 * Math.abs(w)),
      id,
    );
  }
  const rounded = ['--qat', 'int8w4', '--out', 'rounded'];
  const report = await cliJson<{ epochs: number }>([...args, ...rounded], { cwd });
  assert.equal(report.epochs, 1);
  const int8 = await cliJson<{ trained: { agreement: number } }>(
    ['quantize', 'rounded/last.safetensors', ...data],
    { cwd },
  );
  assert.equal(int8.trained.agreement, 1);
});

test('3: an integer .tflite is refused', async (t) => {
  const cwd = scratch(t);
  writeFileSync(join(cwd, 'small.tflite'), smallModel());
  const args = ['train', 'small.tflite', '--data', 'npy:x.npy,y.npy'];
  const error = await cliFailure(args, 3, { cwd });
  assert.match(error.message, /int8 model, which cannot be trained/);
});
