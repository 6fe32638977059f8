/**
 * Every function of the model builder: its gradients, for inputs and weights, equal finite
 * differences in float64. A function without a case does not compile.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elements, type Shape } from '../../host/core/shape.js';
import * as a from '../../host/front/arrays.js';
import * as e from '../../host/front/elementwise.js';
import * as l from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import type { Tensor } from '../../host/front/tensor.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import { type Graph, getValue, type ValueId } from '../../host/ir/graph.js';
import { forTraining } from '../../host/rewrite/for-training.js';
import { rebatch } from '../../host/rewrite/rebatch.js';
import { gradients } from '../../host/train/grad.js';
import { reference } from '../reference/reference.js';
import { largestDifference, normals } from './fixtures/numbers.js';

/** Of central differences with this step in float64; attributes are rounded to float32. */
const step = 1e-5;
const tolerance = 1e-6;
const batch = 2;

interface Case {
  readonly shapes: readonly Shape[];
  readonly build: (...inputs: Tensor[]) => Tensor;
}

/** Shapes without the batch; the function of values of these shapes. */
const of = (shapes: readonly Shape[], build: Case['build']): Case => ({ shapes, build });

type Builder = typeof a & typeof e & typeof l;
/** 'flat': piecewise constant, so there is no gradient; 'source': it has no operand. */
type Cases = { readonly [F in keyof Builder]: readonly Case[] | 'flat' | 'source' };

const unary = (f: (x: Tensor) => Tensor): Case[] => [
  of([[3, 4]], (x) => f(x)),
  of([[2, 3, 2]], (x) => f(x)),
  of([[7]], (x) => f(x)),
];

const binary = (f: (x: Tensor, y: Tensor) => Tensor): Case[] => [
  of(
    [
      [3, 4],
      [3, 4],
    ],
    (x, y) => f(x, y),
  ),
  of([[3, 1], [4]], (x, y) => f(x, y)),
  of(
    [
      [2, 3, 4],
      [1, 3, 1],
    ],
    (x, y) => f(x, y),
  ),
];

/** A divisor away from 0. */
const away = (x: Tensor): Tensor => e.add(e.softplus(x), a.constant(x, [1], [0.5]));

const reduction = (f: typeof a.sum): Case[] => [
  of([[3, 4]], (x) => f(x)),
  of([[3, 4, 2]], (x) => f(x, [0, -1])),
  of([[3, 4, 2]], (x) => f(x, 1, { keepDims: true })),
];

const pool2d = (f: typeof l.maxPool2d): Case[] => [
  of([[4, 6, 2]], (x) => f(x, 2)),
  of([[5, 5, 1]], (x) => f(x, [3, 2], { strides: [1, 2], padding: 'same' })),
  of([[5, 4, 2]], (x) => f(x, 3, { strides: 1, padding: 'same' })),
];

const pool1d = (f: typeof l.maxPool1d): Case[] => [
  of([[6, 2]], (x) => f(x, 2)),
  of([[7, 1]], (x) => f(x, 3, { stride: 2, padding: 'same' })),
];

const transform = (f: typeof a.fft, ...shapes: Shape[]): Case[] =>
  shapes.map((shape) => of([shape], (x) => f(x)));

