import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFloat32 } from '../../host/core/float32.js';
import { randomBits } from '../../host/core/random.js';

test('the shortest decimal reads back as the same float32', () => {
  assert.equal(formatFloat32(Math.fround(0.1)), '0.1');
  assert.equal(formatFloat32(Math.fround(1 / 255)), '0.003921569');
  assert.equal(formatFloat32(-0), '-0');
  const view = new DataView(new ArrayBuffer(4));
  for (let i = 0; i < 5000; i++) {
    view.setUint32(0, randomBits({ seed: 1, purpose: 'test' }, i));
    const value = view.getFloat32(0);
    const again = Math.fround(Number(formatFloat32(value)));
    assert.ok(Object.is(again, value), `${value} became ${again}`);
  }
});
