import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadInputError } from '../../host/core/errors.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import type { Graph } from '../../host/ir/graph.js';
import { lower } from '../../host/lower/pipeline.js';
import { proveAccumulators } from '../../host/lower/proof.js';
import { network, networks, randomIntegers } from './networks.js';

const quant = (scale: number, zero: number) => ({
  scheme: 'tflite',
  scale: Float32Array.of(scale),
  zeroPoint: Int32Array.of(zero),
});

/** A dense layer with the given weights, biases and input zero point. */
function dense(weights: number[][], biases: number[], zero: number, outScale = 10): Graph {
  const b = buildGraph({ name: 'dense', stage: 'int8' });
  const inputs = weights[0]!.length;
  const x = b.input({ shape: [1, inputs], dtype: 's8' }, { quant: quant(0.01, zero) });
  const w = b.constant(
    { shape: [weights.length, inputs], dtype: 's8' },
    Int8Array.from(weights.flat()),
    { quant: quant(0.01, 0) },
  );
  const bias = b.constant({ shape: [weights.length], dtype: 's32' }, Int32Array.from(biases));
  return b.finish([b.add('dense', [x, w, bias], {}, { id: 'y', quant: quant(outScale, 0) })]);
}

test('the bound of a channel is what its weights, bias and zero point can reach', () => {
  // x - z lies in [-256, -1 + 0]: -128 - 127 = -255 at least, 0 at most.
  const [proof] = proveAccumulators(
    dense(
      [
        [10, -20],
        [1, 1],
      ],
      [7, -1000],
      127,
    ),
  );
  assert.deepEqual(proof!.largest, [Math.max(2550, 20 * 255 + 7), 1000 + 2 * 255]);
});

test('random inputs never exceed the bound, and the worst input reaches it', () => {
  const next = randomIntegers(9);
  for (let round = 0; round < 20; round++) {
    const weights = [Array.from({ length: 6 }, () => next(-128, 127))];
    const [bias, zero] = [next(-5000, 5000), next(-128, 127)];
    const { largest } = proveAccumulators(dense(weights, [bias], zero))[0]!;
    const acc = (x: (w: number) => number) =>
      weights[0]!.reduce((sum, w) => sum + w * (x(w) - zero), bias);
    assert.ok(Math.abs(acc(() => next(-128, 127))) <= largest[0]!);
    const most = acc((w) => (w > 0 ? 127 : -128));
    const least = acc((w) => (w > 0 ? -128 : 127));
    assert.ok(Math.max(most, -least) <= largest[0]!);
    assert.ok(Math.max(most, -least) >= largest[0]! - Math.abs(bias));
  }
});

test('a channel that could overflow is refused by name', () => {
  const fine = dense(
    [
      [127, 127],
      [127, 127],
    ],
    [0, 2 ** 31 - 70000],
    -128,
  );
  assert.doesNotThrow(() => lower(fine));
  const graph = dense(
    [
      [127, 127],
      [127, 127],
    ],
    [0, 2 ** 31 - 1],
    -128,
  );
  assert.throws(() => lower(graph), {
    name: BadInputError.name,
    message: /channel 1 of %y could overflow/,
    where: '%y',
  });
});

test('a sum that its multiplier shifts out of int32 is refused', () => {
  assert.doesNotThrow(() => lower(dense([[100, 100]], [2 ** 20], 0, 1e-4)));
  assert.throws(() => lower(dense([[100, 100]], [2 ** 30], 0, 1e-4 / 4)), {
    name: BadInputError.name,
    message: /channel 0/,
  });
});

test('a softmax over more than 4095 classes is refused', () => {
  const n = (classes: number) => {
    const net = network('softmax', 1);
    return net.finish(net.softmax(net.input([classes])));
  };
  assert.doesNotThrow(() => lower(n(4095)));
  assert.throws(() => lower(n(4096)), { message: /%softmax/ });
});

test('every step that accumulates has its proof', () => {
  const { proof, steps } = lower(networks.separable!(1));
  const bare = new Set(['maxPool2d', 'pad']);
  const expected = steps.filter(({ node }) => !bare.has(node.op)).map(({ node }) => node.output);
  assert.deepEqual(
    proof.map(({ value }) => value),
    expected,
  );
});