const cases: Cases = {
  constant: 'source',
  input: 'source',
  argMax: 'flat',
  argMin: 'flat',
  equal: 'flat',
  oneHot: 'flat',
  slice: [
    of([[3, 4]], (x) => a.slice(x, [1, 0], [2, -1])),
    of([[2, 3, 4]], (x) => a.slice(x, [0, 1, 2], [-1, 1, 2])),
  ],
  transpose: [
    of([[2, 3, 4]], (x) => a.transpose(x, [1, 2, 0])),
    of([[3, 2]], (x) => a.transpose(x)),
  ],
  reverse: [of([[3, 4]], (x) => a.reverse(x, 0)), of([[2, 3, 2]], (x) => a.reverse(x, [0, -1]))],
  stack: [
    of([[3], [3]], (x, y) => a.stack([x, y])),
    of(
      [
        [2, 3],
        [2, 3],
      ],
      (x, y) => a.stack([x, y, x], { axis: -1 }),
    ),
  ],
  pad: (['constant', 'reflect', 'symmetric'] as const).flatMap((mode) => [
    of([[4]], (x) => a.pad(x, [[2, 1]], { mode, value: 3 })),
    of([[3, 4]], (x) =>
      a.pad(
        x,
        [
          [1, 2],
          [2, 0],
        ],
        { mode },
      ),
    ),
    of([[3, 2, 2]], (x) =>
      a.pad(
        x,
        [
          [0, 2],
          [1, 1],
          [0, 0],
        ],
        { mode },
      ),
    ),
  ]),
  matmul: [
    of(
      [
        [2, 3],
        [3, 4],
      ],
      (x, y) => a.matmul(x, y),
    ),
    of(
      [
        [2, 3, 2],
        [2, 4, 3],
      ],
      (x, y) => a.matmul(x, y, { transposeA: true, transposeB: true }),
    ),
  ],
  sum: reduction(a.sum),
  mean: reduction(a.mean),
  max: reduction(a.max),
  min: reduction(a.min),
  cast: [of([[3]], (x) => a.cast(x, 'float32'))],
  complex: [
    of([[4]], (x) => a.complex(x)),
    of(
      [
        [2, 3],
        [2, 3],
      ],
      (x, y) => a.complex(x, y),
    ),
  ],
  fft: transform(a.fft, [4, 2], [3, 2], [17, 2], [2, 5, 2]),
  ifft: transform(a.ifft, [4, 2], [6, 2]),
  fft2d: transform(a.fft2d, [2, 4, 2], [3, 5, 2]),
  ifft2d: transform(a.ifft2d, [3, 2, 2]),
  relu: unary(e.relu),
  relu6: unary((x) => e.relu6(e.scale(x, 4))),
  selu: unary(e.selu),
  sigmoid: unary(e.sigmoid),
  tanh: unary(e.tanh),
  softplus: unary(e.softplus),
  softsign: unary(e.softsign),
  hardSwish: unary((x) => e.hardSwish(e.scale(x, 3))),
  gelu: unary(e.gelu),
  softmax: unary(e.softmax),
  leakyRelu: unary((x) => e.leakyRelu(x, { alpha: 0.3 })),
  elu: unary((x) => e.elu(x, { alpha: 0.5 })),
  crelu: unary(e.crelu),
  scale: unary((x) => e.scale(x, -1.5)),
  add: binary(e.add),
  sub: binary(e.sub),
  mul: binary(e.mul),
  div: binary((x, y) => e.div(x, away(y))),
  concat: [
    of(
      [
        [2, 3],
        [2, 1],
      ],
      (x, y) => e.concat([x, y]),
    ),
    of(
      [
        [2, 3],
        [1, 3],
      ],
      (x, y) => e.concat([x, y, x], { axis: 0 }),
    ),
  ],
  conv2d: (['same', 'valid', 'full'] as const).flatMap((padding) => [
    of([[4, 5, 2]], (x) => l.conv2d(x, 3, [3, 2], { padding })),
    of([[6, 5, 1]], (x) => l.conv2d(x, 2, 2, { padding, strides: [2, 1], dilation: [1, 2] })),
  ]),
  conv1d: (['same', 'valid', 'full'] as const).flatMap((padding) => [
    of([[5, 2]], (x) => l.conv1d(x, 3, 3, { padding })),
    of([[8, 1]], (x) => l.conv1d(x, 2, 2, { padding, stride: 2 })),
    of([[8, 1]], (x) => l.conv1d(x, 1, 3, { padding, dilation: 2, useBias: false })),
  ]),
  depthwiseConv2d: [
    of([[4, 4, 2]], (x) => l.depthwiseConv2d(x, 3, { padding: 'same', multiplier: 2 })),
    of([[5, 4, 3]], (x) => l.depthwiseConv2d(x, 2, { strides: 2, dilation: 1 })),
  ],
  separableConv2d: [
    of([[4, 4, 2]], (x) => l.separableConv2d(x, 3, 3, { padding: 'same' })),
    of([[5, 4, 2]], (x) => l.separableConv2d(x, 2, 2, { strides: 2, multiplier: 2 })),
  ],
  dense: [of([[5]], (x) => l.dense(x, 3)), of([[1]], (x) => l.dense(x, 2, { useBias: false }))],
  maxPool2d: pool2d(l.maxPool2d),
  avgPool2d: pool2d(l.avgPool2d),
  maxPool1d: pool1d(l.maxPool1d),
  avgPool1d: pool1d(l.avgPool1d),
  globalAvgPool2d: [of([[3, 4, 2]], (x) => l.globalAvgPool2d(x))],
  batchNorm: [
    of([[4]], (x) => l.batchNorm(x)),
    of([[3, 2, 2]], (x) => l.batchNorm(x, { epsilon: 0.01 })),
  ],
  dropout: [
    of([[9]], (x) => l.dropout(x, 0.5)),
    of([[3, 4, 5]], (x) => l.dropout(x, 0.5, { noiseShape: [1, 1, 5] })),
  ],
  reshape: [of([[2, 3]], (x) => l.reshape(x, [3, -1]))],
  flatten: [of([[2, 3]], (x) => l.flatten(x))],
};

