/** The batch of an exported .onnx file: any, unless a node works across it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportOnnx } from '../../host/emit/onnx/onnx.js';
import { readOnnx } from '../../host/format/onnx.js';
import { buildGraph, type GraphBuilder } from '../../host/ir/build-graph.js';
import type { ValueId } from '../../host/ir/graph.js';

type Build = (g: GraphBuilder, x: ValueId) => ValueId;

const over = (axis: number) => ({ axes: [axis], keepDims: true });

/** Per op, across the batch and within an example of [4, 2]. */
const cases: Readonly<Record<string, readonly [Build, Build]>> = {
  mean: [(g, x) => g.add('mean', [x], over(0)), (g, x) => g.add('mean', [x], over(1))],
  sum: [(g, x) => g.add('sum', [x], over(-3)), (g, x) => g.add('sum', [x], over(-1))],
  max: [(g, x) => g.add('max', [x], over(0)), (g, x) => g.add('max', [x], over(2))],
  argMax: [
    (g, x) => g.add('argMax', [x], { axis: 0 }),
    (g, x) => g.add('argMax', [x], { axis: 1 }),
  ],
  reverse: [
    (g, x) => g.add('reverse', [x], { axes: [0] }),
    (g, x) => g.add('reverse', [x], { axes: [1, 2] }),
  ],
  concat: [
    (g, x) => g.add('concat', [x, x], { axis: 0 }),
    (g, x) => g.add('concat', [x, x], { axis: 2 }),
  ],
  transpose: [
    (g, x) => g.add('transpose', [x], { perm: [1, 0, 2] }),
    (g, x) => g.add('transpose', [x], { perm: [0, 2, 1] }),
  ],
  pad: [
    (g, x) => g.add('pad', [x], { padding: [1, 0, 0, 0, 0, 0] }),
    (g, x) => g.add('pad', [x], { padding: [0, 0, 1, 0, 0, 1] }),
  ],
  slice: [
    // Behind a pad, so that there is more than one row.
    (g, x) => {
      const two = g.add('concat', [x, x], { axis: 0 });
      return g.add('slice', [two], { begin: [1, 0, 0], size: [1, 4, 2] });
    },
    (g, x) => g.add('slice', [x], { begin: [0, 1, 0], size: [-1, 2, 1] }),
  ],
};

const batchOf = (build: Build): unknown => {
  const g = buildGraph({ name: 'batch', stage: 'float' });
  const x = g.input({ shape: [1, 4, 2], dtype: 'f32' }, { id: 'x' });
  return readOnnx(exportOnnx(g.finish([build(g, x)]))).graph.inputs[0]?.shape?.[0];
};

for (const [op, [across, within]] of Object.entries(cases)) {
  test(`export .onnx: ${op} across the batch keeps it, within an example it is any`, () => {
    assert.equal(batchOf(across), 1);
    assert.equal(batchOf(within), 'N');
  });
}

test('export .onnx: a product of matrices takes rows as examples, unless they are its terms', () => {
  const product = (transposeA: boolean): unknown => {
    const g = buildGraph({ name: 'batch', stage: 'float' });
    const x = g.input({ shape: [1, 1], dtype: 'f32' }, { id: 'x' });
    const w = g.constant({ shape: [1, 3], dtype: 'f32' }, Float32Array.of(1, 2, 3), { id: 'w' });
    const y = g.add('matmul', [x, w], { transposeA, transposeB: false });
    return readOnnx(exportOnnx(g.finish([y]))).graph.inputs[0]?.shape?.[0];
  };
  assert.equal(product(false), 'N');
  assert.equal(product(true), 1);
});
