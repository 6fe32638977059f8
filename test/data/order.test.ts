import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batches } from '../../host/data/batches.js';
import { splitDataset, subset } from '../../host/data/split.js';
import { memoryDataset } from '../memory-dataset.js';

const data = memoryDataset({
  name: 'ramp',
  inputs: { file: 'x', shape: [10], data: Float32Array.from({ length: 10 }, (_, i) => i / 2) },
  targets: { file: 'y', shape: [10], data: Uint8Array.from({ length: 10 }, (_, i) => i % 3) },
});

test('batches cover every example once, the last one is short', () => {
  const list = batches(10, 4, { seed: 7, epoch: 2 });
  assert.deepEqual(
    list.map((b) => b.length),
    [4, 4, 2],
  );
  assert.deepEqual(
    [...list.flatMap((b) => [...b])].sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  assert.deepEqual(
    batches(10, 4).map((b) => [...b]),
    [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ],
  );
});

test('the order is a function of seed and epoch', () => {
  const flat = (seed: number, epoch: number) =>
    batches(100, 8, { seed, epoch })
      .flatMap((b) => [...b])
      .join();
  assert.equal(flat(1, 0), flat(1, 0));
  assert.notEqual(flat(1, 0), flat(1, 1));
  assert.notEqual(flat(1, 0), flat(2, 0));
});

test('a split is disjoint, complete and seeded', () => {
  const { train, test: held } = splitDataset(data, 0.3, 5);
  assert.deepEqual([train.count, held.count], [7, 3]);
  const all = [...train.inputs([0, 1, 2, 3, 4, 5, 6]), ...held.inputs([0, 1, 2])].sort(
    (a, b) => a - b,
  );
  assert.deepEqual(all, [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5]);
  assert.equal(held.hash, splitDataset(data, 0.3, 5).test.hash);
  assert.notEqual(held.hash, splitDataset(data, 0.3, 6).test.hash);
  assert.notEqual(held.hash, train.hash);
  assert.throws(() => splitDataset(data, 1, 5), { code: 2 });
});

test('a subset keeps targets with their inputs and refuses what lies outside', () => {
  const part = subset(data, [9, 4]);
  assert.deepEqual([...part.inputs([0, 1])], [4.5, 2]);
  assert.deepEqual([...part.labels([0, 1])], [0, 1]);
  assert.throws(() => part.inputs([2]), RangeError);
});
