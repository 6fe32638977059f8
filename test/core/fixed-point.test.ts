import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadInputError } from '../../host/core/errors.js';
import {
  expOnNegativeValues,
  multiplyByQuantizedMultiplier,
  oneOverOnePlusX,
  quantizeMultiplier,
  reciprocal,
  roundingDivideByPot,
  saturatingRoundingDoublingHighMul,
  saturatingShiftLeft,
} from '../../host/core/fixed-point.js';
import { randomInt } from '../../host/core/random.js';

const most = 2 ** 31 - 1;
const least = -(2 ** 31);
const ends = [least, least + 1, -(2 ** 30), -3, -2, -1, 0, 1, 2, 3, 2 ** 30, most - 1, most];

let counter = 0;
const word = () =>
  (randomInt({ seed: 11, purpose: 'test' }, counter++, 2 ** 32) - 2 ** 31) >>
  randomInt({ seed: 12, purpose: 'test' }, counter, 31);
const words = [...ends, ...Array.from({ length: 60 }, word)];

/** floor(a / b) for b > 0. */
const floorDivide = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;

test('a factor is 31 bits and an exponent', () => {
  assert.deepEqual(quantizeMultiplier(0), { multiplier: 0, shift: 0 });
  assert.deepEqual(quantizeMultiplier(1), { multiplier: 2 ** 30, shift: 1 });
  assert.deepEqual(quantizeMultiplier(0.5), { multiplier: 2 ** 30, shift: 0 });
  assert.deepEqual(quantizeMultiplier(0.75), { multiplier: 3 * 2 ** 29, shift: 0 });
  // Rounds up to a power of two.
  assert.deepEqual(quantizeMultiplier(1 - 2 ** -40), { multiplier: 2 ** 30, shift: 1 });
  assert.deepEqual(quantizeMultiplier(2 ** -32), { multiplier: 2 ** 30, shift: -31 });
  assert.deepEqual(quantizeMultiplier(2 ** -33), { multiplier: 0, shift: 0 });
  assert.deepEqual(quantizeMultiplier(Number.MIN_VALUE), { multiplier: 0, shift: 0 });
  assert.deepEqual(quantizeMultiplier(most), { multiplier: most, shift: 31 });
});

test('a factor is as near as 31 bits allow', () => {
  for (let i = 0; i < 300; i++) {
    const factor = 2 ** ((i % 60) - 30) * (1 + i / 300);
    const { multiplier, shift } = quantizeMultiplier(factor);
    assert.ok(multiplier >= 2 ** 30 && multiplier <= most);
    assert.ok(Math.abs((multiplier * 2 ** (shift - 31)) / factor - 1) <= 2 ** -31);
  }
});

test('a factor that no shift can hold is refused', () => {
  for (const factor of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
    assert.throws(() => quantizeMultiplier(factor), BadInputError);
  }
});

test('the doubling high multiply equals exact integers', () => {
  for (const a of words) {
    for (const b of words) {
      const exact = floorDivide(BigInt(a) * BigInt(b) + (1n << 30n), 1n << 31n);
      const saturated = exact > BigInt(most) ? most : Number(exact);
      assert.equal(saturatingRoundingDoublingHighMul(a, b), saturated, `${a} * ${b}`);
    }
  }
});

test('the division by a power of two rounds halves away from zero', () => {
  const expected = [-3, -2, -2, -1, 0, 1, 2, 2, 3];
  assert.deepEqual(
    [-5, -4, -3, -2, 0, 2, 3, 4, 5].map((x) => roundingDivideByPot(x, 1)),
    expected,
  );
  for (const x of words) {
    for (let exponent = 0; exponent < 32; exponent++) {
      const half = exponent === 0 ? 0n : 1n << BigInt(exponent - 1);
      const magnitude = (BigInt(Math.abs(x)) + half) >> BigInt(exponent);
      const exact = x < 0 ? -Number(magnitude) : Number(magnitude);
      // + 0 turns the -0 of the expectation into 0.
      assert.equal(roundingDivideByPot(x, exponent), exact + 0, `${x} / 2^${exponent}`);
    }
  }
});

test('the two roundings differ from one where they should', () => {
  // A third of 1: the first rounding makes 1 of 2/3, the second makes 1 of its half.
  const third = quantizeMultiplier(1 / 3);
  assert.equal(third.shift, -1);
  assert.equal(multiplyByQuantizedMultiplier(1, third.multiplier, third.shift), 1);
  assert.equal(Math.round(1 / 3), 0);
});

test('multiplying by a factor is within one unit of the real product', () => {
  for (let i = 0; i < 400; i++) {
    const factor = 2 ** -(i % 20) * (0.5 + i / 800);
    const { multiplier, shift } = quantizeMultiplier(factor);
    const x = word() >> 2;
    const got = multiplyByQuantizedMultiplier(x, multiplier, shift);
    assert.ok(
      Math.abs(got - x * factor) <= 1.01 + Math.abs(x * factor) * 2 ** -31,
      `${x} ${factor}`,
    );
  }
  assert.equal(multiplyByQuantizedMultiplier(-77, 2 ** 30, 1), -77);
});

test('saturating shifts stop at the ends of int32', () => {
  assert.equal(saturatingShiftLeft(1, 30), 2 ** 30);
  assert.equal(saturatingShiftLeft(2, 30), most);
  assert.equal(saturatingShiftLeft(-2, 30), least);
  assert.equal(saturatingShiftLeft(-3, 30), least);
});

test('exp in fixed point is near the real one', () => {
  assert.equal(expOnNegativeValues(0), most);
  for (let i = 1; i < 2000; i++) {
    const a = -Math.floor((i / 2000) * 31 * 2 ** 26);
    const real = Math.exp(a / 2 ** 26);
    assert.ok(Math.abs(expOnNegativeValues(a) / 2 ** 31 - real) < 3e-7, `exp(${a / 2 ** 26})`);
  }
});

test('reciprocals in fixed point are near the real ones', () => {
  for (let i = 0; i < 1000; i++) {
    const a = Math.floor((i / 1000) * 2 ** 31);
    assert.ok(Math.abs(oneOverOnePlusX(a) / 2 ** 31 - 1 / (1 + a / 2 ** 31)) < 1e-8);
  }
  for (const sum of [2 ** 19, 2 ** 19 + 1, 3 * 2 ** 20, 77 * 2 ** 19 + 5, most]) {
    const { scale, bitsOverUnit } = reciprocal(sum, 12);
    const real = 2 ** 19 / sum;
    assert.ok(Math.abs((scale / 2 ** 31) * 2 ** -bitsOverUnit - real) < real * 1e-7);
  }
});
