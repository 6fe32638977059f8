import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadInputError, type EdgeNnError, UnsupportedError } from '../../host/core/errors.js';
import type { Shape } from '../../host/core/shape.js';
import { buildGraph, type GraphBuilder } from '../../host/ir/build-graph.js';
import type { Graph, Quantization, ValueId } from '../../host/ir/graph.js';
import { createOracle } from '../../host/quant/interpret/interpret.js';

const quant = (scale: number, zero: number): Quantization => ({
  scheme: 'tflite',
  scale: Float32Array.of(scale),
  zeroPoint: Int32Array.of(zero),
});

const start = () => buildGraph({ name: 'net', stage: 'int8' });

const input = (g: GraphBuilder, shape: Shape, scale = 1, zero = 0): ValueId =>
  g.input({ shape, dtype: 's8' }, { quant: quant(scale, zero) });

const weights = (
  g: GraphBuilder,
  shape: Shape,
  data: readonly number[],
  q = quant(1, 0),
): ValueId => g.constant({ shape, dtype: 's8' }, Int8Array.from(data), { quant: q });

const run = (graph: Graph, ...inputs: (readonly number[])[]): number[] =>
  Array.from(createOracle(graph).run(inputs.map((x) => Int8Array.from(x)))[0] as Int8Array);

const plain = { stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1] } as const;

test('conv2d: padding is the zero point, clamps bound the output', () => {
  const g = start();
  const x = input(g, [1, 2, 2, 1], 1, 3);
  const w = weights(g, [1, 2, 2, 1], [1, 2, 3, 4]);
  const bias = g.constant({ shape: [1], dtype: 's32' }, Int32Array.of(10));
  const attrs = { ...plain, pad: [0, 1, 0, 1], clamp: [-100, 24] } as const;
  const y = g.add('conv2d', [x, w, bias], attrs, { quant: quant(1, -5) });
  // x - 3 = [[1, 2], [3, 4]]; sums 30, 14, 11, 4; plus bias 10, zero point -5; 35 is clamped.
  assert.deepEqual(run(g.finish([y]), [4, 5, 6, 7]), [24, 1 * 2 + 3 * 4 + 5, 3 + 8 + 5, 4 + 5]);
});

test('conv2d: one scale per channel, strides and dilation', () => {
  const g = start();
  const x = input(g, [1, 1, 5, 1]);
  const perChannel = {
    scheme: 'tflite',
    scale: Float32Array.of(1, 0.5),
    zeroPoint: new Int32Array(2),
    axis: 0,
  };
  const w = weights(g, [2, 1, 2, 1], [1, 1, 1, 1], perChannel);
  const attrs = { ...plain, stride: [1, 2], dilation: [1, 2] } as const;
  const y = g.add('conv2d', [x, w], attrs, { quant: quant(1, 0) });
  assert.deepEqual(run(g.finish([y]), [1, 2, 3, 4, 5]), [4, 2, 8, 4]);
});

test('depthwiseConv2d: output channel c M + m reads channel c', () => {
  const g = start();
  const x = input(g, [1, 1, 2, 2]);
  const w = weights(g, [1, 1, 2, 4], [1, 0, 1, 2, 0, 1, 1, 3]);
  const y = g.add('depthwiseConv2d', [x, w], plain, { quant: quant(1, 0) });
  // Pixels (1, 10) and (2, 20).
  assert.deepEqual(run(g.finish([y]), [1, 10, 2, 20]), [1, 2, 30, 80]);
});

test('dense: one scale multiplies in float32, one per output in double', () => {
  const [xScale, wScale, yScale] = [0.1, 0.3, 8e5].map(Math.fround) as [number, number, number];
  const single = Math.fround(xScale * wScale) / yScale;
  const double = (xScale * wScale) / yScale;
  // A bias whose image lies above 10.5 with one factor, and below with the other.
  const bias = Math.round(10.5 / ((single + double) / 2));
  const [bySingle, byDouble] = [single, double].map((factor) => Math.round(bias * factor));
  assert.notEqual(bySingle, byDouble);
  const dense = (q: Quantization): number[] => {
    const g = start();
    const w = weights(g, [2, 1], [0, 0], q);
    const b = g.constant({ shape: [2], dtype: 's32' }, Int32Array.of(bias, -bias));
    const y = g.add('dense', [input(g, [1, 1], xScale), w, b], {}, { quant: quant(yScale, 0) });
    return run(g.finish([y]), [7]);
  };
  const perOutput = Float32Array.of(wScale, wScale);
  const zeroPoint = new Int32Array(2);
  assert.deepEqual(dense(quant(wScale, 0)), [bySingle, -bySingle!]);
  assert.deepEqual(dense({ scheme: 'tflite', scale: perOutput, zeroPoint, axis: 0 }), [
    byDouble,
    -byDouble!,
  ]);
});

