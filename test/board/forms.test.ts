/**
 * .tflite files of forms that edge-nn does not write, compiled, flashed and run on emulated cores:
 * the oracle's bytes, within the stack that the certificate states.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { benchModel } from '../../host/eval/bench.js';
import { type TfliteMaker, tfliteMaker } from '../front/tflite-maker.js';
import { sample } from '../quick.js';
import { lacking, temporaryFolder } from './support.js';

const models: Readonly<Record<string, (m: TfliteMaker) => Uint8Array>> = {
  // Windows larger than their image: Armv6-M divides by the taps that are inside.
  'means of windows larger than the image': (m) => {
    const x = m.input([1, 4, 3, 5]);
    const y = m.value([1, 4, 3, 5], m.quantOf(x));
    m.operator('AVERAGE_POOL_2D', [x], [y], {
      ...{ type: 'Pool2DOptions', padding: 'SAME', strideH: 1, strideW: 1 },
      ...{ filterHeight: 7, filterWidth: 7 },
    });
    return m.finish(y);
  },
  'a model that only reshapes has no step': (m) => {
    const x = m.input([1, 12]);
    const y = m.value([1, 3, 4], m.quantOf(x));
    return m.finish(m.operator('RESHAPE', [x, m.ints([1, 3, -1])], [y]));
  },
  'dilation down a column': (m) => {
    const x = m.input([1, 30, 1, 8]);
    const y = m.value([1, 30, 1, 12]);
    const inputs = m.parameters(x, y, [12, 3, 1, 8], { axis: 0, count: 24 });
    m.operator('CONV_2D', [x, ...inputs], [y], {
      ...{ type: 'Conv2DOptions', padding: 'SAME', strideH: 1, strideW: 1 },
      ...{ dilationHFactor: 4, fusedActivationFunction: 'RELU_N1_TO_1' },
    });
    return m.finish(y);
  },
};

const boards = ['mps2-an386', 'mps3-an547', 'mps2-an385-v6m', 'microbit'];
const cases = boards.flatMap((board) => Object.keys(models).map((name) => ({ board, name })));

for (const { board, name } of sample(cases)) {
  test(`${board}: ${name}`, async (t) => {
    const reason = await lacking(board);
    if (reason) return t.skip(reason);
    const path = join(temporaryFolder(t), 'model.tflite');
    writeFileSync(path, models[name]!(tfliteMaker(9)));
    // Compares the outputs with the oracle's.
    const { size, layers } = await benchModel({ path, board });
    assert.ok(
      size.stackUsed <= size.stack,
      `${size.stackUsed} bytes of stack, ${size.stack} proven`,
    );
    assert.equal(layers.length, name.includes('no step') ? 0 : 1);
  });
}
