import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnsupportedError } from '../../host/core/errors.js';
import { elements } from '../../host/core/shape.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import type { Graph, ValueId } from '../../host/ir/graph.js';
import type { OpName } from '../../host/ir/ops.js';
import { gradients } from '../../host/train/grad.js';
import { gradRules } from '../../host/train/grad-rules.js';
import { reference } from '../reference/reference.js';
import { type Case, gradientCases, type Operand } from './fixtures/gradient-cases.js';
import { largestDifference, normals, uniforms } from './fixtures/numbers.js';

/** Of central differences with this step in float64; attributes are rounded to float32. */
const step = 1e-5;
const tolerance = 1e-6;

type Feeds = Map<ValueId, ArrayLike<number>>;

function fill({ shape, range, data }: Operand, seed: number): Float64Array {
  if (data) return Float64Array.from(data);
  const count = elements(shape);
  return range ? uniforms(count, seed, ...range) : normals(count, seed);
}

/** y = op(operands), the gradient of sum(y dy) for each operand, and random contents of all. */
function differentiate(op: OpName, { operands, attrs }: Case<OpName>) {
  const builder = buildGraph({ name: op, stage: 'train' });
  const feeds: Feeds = new Map();
  const ids = operands.map((operand, i) => {
    const { shape, dtype = 'f32' } = operand;
    const id = builder.input({ shape, dtype }, { id: `x${i}` });
    feeds.set(id, fill(operand, i));
    return id;
  });
  const y = builder.add(op, ids, attrs as never, { id: 'y' });
  const { shape } = builder.values.get(y)!;
  const dy = builder.input({ shape, dtype: 'f32' }, { id: 'dy' });
  feeds.set(dy, normals(elements(shape), 99));
  const forward = builder.finish([y]);
  const grads = gradients(forward, builder, y, dy, ids);
  return { graph: builder.finish([y]), feeds, ids, grads, y, dy };
}

/** d sum(y dy) / dx by central differences. */
function numeric(graph: Graph, feeds: Feeds, y: ValueId, dy: ValueId, x: ValueId): Float64Array {
  const weights = feeds.get(dy)!;
  const at = (i: number, delta: number): number => {
    const moved = Float64Array.from(feeds.get(x)!);
    moved[i]! += delta;
    const result = reference(graph, new Map(feeds).set(x, moved)).get(y)!;
    return result.reduce((sum, v, k) => sum + v * weights[k]!, 0);
  };
  return Float64Array.from(feeds.get(x)!, (_, i) => (at(i, step) - at(i, -step)) / (2 * step));
}

type Entry = [OpName, Case<OpName>[] | 'refused' | 'estimated'];

for (const [op, cases] of Object.entries(gradientCases) as Entry[]) {
  if (cases === 'estimated') continue;
  if (cases === 'refused') {
    test(`${op} has no gradient and says so`, () => {
      assert.equal(gradRules[op].refuses, true);
      const node = { op, inputs: ['x'], output: 'y', attrs: {} };
      assert.throws(
        () => gradRules[op](node as never, 'dy', {} as never),
        (error: unknown) => error instanceof UnsupportedError && error.message.includes(op),
      );
    });
    continue;
  }
  cases.forEach((example, n) => {
    test(`the gradient of ${op} equals finite differences (case ${n + 1})`, () => {
      const { graph, feeds, ids, grads, y, dy } = differentiate(op, example);
      const values = reference(graph, feeds);
      example.operands.forEach((operand, i) => {
        const grad = grads.get(ids[i]!);
        if (operand.constant) {
          assert.equal(grad, undefined);
          return;
        }
        const found = values.get(grad!)!;
        const expected = numeric(graph, feeds, y, dy, ids[i]!);
        const difference = largestDifference(found, expected);
        assert.ok(difference < tolerance, `operand ${i}: differs by ${difference}`);
        assert.ok(
          expected.some((v) => v !== 0),
          `operand ${i}: the case sees nothing`,
        );
      });
    });
  });
}

test('a value that is read twice gets the sum of its gradients', () => {
  const builder = buildGraph({ name: 'twice', stage: 'train' });
  const x = builder.input({ shape: [3], dtype: 'f32' });
  const square = builder.add('mul', [x, x], {});
  const y = builder.add('add', [square, x], {});
  const one = builder.constant({ shape: [3], dtype: 'f32' }, Float32Array.of(1, 1, 1));
  const forward = builder.finish([y]);
  const grads = gradients(forward, builder, y, one, [x]);
  const graph = builder.finish([grads.get(x)!]);
  const values = reference(graph, new Map([[x, [1, 2, -3]]]));
  assert.deepEqual([...values.get(grads.get(x)!)!], [3, 5, -5]);
});

test('nothing is computed for values that need no gradient', () => {
  const builder = buildGraph({ name: 'lean', stage: 'train' });
  const x = builder.input({ shape: [2, 3], dtype: 'f32' });
  const w = builder.input({ shape: [4, 3], dtype: 'f32' });
  const y = builder.add('dense', [x, w], {});
  const dy = builder.input({ shape: [2, 4], dtype: 'f32' });
  const forward = builder.finish([y]);
  const grads = gradients(forward, builder, y, dy, [w]);
  assert.deepEqual([...grads.keys()], [w]);
  assert.deepEqual(
    builder.finish([y]).nodes.map(({ op }) => op),
    ['dense', 'matmul'],
  );
});
