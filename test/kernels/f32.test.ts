/**
 * Every float op of the op table: the WASM kernels against the float64 reference on random shapes,
 * strides, paddings, dilations and attributes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine } from '../../host/engine/engine.js';
import { opSpec } from '../../host/ir/ops.js';
import { makers } from './f32-cases.js';
import { checkOp, floatOps, isWindowed } from './f32-check.js';

/** Cases per op. */
const rounds = 25;
const windowRounds = 50;

const engine = await createEngine();

for (const op of floatOps) {
  test(`${op}: kernel and reference agree`, () => {
    for (let seed = 1; seed <= (isWindowed(op) ? windowRounds : rounds); seed++) {
      checkOp(engine, op, seed);
    }
  });
}

test('requantize is refused', () => {
  assert.equal(makers.requantize, null);
  assert.ok(!opSpec('requantize').stages.includes('float'));
});
