import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  philox,
  randomBits,
  randomNormal,
  randomPermutation,
  randomUniform,
} from '../../host/core/random.js';

test('philox gives the published known answers', () => {
  // Random123, kat_vectors, philox4x32 10.
  const ones = 0xffffffff;
  assert.deepEqual(philox([0, 0, 0, 0], [0, 0]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  assert.deepEqual(
    philox([ones, ones, ones, ones], [ones, ones]),
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  );
  assert.deepEqual(
    philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  );
});

test('a number depends on seed, purpose, epoch, step and index alone', () => {
  const key = { seed: 7, purpose: 'test', epoch: 2, step: 3 } as const;
  assert.equal(randomBits(key, 5), randomBits({ ...key }, 5));
  const others = [
    randomBits({ ...key, seed: 8 }, 5),
    randomBits({ ...key, purpose: 'shuffle' }, 5),
    randomBits({ ...key, epoch: 3 }, 5),
    randomBits({ ...key, step: 4 }, 5),
    randomBits(key, 6),
  ];
  assert.equal(new Set([randomBits(key, 5), ...others]).size, 6);
});

test('uniform and normal numbers have their moments', () => {
  const key = { seed: 1, purpose: 'test' } as const;
  const n = 20_000;
  let mean = 0;
  let square = 0;
  let uniform = 0;
  for (let i = 0; i < n; i++) {
    const x = randomNormal(key, i);
    mean += x / n;
    square += (x * x) / n;
    uniform += randomUniform(key, i) / n;
  }
  assert.ok(Math.abs(mean) < 0.03 && Math.abs(square - 1) < 0.03 && Math.abs(uniform - 0.5) < 0.01);
});

test('a permutation holds every index once', () => {
  const order = randomPermutation({ seed: 3, purpose: 'shuffle' }, 1000);
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    Array.from({ length: 1000 }, (_, i) => i),
  );
  assert.notDeepEqual([...order.slice(0, 8)], [0, 1, 2, 3, 4, 5, 6, 7]);
});