test('avgPool2d rounds halves away from zero and counts taps inside only', () => {
  const g = start();
  const x = input(g, [1, 1, 4, 1], 0.5, 7);
  const attrs = { size: [1, 2], stride: [1, 1], pad: [0, 0, 0, 1] } as const;
  const y = g.add('avgPool2d', [x], attrs, { quant: quant(0.5, 7) });
  assert.deepEqual(run(g.finish([y]), [1, 2, -4, -5]), [2, -1, -5, -5]);
});

test('maxPool2d: padding never wins', () => {
  const g = start();
  const x = input(g, [1, 2, 2, 1]);
  const attrs = { size: [2, 2], stride: [1, 1], pad: [1, 0, 1, 0] } as const;
  const y = g.add('maxPool2d', [x], attrs, { quant: quant(1, 0) });
  assert.deepEqual(run(g.finish([y]), [-9, -8, -7, -6]), [-9, -8, -7, -6]);
});

test('mean folds the count into the multiplier', () => {
  const g = start();
  const x = input(g, [1, 2, 3, 2], 1, 1);
  const y = g.add('mean', [x], { axes: [1, 2], keepDims: false }, { quant: quant(0.5, -3) });
  // Channel 0: 1..6 -> mean 3.5 - 1 = 2.5 -> 5 halves; channel 1: all 11 -> 10 -> 20 halves.
  assert.deepEqual(run(g.finish([y]), [1, 11, 2, 11, 3, 11, 4, 11, 5, 11, 6, 11]), [2, 17]);
});

test('add and mul broadcast, with a scale and zero point each', () => {
  for (const [op, want] of [
    ['add', [10, 12, 14, 16]],
    ['mul', [8, 16, 24, 32]],
  ] as const) {
    const g = start();
    const a = input(g, [2, 2], 1, 0);
    const b = input(g, [1, 1], 2, 1);
    const y = g.add(op, [a, b], {}, { quant: quant(op === 'add' ? 0.5 : 1, 0) });
    // a = 1, 2, 3, 4 and b = (3 - 1) * 2 = 4 (add) or 8 (mul).
    assert.deepEqual(run(g.finish([y]), [1, 2, 3, 4], [op === 'add' ? 3 : 5]), want);
  }
});

test('relu and relu6 requantize and clamp in the output scale', () => {
  for (const [op, want] of [
    ['relu', [-10, 10, 30, 127]],
    ['relu6', [-10, 10, 30, 50]],
  ] as const) {
    const g = start();
    const x = input(g, [1, 4], 0.5, 0);
    const y = g.add(op, [x], {}, { quant: quant(0.1, -10) });
    assert.deepEqual(run(g.finish([y]), [-8, 4, 8, 60]), want);
  }
});

test('concat requantizes what has another scale', () => {
  const g = start();
  const parts = [input(g, [1, 2, 1], 1, 0), input(g, [1, 2, 2], 2, 1)];
  const y = g.add('concat', parts, { axis: -1 }, { quant: quant(1, 0) });
  assert.deepEqual(run(g.finish([y]), [5, 6], [1, 2, 3, 4]), [5, 0, 2, 6, 4, 6]);
});

test('pad fills with the zero point, reshape keeps the bytes', () => {
  const g = start();
  const x = input(g, [1, 1, 2], 1, 9);
  const padded = g.add('pad', [x], { padding: [0, 0, 1, 0, 0, 1] }, { quant: quant(1, 9) });
  const y = g.add('reshape', [padded], { shape: [6] }, { quant: quant(1, 9) });
  assert.deepEqual(run(g.finish([y]), [1, 2]), [9, 9, 9, 1, 2, 9]);
});

test('softmax is within one unit of the real one', () => {
  const g = start();
  const x = input(g, [1, 5], 0.1, 4);
  const y = g.add('softmax', [x], {}, { quant: quant(1 / 256, -128) });
  const graph = g.finish([y]);
  for (const logits of [
    [1, 2, 3, 4, 5],
    [-128, 127, 0, 0, 126],
    [7, 7, 7, 7, 7],
  ]) {
    const exps = logits.map((q) => Math.exp(0.1 * q));
    const sum = exps.reduce((a, b) => a + b);
    const want = exps.map((e) => Math.min(127, (256 * e) / sum - 128));
    run(graph, logits).forEach((got, i) => {
      assert.ok(Math.abs(got - want[i]!) < 1, `${got} for ${want[i]}`);
    });
  }
});

