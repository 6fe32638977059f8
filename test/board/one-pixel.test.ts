/** A convolution that sees all of its input at once, alone in a model: the dense kernels run it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportTflite } from '../../host/emit/tflite/tflite.js';
import { benchModel } from '../../host/eval/bench.js';
import { network } from '../lower/networks.js';
import { lacking, temporaryFolder } from './support.js';

/** Instructions for a product, at most: four pixels at a time would take four times as many. */
const limits: Readonly<Record<string, number>> = { 'mps3-an547': 0.25, 'mps2-an385-v6m': 6.5 };

for (const [board, limit] of Object.entries(limits)) {
  test(`convolutions of one pixel on ${board}: the oracle's bytes, as few instructions as a dense layer`, async (t) => {
    const reason = await lacking(board);
    if (reason) return t.skip(reason);
    const n = network('one-pixel', 3);
    const x = n.input([4, 3, 24]);
    const graph = n.finish(n.conv(x, 40, { kernel: [4, 3], relu: true }), n.mean(x, [1, 2]));
    const path = join(temporaryFolder(t), 'one-pixel.tflite');
    writeFileSync(path, exportTflite(graph));
    const { layers } = await benchModel({ path, board });
    const conv = layers.find(({ op }) => op === 'conv2d')!;
    assert.ok(conv.count <= limit * conv.macs, `${conv.count} instructions, ${conv.macs} MAC`);
  });
}
