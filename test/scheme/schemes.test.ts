import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomInt, randomNormal, randomUniform } from '../../host/core/random.js';
import {
  dequantize,
  fakeQuantize,
  int8,
  quantizeInto,
  quantizeS8,
  roundAway,
} from '../../host/scheme/affine.js';
import { schemes } from '../../host/scheme/schemes.js';

const { tflite } = schemes;
const noFloor = { empty: 1, least: () => 0 };
const key = (step: number) => ({ seed: 11, purpose: 'test', step }) as const;

test('halves are rounded away from zero', () => {
  assert.deepEqual([0.5, 1.5, -0.5, -1.5, 2.4, -2.6].map(roundAway), [1, 2, -1, -2, 2, -3]);
});

test('pixels in 0..1 get exactly 1/255 and -128, and a pixel becomes pixel - 128', () => {
  const quant = tflite.activation({ min: 0, max: 1 });
  assert.equal(quant.scale[0], Math.fround(1 / 255));
  assert.equal(quant.zeroPoint[0], -128);
  const pixels = Float32Array.from({ length: 256 }, (_, p) => p / 255);
  assert.deepEqual(
    [...quantizeS8(pixels, quant, [256])],
    Array.from({ length: 256 }, (_, p) => p - 128),
  );
});

test('activation: zero is exact, the range is covered within half a step', () => {
  for (let i = 0; i < 500; i++) {
    const magnitude = 10 ** randomInt(key(1), i, 7) * 1e-3;
    const a = (randomUniform(key(2), i) - 0.5) * magnitude;
    const b = a + randomUniform(key(3), i) * magnitude;
    const quant = tflite.activation({ min: a, max: b });
    const [scale, zero] = [quant.scale[0]!, quant.zeroPoint[0]!];
    assert.ok(zero >= -128 && zero <= 127);
    assert.equal(quantizeS8([0], quant, [1])[0], zero);
    for (const x of [a, b, (a + b) / 2, 0]) {
      const back = dequantize(quantizeS8([x], quant, [1]), quant, [1])[0]!;
      assert.ok(Math.abs(back - x) <= scale * 1.001, `${x} -> ${back}, step ${scale}`);
    }
  }
});

test('ranges on one side of zero are widened to hold it', () => {
  assert.equal(tflite.activation({ min: 2, max: 5.1 }).zeroPoint[0], -128);
  assert.equal(tflite.activation({ min: -5.1, max: -2 }).zeroPoint[0], 127);
  assert.ok(Math.abs(tflite.activation({ min: 2, max: 5.1 }).scale[0]! - 0.02) < 1e-8);
});

test('a constant zero and noise too small for float32 get a usable scale', () => {
  for (const range of [
    { min: 0, max: 0 },
    { min: -1e-40, max: 1e-40 },
  ]) {
    const quant = tflite.activation(range);
    assert.equal(quant.scale[0], 1);
    assert.ok(quant.scale[0]! > 0);
  }
});

test('weights: symmetric, per index of any axis, the largest is 127', () => {
  for (const axis of [0, 1, 2, undefined]) {
    const shape = [3, 4, 5];
    const data = Float32Array.from(
      { length: 60 },
      (_, i) => randomNormal(key(4), i) * (1 + (i % 7)),
    );
    const quant = tflite.weight(data, shape, axis, noFloor);
    assert.equal(quant.scale.length, axis === undefined ? 1 : shape[axis]);
    assert.ok(quant.zeroPoint.every((z) => z === 0));
    const stored = quantizeInto(new Int8Array(60), data, quant, shape, tflite.weights);
    assert.ok(stored.every((q) => q >= -127));
    assert.equal(Math.max(...stored.map(Math.abs)), 127);
    const back = dequantize(stored, quant, shape);
    const worst = Math.max(...quant.scale) * 0.5001;
    assert.ok(data.every((x, i) => Math.abs(x - back[i]!) <= worst));
  }
});

test('weights: an axis takes its own maximum', () => {
  const quant = tflite.weight([1, -2, 127, 0.5], [2, 2], 1, noFloor);
  assert.deepEqual([...quant.scale], [1, Math.fround(2 / 127)]);
});

test('weights: channels of zeros and floors for the bias', () => {
  const quant = tflite.weight([0, 0, 1, 127], [2, 2], 0, {
    empty: 0.25,
    least: (c) => (c === 1 ? 3 : 0),
  });
  assert.deepEqual([...quant.scale], [0.25, 3]);
});

test('a bias has the product of the scales, as float32', () => {
  const x = tflite.activation({ min: -1, max: 1 });
  const w = tflite.weight([1, 2, 3, 4], [2, 2], 0, noFloor);
  const bias = tflite.bias(x, w);
  assert.deepEqual(
    [...bias.scale],
    [...w.scale].map((s) => Math.fround(s * x.scale[0]!)),
  );
  assert.equal(bias.axis, 0);
  assert.deepEqual(tflite.probabilities.scale, Float32Array.of(1 / 256));
});

test('fake quantization leaves what int8 would, and its gradient stops where it saturates', () => {
  const quant = tflite.activation({ min: -1, max: 3 });
  const [scale, zero] = [quant.scale[0]!, quant.zeroPoint[0]!];
  const limits = { low: int8.low - zero, high: int8.high - zero };
  for (let i = 0; i < 200; i++) {
    const x = randomNormal(key(5), i) * 3;
    const { y, passes } = fakeQuantize(x, scale, limits);
    assert.equal(Math.fround(y), dequantize(quantizeS8([x], quant, [1]), quant, [1])[0]);
    assert.equal(
      passes,
      Math.abs(y - x) <= scale * 0.51 &&
        y !== x &&
        x / scale >= limits.low &&
        x / scale <= limits.high,
    );
  }
});
