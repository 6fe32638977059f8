import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileModel } from '../../host/board/compile.js';
import { exportTflite } from '../../host/emit/tflite/tflite.js';
import { benchModel } from '../../host/eval/bench.js';
import { paddedNetwork } from '../lower/pruned.js';
import { lacking, temporaryFolder } from './support.js';

test('the certificate states the biases of the border apart', async (t) => {
  const board = 'mps2-an386';
  const reason = await lacking(board);
  if (reason) return t.skip(reason);
  const dir = temporaryFolder(t);
  const model = exportTflite(paddedNetwork());
  const { flash, borders } = await compileModel({ model, board, out: join(dir, 'build') });
  // Eight classes beside the one inside, of three channels, and the border's four numbers.
  assert.equal(borders, 4 * (8 * 3 + 4));
  assert.equal(flash.total, flash.code + flash.weights + borders);
  // Rows of weights are whole words; two, two and three channels with nine bytes each.
  assert.ok(flash.weights >= 2 * 20 + 2 * 9 + 3 * 4 + 7 * 9, `${flash.weights}`);
  assert.ok(flash.weights <= 2 * 20 + 2 * 9 + 3 * 4 + 7 * 9 + 24, `${flash.weights}`);
  // Outputs that are not the oracle's would be an error.
  const path = join(dir, 'padded.tflite');
  writeFileSync(path, model);
  const { layers } = await benchModel({ path, board });
  assert.deepEqual(
    layers.map(({ macs }) => macs),
    [30 * 2 * 18, 30 * 2 * 9, 30 * 3 * 2],
  );
});
