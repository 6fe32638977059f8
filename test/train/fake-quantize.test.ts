/**
 * The ops of quantization-aware training against the formulas of the papers: what is left of a
 * number, the clipped straight-through gradient (Jacob et al., 2018), the gradient of a learned step
 * size (Esser et al., 2020, equation 3).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine } from '../../host/engine/engine.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import type { ValueId } from '../../host/ir/graph.js';
import { gradients } from '../../host/train/grad.js';
import { reference } from '../reference/reference.js';
import { normals } from './fixtures/numbers.js';

interface Problem {
  readonly shape: readonly number[];
  readonly scale: readonly number[];
  readonly limits: readonly [number, number];
  readonly axis?: number;
}

/** y = fakeQuantize(x), and the gradients of sum(y dy) for x and the scale. */
function differentiate({ shape, scale, limits, axis }: Problem) {
  const builder = buildGraph({ name: 'fake', stage: 'train' });
  const f32 = (dims: readonly number[]) => ({ shape: dims, dtype: 'f32' }) as const;
  const x = builder.input(f32(shape), { id: 'x' });
  const s = builder.constant(
    f32(axis === undefined ? [] : [scale.length]),
    Float32Array.from(scale),
  );
  const l = builder.constant(f32([2]), Float32Array.from(limits));
  const dy = builder.input(f32(shape), { id: 'dy' });
  const y = builder.add('fakeQuantize', [x, s, l], axis === undefined ? {} : { axis });
  const forward = builder.finish([y]);
  const grads = gradients(forward, builder, y, dy, [x, s]);
  const ids = [y, grads.get(x)!, grads.get(s)!] as [ValueId, ValueId, ValueId];
  return { graph: builder.finish(ids), ids };
}

/** Round half away from zero. */
const nearest = (v: number): number => Math.sign(v) * Math.floor(Math.abs(v) + 0.5);

const problems: readonly Problem[] = [
  { shape: [40, 5], scale: [0.25], limits: [-7, 7] },
  { shape: [40, 5], scale: [0.0625], limits: [0, 255] },
  { shape: [3, 4, 2, 5], scale: [0.25, 0.5, 0.125], limits: [-7, 7], axis: 0 },
  { shape: [1, 3, 3, 4], scale: [0.25, 0.5, 0.125, 1], limits: [-127, 127], axis: 3 },
];

for (const problem of problems) {
  const { shape, scale, limits, axis } = problem;
  const [low, high] = limits;
  const count = shape.reduce((n, d) => n * d, 1);
  const inner = axis === undefined ? count : shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  // Every third number lies in the middle of two integers.
  const xs = Float32Array.from(normals(count, 1), (v, i) =>
    i % 3 === 0 ? (Math.round(v * 4) + 0.5) * 0.125 : 2 * v,
  );
  const dys = Float32Array.from(normals(count, 2));
  const what = `scale ${scale}, limits ${limits}, axis ${axis ?? 'none'}`;

  test(`fakeQuantize and its gradients are the papers' formulas: ${what}`, async () => {
    const { graph, ids } = differentiate(problem);
    const expected = [
      new Float64Array(count),
      new Float64Array(count),
      new Float64Array(scale.length),
    ] as const;
    xs.forEach((x, i) => {
      const c = Math.floor(i / inner) % scale.length;
      const v = x / scale[c]!;
      expected[0][i] = scale[c]! * Math.min(high, Math.max(low, nearest(v)));
      expected[1][i] = v >= low && v <= high ? dys[i]! : 0;
      const slope = v <= low ? low : v >= high ? high : nearest(v) - v;
      expected[2][c]! += slope * dys[i]!;
    });
    const feeds = new Map([
      ['x', xs],
      ['dy', dys],
    ]);
    const values = reference(graph, feeds);
    const program = (await createEngine()).compile(graph);
    for (const [id, data] of feeds) program.write(id, data);
    program.run();
    ids.forEach((id, k) => {
      const found = program.read(id) as Float32Array;
      expected[k]!.forEach((e, i) => {
        const tolerance = 1e-5 * Math.max(1, Math.abs(e)) * (k === 2 ? 10 : 1);
        assert.ok(Math.abs(values.get(id)![i]! - e) < tolerance, `reference ${k}, ${i}`);
        assert.ok(Math.abs(found[i]! - e) < tolerance, `engine ${k}, ${i}: ${found[i]}, ${e}`);
      });
      // The sum turns -0 into 0.
      const positive = (numbers: ArrayLike<number>) =>
        Array.from(numbers, (n) => Math.fround(n) + 0);
      if (k === 0) assert.deepEqual(positive(found), positive(expected[0]));
    });
    program.dispose();
  });
}

test('gradientScale multiplies the gradient, and without a factor stops it', () => {
  const builder = buildGraph({ name: 'scaled', stage: 'train' });
  const type = { shape: [3], dtype: 'f32' } as const;
  const [a, b] = [builder.input(type), builder.input(type)];
  const factor = builder.constant(type, Float32Array.of(2, 0, -1));
  const y = builder.add(
    'add',
    [builder.add('gradientScale', [a, factor], {}), builder.add('gradientScale', [b], {})],
    {},
  );
  const dy = builder.input(type, { id: 'dy' });
  const forward = builder.finish([y]);
  const grads = gradients(forward, builder, y, dy, [a, b]);
  assert.equal(grads.has(b), false);
  const feeds = new Map([a, b, dy].map((id) => [id, [1, 2, 3]] as const));
  assert.deepEqual(
    [...reference(builder.finish([y, grads.get(a)!]), feeds).get(grads.get(a)!)!],
    [2, 0, -3],
  );
});
