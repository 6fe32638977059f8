/** Exported .onnx files of array ops, run by onnxruntime at another batch, against the reference. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { elements } from '../../host/core/shape.js';
import { exportOnnx } from '../../host/emit/onnx/onnx.js';
import * as a from '../../host/front/arrays.js';
import * as e from '../../host/front/elementwise.js';
import { conv1d, conv2d, input } from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import type { Tensor as Value } from '../../host/front/tensor.js';
import { getValue } from '../../host/ir/graph.js';
import { rebatch } from '../../host/rewrite/rebatch.js';
import { generator } from '../format/support.js';
import { reference } from '../reference/reference.js';

const tolerance = 1e-5;
const batch = 2;
const shape = [3, 4, 2];

/** Small whole numbers and halves, so that some are equal. */
function numbers(count: number): Float32Array {
  const random = generator(7);
  return Float32Array.from({ length: count }, () => random(9) / 2 - 2);
}

const networks: Readonly<Record<string, (x: Value) => Value>> = {
  slice: (x) => a.slice(x, [1, 0, 1], [2, -1, 1]),
  transpose: (x) => a.transpose(x, [2, 0, 1]),
  'transpose after an image layer': (x) => a.transpose(conv2d(x, 3, 1), [1, 0, 2]),
  reverse: (x) => a.reverse(x, [0, -1]),
  stack: (x) => a.stack([x, e.relu(x)], { axis: 1 }),
  'pad reflect': (x) =>
    a.pad(
      x,
      [
        [2, 1],
        [0, 3],
        [1, 0],
      ],
      { mode: 'reflect' },
    ),
  'pad symmetric': (x) =>
    a.pad(
      x,
      [
        [3, 0],
        [1, 1],
        [0, 2],
      ],
      { mode: 'symmetric' },
    ),
  'pad with a value': (x) =>
    a.pad(
      x,
      [
        [1, 0],
        [0, 2],
        [1, 1],
      ],
      { value: -3 },
    ),
  matmul: (x) => a.matmul(x, x, { transposeA: true }),
  max: (x) => a.max(x, [0, 2]),
  min: (x) => a.min(x, 1, { keepDims: true }),
  'max of all': (x) => a.max(x),
  argMax: (x) => a.argMax(x, 1),
  argMin: (x) => a.argMin(x, 0),
  equal: (x) => e.equal(x, e.relu(x)),
  'cast to bool': (x) => a.cast(x, 'bool'),
  'cast to int32': (x) => a.cast(x, 'int32'),
  oneHot: (x) => a.oneHot(x, 3),
  crelu: (x) => e.crelu(x),
  hardSwish: (x) => e.hardSwish(e.scale(x, 2)),
  gelu: (x) => e.gelu(x),
  div: (x) => e.div(x, e.softplus(x)),
  conv1d: (x) => conv1d(a.sum(x, 0), 2, 3, { padding: 'full' }),
};

for (const [name, build] of Object.entries(networks)) {
  test(`export .onnx: ${name}`, async () => {
    const graph = model('m', () => build(input(shape))).graph();
    const data = numbers(batch * elements(shape));
    const session = await InferenceSession.create(exportOnnx(graph), { logSeverityLevel: 4 });
    const feeds = { [graph.inputs[0]!]: new Tensor('float32', data, [batch, ...shape]) };
    const result = (await session.run(feeds))[session.outputNames[0]!]!;
    const whole = rebatch(graph, batch);
    const output = whole.outputs[0]!;
    const expected = reference(whole, new Map([[whole.inputs[0]!, data]])).get(output)!;
    assert.deepEqual(result.dims, getValue(whole, output).shape);
    (result.data as Float32Array).forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]!) <= tolerance, `${i}: ${value}, ${expected[i]}`);
    });
  });
}

test('export .onnx: a Fourier transform is refused', () => {
  const graph = model('m', () => a.fft(input([8, 2]))).graph();
  assert.throws(() => exportOnnx(graph), { code: 4 });
});
