/** Array operations of the builder: their refusals, and dropout that shares its noise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadInputError } from '../../host/core/errors.js';
import * as a from '../../host/front/arrays.js';
import * as l from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import type { Tensor } from '../../host/front/tensor.js';
import { forTraining } from '../../host/rewrite/for-training.js';
import { rebatch } from '../../host/rewrite/rebatch.js';
import { reference } from '../reference/reference.js';

const built = (shape: readonly number[], build: (x: Tensor) => Tensor) =>
  model('m', () => build(l.input(shape))).graph();

const wrong: [string, (x: Tensor) => Tensor][] = [
  ['a slice of too few axes', (x) => a.slice(x, [0], [1])],
  ['a slice beyond the end', (x) => a.slice(x, [0, 2], [1, 2])],
  ['a transposition that names an axis twice', (x) => a.transpose(x, [0, 0])],
  ['an axis that is not there', (x) => a.sum(x, 2)],
  [
    'a mirror image longer than the axis',
    (x) =>
      a.pad(
        x,
        [
          [0, 0],
          [3, 0],
        ],
        { mode: 'reflect' },
      ),
  ],
  [
    'an unknown mode',
    (x) =>
      a.pad(
        x,
        [
          [0, 0],
          [0, 0],
        ],
        { mode: 'edge' as 'reflect' },
      ),
  ],
  ['matrices that do not fit', (x) => a.matmul(x, x)],
  ['a stack of different shapes', (x) => a.stack([x, a.sum(x, 0)])],
  ['a transform of real numbers', (x) => a.fft(x)],
  ['an unknown type', (x) => a.cast(x, 'string' as 'bool')],
  ['two sizes left open', (x) => l.reshape(x, [-1, -1])],
  ['a size that does not divide', (x) => l.reshape(x, [4, -1])],
  ['numbers that do not fill a constant', (x) => a.constant(x, [2], [1])],
  ['a noise shape that does not fit', (x) => l.dropout(x, 0.5, { noiseShape: [3, 1] })],
];

for (const [what, build] of wrong) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => built([2, 3], build),
      (error) => error instanceof BadInputError && error.hint.length > 10,
    );
  });
}

test('dropout with a noise shape drops whole channels, other ones for every example', () => {
  const graph = built([50, 6], (x) => l.dropout(x, 0.5, { noiseShape: [1, 6] }));
  const { graph: prepared, key } = forTraining(rebatch(graph, 4));
  const ones = new Float32Array(4 * 50 * 6).fill(1);
  const [input] = prepared.inputs as [string];
  const feeds = new Map<string, ArrayLike<number>>([
    [input, ones],
    [key!, [1, 2, 3]],
  ]);
  const y = reference(prepared, feeds).get(prepared.outputs[0]!)!;
  const masks = [0, 1, 2, 3].map((n) => [...y.subarray(n * 300, n * 300 + 6)]);
  const expected = Array.from(y, (_, i) => masks[Math.floor(i / 300)]![i % 6]);
  assert.deepEqual([...y], expected);
  assert.deepEqual([...new Set(y)].sort(), [0, 2]);
  assert.equal(new Set(masks.map(String)).size, 4);
});
