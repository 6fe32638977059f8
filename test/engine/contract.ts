/**
 * What every engine does: programs with states, updates in place, sums in shards.
 */
import assert from 'node:assert/strict';
import { randomUniform } from '../../host/core/random.js';
import type { Engine } from '../../host/engine/engine.js';
import { buildGraph, type GraphBuilder } from '../../host/ir/build-graph.js';
import { Source } from '../kernels/f32-source.js';
import { floats } from './random-graph.js';

const f32 = (...shape: number[]) => ({ shape, dtype: 'f32' }) as const;
const train = (): GraphBuilder => buildGraph({ name: 'g', stage: 'train' });
const of = (...values: number[]): Float32Array => Float32Array.from(values);

/** ((0+1)+(2+3)) + ((4+5)+(6+7)) in float32. */
function tree(parts: readonly number[]): number {
  if (parts.length === 1) return parts[0]!;
  const half = parts.length / 2;
  return Math.fround(tree(parts.slice(0, half)) + tree(parts.slice(half)));
}

/** What every engine must do, by what it is. */
export const contract: Readonly<Record<string, (engine: Engine) => void>> = {
  'a chain of element-by-element ops runs in one buffer': (engine) => {
    const g = train();
    let x = g.input(f32(1, 1000));
    for (let i = 0; i < 10; i++) x = g.add('relu', [g.add('reshape', [x], { shape: [1000] })], {});
    const program = engine.compile(g.finish([x]));
    assert.equal(program.arenaBytes, 4000);
  },

  'inputs keep their contents over runs': (engine) => {
    const g = train();
    const x = g.input(f32(3));
    const graph = g.finish([g.add('scale', [x], { factor: 2 })]);
    const program = engine.compile(graph);
    program.write(x, of(1, 2, 3));
    program.run();
    program.run();
    assert.deepEqual(program.read(graph.outputs[0]!), of(2, 4, 6));
    assert.deepEqual(program.read(x), of(1, 2, 3));
  },

  'only what survives a run can be read, and only what is not computed written': (engine) => {
    const g = train();
    const x = g.input(f32(2));
    const a = g.add('scale', [x], { factor: 3 });
    const graph = g.finish([g.add('add', [a, a], {})]);
    const program = engine.compile(graph);
    assert.throws(() => program.read(a), /keep/);
    assert.throws(() => program.write(a, of(1, 2)), /computed/);
    assert.throws(() => program.write(x, of(1)), { code: 3 });
    assert.throws(() => program.write(x, Int32Array.of(1, 2)), { code: 3 });
    const keeping = engine.compile(graph, { keep: [a] });
    keeping.write(x, of(1, 2));
    keeping.run();
    assert.deepEqual(keeping.read(a), of(3, 6));
  },

  'programs live side by side until they are disposed': (engine) => {
    const g = train();
    const w = g.state(f32(1), of(1));
    g.update(w, g.add('scale', [w], { factor: 2 }));
    const graph = g.finish([w]);
    const [one, other] = [engine.compile(graph), engine.compile(graph)];
    one.run();
    one.run();
    other.run();
    assert.deepEqual([one.read(w)[0], other.read(w)[0]], [4, 2]);
    one.dispose();
    assert.throws(() => one.run(), /disposed/);
    assert.throws(() => one.read(w), /disposed/);
    other.run();
    assert.equal(other.read(w)[0], 4);
  },

  'a state read after its update was written in the graph is still read before': (engine) => {
    const g = train();
    const w = g.state(f32(2), of(1, 2));
    const step = g.input(f32(2));
    g.update(w, g.add('add', [w, step], {}));
    const old = g.add('scale', [w], { factor: 10 });
    const program = engine.compile(g.finish([old]));
    program.write(step, of(1, 1));
    program.run();
    assert.deepEqual(program.read(old), of(10, 20));
    assert.deepEqual(program.read(w), of(2, 3));
    assert.equal(program.arenaBytes, 16, 'the update is computed in place');
  },

  'an update that is used with the old state is copied': (engine) => {
    const g = train();
    const w = g.state(f32(2), of(1, 2));
    const next = g.add('scale', [w], { factor: 3 });
    g.update(w, next);
    const both = g.add('add', [next, w], {});
    const program = engine.compile(g.finish([both]));
    program.run();
    assert.deepEqual(program.read(both), of(4, 8));
    assert.deepEqual(program.read(w), of(3, 6));
  },

  'states that become each other, an input or a constant': (engine) => {
    const g = train();
    const x = g.input(f32(1));
    const [a, b, c, d] = [1, 2, 3, 4].map((v) => g.state(f32(1), of(v))) as [
      string,
      string,
      string,
      string,
    ];
    const seven = g.constant(f32(1), of(7));
    g.update(a, b);
    g.update(b, g.add('scale', [a], { factor: 100 }));
    g.update(c, x);
    g.update(d, g.add('reshape', [c], { shape: [] }));
    const e = g.state(f32(1), of(0));
    g.update(e, seven);
    const out = g.add('add', [a, b], {});
    const program = engine.compile(g.finish([out]));
    program.write(x, of(9));
    program.run();
    assert.equal(program.read(out)[0], 3);
    assert.deepEqual(
      [a, b, c, d, e].map((id) => program.read(id)[0]),
      [2, 100, 9, 3, 7],
    );
  },

  'the elements of one buffer, broadcast and not, are not overwritten while they are read': (
    engine,
  ) => {
    const g = train();
    const x = g.input(f32(4, 1));
    const y = g.add('scale', [x], { factor: 1 });
    const row = g.add('reshape', [y], { shape: [] });
    const column = g.add('broadcastTo', [y], { shape: [4, 4] });
    const outer = g.add('mul', [column, row], {});
    const one = g.add('mul', [g.add('slice', [row], { begin: [0], size: [1] }), row], {});
    const program = engine.compile(g.finish([outer, one]));
    program.write(x, of(2, 3, 4, 5));
    program.run();
    const [outerIs, oneIs] = program.graph.outputs.map((id) => program.read(id));
    assert.deepEqual(oneIs, of(4, 6, 8, 10));
    assert.deepEqual(outerIs, of(4, 6, 8, 10, 6, 9, 12, 15, 8, 12, 16, 20, 10, 15, 20, 25));
  },

  'the dropout mask is that of host/core/random': (engine) => {
    const g = train();
    const x = g.input(f32(3, 7));
    const key = g.input({ shape: [3], dtype: 's32' });
    const mask = g.add('dropoutMask', [x, key], { rate: 0.25, stream: 2 });
    const program = engine.compile(g.finish([mask]));
    program.write(key, Int32Array.of(-5, 6, 7));
    program.run();
    const random = { seed: -5, epoch: 6, step: 7, stream: 2, purpose: 'dropout' } as const;
    const expected = Float32Array.from({ length: 21 }, (_, i) =>
      randomUniform(random, i) < 0.25 ? 0 : 4 / 3,
    );
    assert.deepEqual(program.read(mask), expected);
    assert.ok(expected.includes(0) && expected.some((v) => v > 0));
  },

  'sums over the batch are taken in eight shards, combined in a fixed tree': (engine) => {
    const [batch, inner] = [21, 3];
    const data = floats(new Source(5), batch * inner);
    const g = train();
    const x = g.input(f32(batch, inner));
    const ones = g.constant(f32(batch, 1), new Float32Array(batch).fill(1));
    const sum = g.add('sum', [x], { axes: [0], keepDims: false });
    const product = g.add('matmul', [ones, x], { transposeA: true, transposeB: false });
    const images = g.constant(f32(batch, 1, 1, 1), new Float32Array(batch).fill(1));
    const dy = g.add('reshape', [x], { shape: [1, 1, inner] });
    const window = { stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1], kernel: [1, 1] } as const;
    const weights = g.add('conv2dGradWeights', [images, dy], window);
    const program = engine.compile(g.finish([sum, product, weights]));
    program.write(x, data);
    program.run();
    const expected = Float32Array.from({ length: inner }, (_, c) => {
      const shards = Array.from({ length: 8 }, (_unused, s) => {
        let total = 0;
        const end = Math.floor((batch * (s + 1)) / 8);
        for (let n = Math.floor((batch * s) / 8); n < end; n++) {
          total = Math.fround(total + data[n * inner + c]!);
        }
        return total;
      });
      return tree(shards);
    });
    for (const id of [sum, product, weights]) assert.deepEqual(program.read(id), expected, id);
  },

  'a class that does not exist makes the loss NaN': (engine) => {
    const g = train();
    const x = g.input(f32(2, 3));
    const labels = g.input({ shape: [2], dtype: 's32' });
    const program = engine.compile(g.finish([g.add('softmaxCrossEntropy', [x, labels], {})]));
    program.write(labels, Int32Array.of(0, 3));
    program.run();
    assert.ok(Number.isNaN(program.read(program.graph.outputs[0]!)[0]));
  },
};
