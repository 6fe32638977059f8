import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomNormal } from '../../host/core/random.js';
import { observers } from '../../host/quant/observers.js';

const normal = Float32Array.from({ length: 20000 }, (_, i) =>
  randomNormal({ seed: 3, purpose: 'test' }, i),
);

test('min-max sees every number, in any number of parts', () => {
  const one = observers.minMax();
  one.add(Float32Array.of(1, 5, -2));
  one.add(Float32Array.of(7, -0.5));
  assert.deepEqual(one.range(), { min: -2, max: 7 });
  assert.deepEqual(observers.minMax().range(), { min: 0, max: 0 });
});

test('percentile and mse ignore one far outlier', () => {
  for (const name of ['percentile', 'mse'] as const) {
    const one = observers[name]();
    for (let i = 0; i < 50; i++) one.add(normal);
    one.add(Float32Array.of(40));
    const { min, max } = one.range();
    assert.ok(min < -1.5 && min >= -5, `${name}: ${min}`);
    assert.ok(max > 2.5 && max < (name === 'mse' ? 20 : 6), `${name}: ${max}`);
  }
});

test('the order in which numbers arrive does not matter', () => {
  for (const create of Object.values(observers)) {
    const [up, down] = [create(), create()];
    up.add(normal.subarray(0, 7000));
    up.add(normal.subarray(7000));
    down.add(normal.toReversed());
    assert.deepEqual(up.range(), down.range());
  }
});

test('constants and one-sided data', () => {
  for (const create of Object.values(observers)) {
    const zeros = create();
    zeros.add(new Float32Array(100));
    const { min, max } = zeros.range();
    assert.ok(min + 0 === 0 && max + 0 === 0);
    const positive = create();
    positive.add(normal.map(Math.abs));
    assert.ok(positive.range().min >= 0);
  }
});
