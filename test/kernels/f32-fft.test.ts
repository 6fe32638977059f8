/**
 * The convolution theorem: transforms of any length against the definition, convolutions by
 * transforms against the direct kernels, and which of the two the engine takes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyArray } from '../../host/core/dtype.js';
import { createEngine, type Engine } from '../../host/engine/engine.js';
import { convolution } from '../../host/engine/kernels/conv-path.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import type { Graph, ValueId } from '../../host/ir/graph.js';
import type { OpAttrs } from '../../host/ir/ops.js';
import { print } from '../../host/ir/text.js';
import { reference } from '../reference/reference.js';
import { type Case, makers } from './f32-cases.js';
import { contents, Source } from './f32-source.js';

const engine = await createEngine();
/** Largest error, in units of the largest number. */
const tolerance = 4e-6;

type Feeds = ReadonlyMap<ValueId, AnyArray>;

/** The output of a graph, its convolutions by one of the two ways; without: as the engine chooses. */
function run(
  graph: Graph,
  feeds: Feeds,
  path?: 'direct' | 'fft',
  by: Engine = engine,
): Float32Array {
  if (path) process.env.EDGE_NN_CONV = path;
  const program = by.compile(graph);
  delete process.env.EDGE_NN_CONV;
  for (const [id, data] of feeds) program.write(id, data);
  program.run();
  const result = program.read(graph.outputs[0]!) as Float32Array;
  program.dispose();
  return result;
}

function close(
  found: Float32Array,
  expected: ArrayLike<number>,
  limit: number,
  what: () => string,
) {
  const values = Array.from(expected);
  const most = values.reduce((max, v) => Math.max(max, Math.abs(v)), 1);
  const worst = values.reduce((max, v, i) => Math.max(max, Math.abs(found[i]! - v)), 0) / most;
  assert.ok(worst <= limit, `off by ${worst}: ${what()}`);
}

const convolutions = ['conv2d', 'conv2dGradInput', 'conv2dGradWeights'] as const;

/** A random case of an op, as a graph. */
function draw(op: (typeof convolutions)[number], seed: number) {
  const source = new Source(seed);
  const made = makers[op]!(source) as Case;
  const g = buildGraph({ name: op, stage: 'train' });
  const ids = made.inputs.map(({ shape }) => g.input({ shape, dtype: 'f32' }));
  const graph = g.finish([g.add(op, ids, made.attrs as OpAttrs<typeof op>)]);
  return { graph, feeds: new Map(ids.map((id, i) => [id, contents(made.inputs[i]!, source)])) };
}

for (const op of convolutions) {
  test(`${op} by transforms equals the definition, whatever stride, padding and dilation`, () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { graph, feeds } = draw(op, seed);
      const expected = reference(graph, feeds).get(graph.outputs[0]!)!;
      close(run(graph, feeds, 'fft'), expected, tolerance, () => `seed ${seed}\n${print(graph)}`);
    }
  });
}

for (const op of convolutions) {
  test(`${op} by transforms gives the same bytes on three threads`, async () => {
    const three = await createEngine('wasm', { threads: 3 });
    for (let seed = 1; seed <= 12; seed++) {
      const { graph, feeds } = draw(op, seed);
      const found = run(graph, feeds, 'fft', three);
      assert.deepEqual(found, run(graph, feeds, 'fft'), `seed ${seed}`);
    }
  });
}

test('transforms of many rows give the same bytes on three threads', async () => {
  const three = await createEngine('wasm', { threads: 3 });
  for (const n of [12, 137]) {
    const g = buildGraph({ name: 'fft', stage: 'train' });
    const x = g.input({ shape: [11, n, 2], dtype: 'f32' });
    const graph = g.finish([g.add('fft', [x], { inverse: false })]);
    const feeds = new Map([[x, contents({ shape: [11, n, 2] }, new Source(n))]]);
    assert.deepEqual(run(graph, feeds, undefined, three), run(graph, feeds), `length ${n}`);
  }
});