test('states carry over to the next run, and can be reset', () => {
  const g = start();
  const x = input(g, [1, 2]);
  const s = g.state({ shape: [1, 2], dtype: 's8' }, Int8Array.of(1, 2), { quant: quant(1, 0) });
  const y = g.add('add', [x, s], {}, { quant: quant(1, 0) });
  g.update(s, y);
  const oracle = createOracle(g.finish([y]));
  const one = [Int8Array.of(10, 10)];
  assert.deepEqual(oracle.run(one), [Int8Array.of(11, 12)]);
  assert.deepEqual(oracle.run(one), [Int8Array.of(21, 22)]);
  oracle.reset();
  const all = oracle.runAll(one);
  assert.deepEqual(all.get(s), Int8Array.of(1, 2));
  assert.deepEqual(all.get(y), Int8Array.of(11, 12));
});

test('outputs are copies', () => {
  const g = start();
  const x = input(g, [1, 2]);
  const y = g.add('relu', [x], {}, { quant: quant(1, 0) });
  const oracle = createOracle(g.finish([y]));
  const [first] = oracle.run([Int8Array.of(1, 2)]);
  oracle.run([Int8Array.of(3, 4)]);
  assert.deepEqual(first, Int8Array.of(1, 2));
});

type Refusal = readonly [
  string,
  (g: GraphBuilder) => ValueId,
  new (...args: never[]) => EdgeNnError,
];

const refusals: readonly Refusal[] = [
  [
    'scale or zero point',
    (g) =>
      g.add(
        'maxPool2d',
        [input(g, [1, 2, 2, 1])],
        { size: [2, 2], stride: [1, 1], pad: [0, 0, 0, 0] },
        { quant: quant(1, 1) },
      ),
    BadInputError,
  ],
  [
    'expected 1/256 and -128',
    (g) => g.add('softmax', [input(g, [1, 2])], {}, { quant: quant(0.1, 0) }),
    BadInputError,
  ],
  [
    'batch of 2',
    (g) => g.add('dense', [input(g, [2, 1]), weights(g, [1, 1], [1])], {}, { quant: quant(1, 0) }),
    UnsupportedError,
  ],
  [
    'zero point other than 0',
    (g) =>
      g.add(
        'dense',
        [input(g, [1, 1]), weights(g, [1, 1], [1], quant(1, 5))],
        {},
        { quant: quant(1, 0) },
      ),
    UnsupportedError,
  ],
  [
    'computed, not constant',
    (g) => g.add('dense', [input(g, [1, 1]), input(g, [1, 1])], {}, { quant: quant(1, 0) }),
    UnsupportedError,
  ],
  [
    'of scheme power2',
    (g) => g.add('relu', [input(g, [1, 1])], {}, { quant: { ...quant(1, 0), scheme: 'power2' } }),
    UnsupportedError,
  ],
  [
    'relu %relu: a ratio of scales',
    (g) => g.add('relu', [input(g, [1, 1], 2 ** 20)], {}, { quant: quant(2 ** -20, 0) }),
    BadInputError,
  ],
];

for (const [message, build, kind] of refusals) {
  test(`refused: ${message}`, () => {
    const g = start();
    const graph = g.finish([build(g)]);
    assert.throws(
      () => createOracle(graph),
      (error: EdgeNnError) => {
        assert.ok(error instanceof kind, String(error));
        assert.ok(error.message.includes(message), error.message);
        assert.match(error.hint, /\S/);
        return true;
      },
    );
  });
}

test('refused: a float graph, and inputs that do not fit', () => {
  const f = buildGraph({ name: 'f', stage: 'float' });
  const x = f.input({ shape: [1, 2], dtype: 'f32' });
  assert.throws(() => createOracle(f.finish([f.add('relu', [x], {})])), UnsupportedError);
  const g = start();
  const y = g.add('relu', [input(g, [1, 2])], {}, { quant: quant(1, 0) });
  const oracle = createOracle(g.finish([y]));
  assert.throws(() => oracle.run([]), /got 0 inputs/);
  assert.throws(() => oracle.run([Int8Array.of(1)]), /Int8Array\(1\), expected s8\[1,2\]/);
  assert.throws(() => oracle.run([Float32Array.of(1, 2)]), BadInputError);
});
