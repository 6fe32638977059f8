import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomNormal, randomNormals } from '../../host/core/random.js';
import { augmentExample, augmented, parseAugmentation } from '../../host/data/augment.js';
import { subset } from '../../host/data/split.js';
import { memoryDataset } from '../memory-dataset.js';

const shape = [6, 5, 2];
const x = Float32Array.from({ length: 60 }, (_, i) => (i + 1) / 64);
const key = (index: number, epoch = 0, seed = 1) => ({ seed, epoch, index });
const at = (image: Float32Array, y: number, column: number, c: number) =>
  y < 0 || y >= 6 || column < 0 || column >= 5 ? 0 : image[(y * 5 + column) * 2 + c]!;

test('augment: the text form', () => {
  assert.deepEqual(parseAugmentation('shift=2,flip,noise=0.05,cutout=4'), {
    shift: 2,
    flip: true,
    noise: 0.05,
    cutout: 4,
  });
  assert.deepEqual(parseAugmentation('shift=3x0'), { shift: [3, 0] });
  for (const bad of [
    '',
    'shift',
    'shift=-1',
    'shift=1x',
    'flip=2',
    'noise=x',
    'cutout=0',
    'spin=3',
  ]) {
    assert.throws(() => parseAugmentation(bad), { code: 2 }, bad);
  }
});

test('augment: a shift moves whole pixels by every distance up to its limit', () => {
  const seen = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const out = augmentExample(x, shape, { shift: [2, 1] }, key(i));
    const found = [-2, -1, 0, 1, 2].flatMap((dy) =>
      [-1, 0, 1]
        .filter((dx) =>
          out.every(
            (value, k) =>
              value === at(x, Math.floor(k / 10) - dy, (Math.floor(k / 2) % 5) - dx, k % 2),
          ),
        )
        .map((dx) => `${dy},${dx}`),
    );
    assert.equal(found.length, 1);
    seen.add(found[0]!);
  }
  assert.equal(seen.size, 15);
});

test('augment: half of the images are mirrored', () => {
  const mirror = x.map((_, k) => at(x, Math.floor(k / 10), 4 - (Math.floor(k / 2) % 5), k % 2));
  let count = 0;
  for (let i = 0; i < 400; i++) {
    const out = augmentExample(x, shape, { flip: true }, key(i));
    const isMirror = out.join() === mirror.join();
    assert.ok(isMirror || out.join() === x.join());
    if (isMirror) count++;
  }
  assert.ok(count > 150 && count < 250, String(count));
});

test('augment: noise has its deviation and stays on the grid of bytes', () => {
  const flat = new Float32Array(4000).fill(0.5);
  const out = augmentExample(flat, [4000], { noise: 0.1 }, key(3));
  const mean = out.reduce((a, b) => a + b, 0) / 4000;
  const deviation = Math.sqrt(out.reduce((a, b) => a + (b - mean) ** 2, 0) / 4000);
  assert.ok(
    Math.abs(mean - 0.5) < 0.01 && Math.abs(deviation - 0.1) < 0.01,
    `${mean} ${deviation}`,
  );
  const grid = { scale: 1 / 255, zeroPoint: -128, direct: true };
  const bounded = augmentExample(flat, [4000], { noise: 5 }, key(3), grid);
  assert.deepEqual([Math.min(...bounded), Math.max(...bounded)], [0, 1]);
  const random = { seed: 9, purpose: 'test', epoch: 2, step: 3, stream: 4 } as const;
  const singly = Float64Array.from({ length: 7 }, (_, i) => randomNormal(random, i));
  assert.deepEqual(randomNormals(random, 7), singly);
});

test('augment: cutout zeroes a square that may hang over the border', () => {
  const sizes = new Set<number>();
  for (let i = 0; i < 100; i++) {
    const zeros = augmentExample(x, shape, { cutout: 3 }, key(i)).filter((v) => v === 0).length / 2;
    sizes.add(zeros);
  }
  assert.deepEqual(
    [...sizes].sort((a, b) => a - b),
    [4, 6, 9],
  );
});

const data = memoryDataset({
  name: 'ramp',
  inputs: { file: 'x', shape: [20, 4, 4, 1], data: Uint8Array.from({ length: 320 }, (_, i) => i) },
  targets: { file: 'y', shape: [20], data: Uint8Array.from({ length: 20 }, (_, i) => i % 3) },
});
const all = { shift: 1, flip: true, noise: 0.05, cutout: 2 };

test('augment: a function of seed, epoch and example, whatever the batch; without an epoch nothing', () => {
  const one = augmented(data, all, 1);
  const alone = [3, 17].flatMap((i) => [...one.inputs([i], 5)]);
  assert.deepEqual([...augmented(data, all, 1).inputs([3, 17], 5)], alone);
  assert.notDeepEqual([...one.inputs([3, 17], 6)], alone);
  assert.notDeepEqual([...augmented(data, all, 2).inputs([3, 17], 5)], alone);
  assert.deepEqual(one.inputs([3, 17]), data.inputs([3, 17]));
  assert.deepEqual(one.labels([3, 17]), data.labels([3, 17]));
  assert.deepEqual([...subset(one, [17, 3]).inputs([1, 0], 5)], alone);
  assert.notEqual(one.hash, data.hash);
  assert.notEqual(one.hash, augmented(data, all, 2).hash);
});

test('augment: lists of numbers can only have noise', () => {
  const list = memoryDataset({
    name: 'list',
    inputs: { file: 'x', shape: [2, 3], data: new Float32Array(6) },
    targets: { file: 'y', shape: [2], data: Uint8Array.of(0, 1) },
  });
  assert.ok(augmented({ ...list, inputShape: [3] }, { noise: 1 }, 1));
  assert.throws(() => augmented({ ...list, inputShape: [3] }, { flip: true }, 1), { code: 2 });
});
