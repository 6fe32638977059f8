import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadInputError, UnsupportedError } from '../../host/core/errors.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import type { Graph } from '../../host/ir/graph.js';
import { parse } from '../../host/ir/parse.js';
import { dataHash, print } from '../../host/ir/text.js';
import { verify } from '../../host/ir/verify.js';

const window = { stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1] } as const;

function example(): Graph {
  const g = buildGraph({
    name: 'my net',
    stage: 'int8',
    loss: 'softmaxCrossEntropy',
    labels: ['a b', 'c=[d]'],
  });
  const quant = (scale: number, zero: number) => ({
    scheme: 'tflite',
    scale: Float32Array.of(scale),
    zeroPoint: Int32Array.of(zero),
  });
  const x = g.input(
    { shape: [1, 4, 4, 1], dtype: 's8' },
    { id: 'image', quant: quant(1 / 255, -128) },
  );
  const w = g.constant(
    { shape: [2, 3, 3, 1], dtype: 's8' },
    Int8Array.from({ length: 18 }, (_, i) => i - 9),
    {
      id: 'c1.w',
      name: 'serving/c1 (weights), update=%x',
      quant: {
        scheme: 'tflite',
        scale: Float32Array.of(0.1, 0.2),
        zeroPoint: new Int32Array(2),
        axis: 0,
      },
    },
  );
  const y = g.add(
    'conv2d',
    [x, w],
    { ...window, clamp: [-128, 127] },
    { id: 'c1', quant: quant(0.0213, -128) },
  );
  const s = g.state({ shape: [1, 2, 2, 2], dtype: 's8' }, new Int8Array(8), {
    id: 'ring',
    quant: quant(0.0213, -128),
  });
  const sum = g.add('add', [y, s], {}, { quant: quant(0.5, 3) });
  g.update(s, y);
  return g.finish([sum]);
}

const lookupIn = (g: Graph) => (hash: string) =>
  [...g.data].find(([id]) => dataHash(g, id) === hash)?.[1];

test('parse(print(g)) equals g', () => {
  const g = example();
  const again = parse(print(g), lookupIn(g));
  assert.deepEqual(again, g);
  assert.equal(print(again), print(g));
});

test('the text form is stable', () => {
  assert.deepEqual(
    print(example())
      .split('\n')
      .filter((line) => !line.includes('sha256')),
    [
      'graph "my net" stage=int8 format=1 loss=softmaxCrossEntropy labels=["a b","c=[d]"]',
      '%image: s8[1,4,4,1] q(0.003921569,-128) = input',
      '%c1: s8[1,2,2,2] q(0.0213,-128) = conv2d(%image, @c1.w) {stride=[1,1], pad=[0,0,0,0], dilation=[1,1], clamp=[-128,127]}',
      '%add: s8[1,2,2,2] q(0.5,3) = add(%c1, $ring)',
      'return %add',
      '',
    ],
  );
});

test('damaged text names its line', () => {
  const g = example();
  const broken = print(g).replace('conv2d(', 'conv9d(');
  assert.throws(
    () => parse(broken, lookupIn(g)),
    (error: BadInputError) => {
      assert.ok(error instanceof BadInputError);
      assert.match(error.message, /line 5: unknown op conv9d/);
      return true;
    },
  );
  assert.throws(() => parse(print(g), () => undefined), /no data for %c1\.w/);
});

test('the verifier rejects what passes may not yield', () => {
  const g = example();
  const conv = g.nodes[0]!;
  const cases: readonly (readonly [Partial<Graph>, RegExp])[] = [
    [{ nodes: [...g.nodes].reverse() }, /not defined before/],
    [
      { nodes: [{ ...conv, inputs: ['image'] } as never, g.nodes[1]!] },
      /takes \(x, w, b\?\), got 1/,
    ],
    [
      { nodes: [{ ...conv, attrs: { ...conv.attrs, stride: [1] } } as never, g.nodes[1]!] },
      /stride needs 2/,
    ],
    [
      { nodes: [{ ...conv, attrs: { ...conv.attrs, more: 1 } } as never, g.nodes[1]!] },
      /no attribute more/,
    ],
    [{ data: new Map() }, /without data/],
    [{ outputs: [] }, /no output/],
    [{ outputs: ['nothing'] }, /does not exist/],
  ];
  for (const [change, expected] of cases) {
    assert.throws(() => verify({ ...g, ...change }), expected);
  }
});

test('an op is refused at a stage that has no form of it', () => {
  const g = buildGraph({ name: 'n', stage: 'int8' });
  const quant = { scheme: 'tflite', scale: Float32Array.of(1), zeroPoint: Int32Array.of(0) };
  const x = g.input({ shape: [1, 3], dtype: 's8' }, { quant });
  const y = g.add('elu', [x], { alpha: 1 }, { quant });
  assert.throws(() => g.finish([y]), UnsupportedError);
});

test('a shape error says where it arose', () => {
  const g = buildGraph({ name: 'n', stage: 'float' });
  const x = g.input({ shape: [1, 4, 4, 3], dtype: 'f32' });
  const w = g.constant({ shape: [8, 5, 5, 3], dtype: 'f32' }, new Float32Array(600));
  assert.throws(
    () => g.add('conv2d', [x, w], window, { id: 'c1' }),
    (error: BadInputError) => {
      assert.match(error.message, /conv2d %c1: a 5x5 window does not fit into 4x4/);
      assert.ok(error.hint);
      return true;
    },
  );
});