interface Differentiated {
  readonly graph: Graph;
  readonly feeds: Map<ValueId, ArrayLike<number>>;
  readonly y: ValueId;
  readonly dy: ValueId;
  /** Inputs and trained weights, with their gradients. */
  readonly grads: readonly (readonly [ValueId, ValueId | undefined])[];
}

function differentiate({ shapes, build }: Case): Differentiated {
  const float = model('m', () =>
    build(...shapes.map((shape, i) => l.input(shape, { name: `x${i}` }))),
  );
  const { graph: forward, key } = forTraining(rebatch(float.graph(7), batch));
  const builder = buildGraph(forward, forward);
  const [y] = forward.outputs as [ValueId];
  const { shape } = getValue(forward, y);
  const dy = builder.input({ shape, dtype: 'f32' }, { id: 'dy' });
  const weights = forward.states.flatMap(({ value }) =>
    getValue(forward, value).trainable ? [value] : [],
  );
  const wrt = [...shapes.map((_, i) => `x${i}`), ...weights];
  const grads = gradients(forward, builder, y, dy, wrt);
  const graph = builder.finish([y]);
  const feeds = new Map<ValueId, ArrayLike<number>>([[dy, normals(elements(shape), 99)]]);
  wrt.forEach((id, i) => {
    feeds.set(id, normals(elements(getValue(graph, id).shape), i));
  });
  if (key) feeds.set(key, [1, 2, 3]);
  return { graph, feeds, y, dy, grads: wrt.map((id) => [id, grads.get(id)] as const) };
}

/** d sum(y dy) / dx by central differences. */
function numeric({ graph, feeds, y, dy }: Differentiated, x: ValueId): Float64Array {
  const weights = feeds.get(dy)!;
  const at = (i: number, delta: number): number => {
    const moved = Float64Array.from(feeds.get(x)!);
    moved[i]! += delta;
    const result = reference(graph, new Map(feeds).set(x, moved)).get(y)!;
    return result.reduce((sum, v, k) => sum + v * weights[k]!, 0);
  };
  return Float64Array.from(feeds.get(x)!, (_, i) => (at(i, step) - at(i, -step)) / (2 * step));
}

for (const [name, list] of Object.entries(cases)) {
  if (typeof list === 'string') continue;
  list.forEach((example, n) => {
    test(`${name} (case ${n + 1}): its gradients equal finite differences`, () => {
      const made = differentiate(example);
      const values = reference(made.graph, made.feeds);
      for (const [x, grad] of made.grads) {
        const expected = numeric(made, x);
        const difference = largestDifference(values.get(grad!)!, expected);
        assert.ok(difference < tolerance, `%${x}: differs by ${difference}`);
      }
      const seen = made.grads.some(([, grad]) => values.get(grad!)!.some((v) => v !== 0));
      assert.ok(seen, 'the case sees nothing');
    });
  });
}

const flat: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  argMax: (x) => a.argMax(x),
  argMin: (x) => a.argMin(x, 0),
  equal: (x) => e.equal(x, a.constant(x, [1], [0])),
  oneHot: (x) => a.oneHot(x, 3),
  'cast to bool': (x) => a.cast(x, 'bool'),
  'cast to int32': (x) => a.cast(x, 'int32'),
};

test('functions without a gradient are all tried, and give none', () => {
  const named = Object.entries(cases).filter(([, list]) => list === 'flat');
  assert.deepEqual(
    named.map(([name]) => name).filter((name) => !Object.hasOwn(flat, name)),
    [],
  );
  for (const [name, build] of Object.entries(flat)) {
    const { grads } = differentiate(of([[2, 3]], build));
    assert.deepEqual(grads, [['x0', undefined]], name);
  }
});

test('dropout with a noise shape drops whole channels, and keeps the mean', () => {
  const made = differentiate(
    of([[4, 5, 64]], (x) => l.dropout(x, 0.25, { noiseShape: [1, 1, 64] })),
  );
  const ones = new Float64Array(batch * 4 * 5 * 64).fill(1);
  const y = reference(made.graph, new Map(made.feeds).set('x0', ones)).get(made.y)!;
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < 64; c++) {
      const channel = y.filter((_, i) => Math.floor(i / 1280) === n && i % 64 === c);
      assert.ok(channel.every((v) => v === channel[0] && (v === 0 || v === 1 / 0.75)));
    }
  }
  const mean = y.reduce((sum, v) => sum + v, 0) / y.length;
  assert.ok(Math.abs(mean - 1) < 0.15, `mean ${mean}`);
});
