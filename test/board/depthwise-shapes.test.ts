/** Depthwise layers of many shapes, each alone in a model: the compiler sees all its numbers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportTflite } from '../../host/emit/tflite/tflite.js';
import { benchModel } from '../../host/eval/bench.js';
import { type ConvOptions, network } from '../lower/networks.js';
import { lacking, temporaryFolder } from './support.js';

const board = 'mps3-an547';

const shapes: readonly (readonly [readonly [number, number, number], ConvOptions])[] = [
  [[24, 24, 8], { kernel: [2, 2], stride: [2, 2] }],
  [[24, 24, 16], { kernel: [5, 5] }],
  [[12, 12, 32], { kernel: [7, 7], stride: [2, 2] }],
  [[12, 12, 10], { kernel: [5, 3], relu: true }],
  [[6, 6, 9], { kernel: [3, 3], dilation: [2, 2] }],
  [[5, 5, 64], { kernel: [5, 5], pad: [0, 0, 0, 0] }],
  [[48, 1, 8], { kernel: [29, 1] }],
  [[8, 70, 4], { kernel: [7, 7], relu: true }],
  [[3, 40, 4], { kernel: [3, 18], dilation: [1, 2] }],
];

test('depthwise layers of any shape compile for Helium and give the bytes of the oracle', async (t) => {
  const reason = await lacking(board);
  if (reason) return t.skip(reason);
  const dir = temporaryFolder(t);
  for (const [i, [shape, options]] of shapes.entries()) {
    const n = network('depthwise', i);
    const graph = n.finish(n.depthwise(n.input(shape), 1, { pad: 'same', ...options }));
    const path = join(dir, `${i}.tflite`);
    writeFileSync(path, exportTflite(graph));
    // Outputs that are not the oracle's would be an error.
    await benchModel({ path, board });
  }
});