test('transforms of any length equal the definition, and go back', () => {
  const lengths = [...Array.from({ length: 40 }, (_, i) => i + 1), 49, 77, 97, 100, 127, 169, 210];
  for (const n of lengths) {
    const source = new Source(n);
    for (const inverse of [false, true]) {
      const g = buildGraph({ name: 'fft', stage: 'train' });
      const x = g.input({ shape: [2, n, 2], dtype: 'f32' });
      const y = g.add('fft', [x], { inverse });
      const there = g.finish([y]);
      const back = g.finish([g.add('fft', [y], { inverse: !inverse })]);
      const feeds = new Map([[x, contents({ shape: [2, n, 2] }, source) as Float32Array]]);
      close(run(there, feeds), reference(there, feeds).get(y)!, tolerance, () => `length ${n}`);
      close(run(back, feeds), feeds.get(x)!, tolerance, () => `length ${n} and back`);
    }
  }
});

/** conv2d, padding 'same', of a square image; `batch` images. */
function square(size: number, kernel: number, channels: number, filters: number, batch: number) {
  const half = Math.floor(kernel / 2);
  const g = buildGraph({ name: 'c', stage: 'train' });
  const window = { stride: [1, 1], pad: [half, half, half, half], dilation: [1, 1] } as const;
  const shapes = [[batch, size, size, channels], [filters, kernel, kernel, channels], [filters]];
  const source = new Source(kernel);
  const feeds = new Map<ValueId, AnyArray>();
  const ids = shapes.map((shape) => {
    const id = g.input({ shape, dtype: 'f32' });
    feeds.set(id, contents({ shape }, source));
    return id;
  });
  return { graph: g.finish([g.add('conv2d', ids, window)]), feeds };
}

const chosen = (size: number, kernel: number, channels: number, filters: number): string => {
  const half = Math.floor(kernel / 2);
  const sizes = [2, size, size, channels, size, size, filters, kernel, kernel];
  return convolution('conv2d', [...sizes, 1, 1, half, half, 1, 1]).kernel;
};

test('the engine takes transforms for large kernels only', () => {
  for (const kernel of [1, 5]) assert.equal(chosen(28, kernel, 16, 16), 'conv2d');
  assert.equal(chosen(28, 3, 16, 16), 'conv2d_winograd');
  for (const kernel of [21, 27]) assert.equal(chosen(28, kernel, 16, 16), 'conv2d_fft');
  assert.equal(chosen(64, 31, 1, 1), 'conv2d_fft');
});

test('where the engine takes transforms, they equal the direct kernel within 1e-4', () => {
  for (const [size, kernel, channels, filters] of [
    [28, 21, 3, 4],
    [40, 31, 5, 3],
  ] as const) {
    assert.equal(chosen(size, kernel, channels, filters), 'conv2d_fft');
    const { graph, feeds } = square(size, kernel, channels, filters, 2);
    const [auto, fft] = [run(graph, feeds), run(graph, feeds, 'fft')];
    assert.deepEqual(auto, fft);
    const direct = run(graph, feeds, 'direct');
    // As large as its fan-in makes it: weights of a network are scaled by 1 / sqrt(taps).
    const unit = Math.sqrt(kernel * kernel * channels);
    direct.forEach((v, i) => {
      const off = Math.abs(v - auto[i]!) / unit;
      assert.ok(off <= 1e-4, `kernel ${kernel}: element ${i} is off by ${off}`);
    });
    close(auto, direct, tolerance, () => `kernel ${kernel}`);
  }
});

test('the result of an image does not depend on the other images of the batch', () => {
  const { graph, feeds } = square(12, 7, 3, 3, 3);
  const [x] = graph.inputs;
  const whole = run(graph, feeds, 'fft');
  const other = new Map(feeds).set(
    x!,
    (feeds.get(x!) as Float32Array).map((v, i) => (i < 432 ? v : -v)),
  );
  assert.deepEqual(run(graph, other, 'fft').subarray(0, 432), whole.subarray(0, 432));
});
