/**
 * The kernels' own exponential, logarithm and tangent over their whole range, infinities and NaN
 * included.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine } from '../../host/engine/engine.js';
import { buildGraph, type GraphBuilder } from '../../host/ir/build-graph.js';
import type { ValueId } from '../../host/ir/graph.js';
import { reference } from '../reference/reference.js';

/** Relative error: some units in the last place of float32. */
const tolerance = 4e-7;
/** Where results are that small, only gradual underflow is asked for. */
const tiny = 1.2e-38;

const engine = await createEngine();

/** -120 .. 120, denser around 0. */
const range = Float32Array.from({ length: 4001 }, (_, i) => ((i - 2000) / 2000) ** 3 * 120);

type Add = (g: GraphBuilder, x: ValueId) => ValueId;

const functions: Readonly<Record<string, Add>> = {
  tanh: (g, x) => g.add('tanh', [x], {}),
  sigmoid: (g, x) => g.add('sigmoid', [x], {}),
  softplus: (g, x) => g.add('softplus', [x], {}),
  elu: (g, x) => g.add('elu', [x], { alpha: 1 }),
  softsign: (g, x) => g.add('softsign', [x], {}),
};

function evaluate(add: Add, data: Float32Array) {
  const g = buildGraph({ name: 'g', stage: 'float' });
  const x = g.input({ shape: [data.length], dtype: 'f32' });
  const graph = g.finish([add(g, x)]);
  const program = engine.compile(graph);
  program.write(x, data);
  program.run();
  const [output] = graph.outputs as [ValueId];
  const expected = reference(graph, new Map([[x, data]])).get(output)!;
  return { got: program.read(output) as Float32Array, expected };
}

for (const [name, add] of Object.entries(functions)) {
  test(`${name} is exact to some units in the last place`, () => {
    const { got, expected } = evaluate(add, range);
    got.forEach((value, i) => {
      const error = Math.abs(value - expected[i]!);
      const allowed = Math.abs(expected[i]!) * tolerance + tiny;
      assert.ok(error <= allowed, `${name}(${range[i]}) is ${value}, expected ${expected[i]}`);
    });
  });
}

test('infinities have their limits, NaN stays NaN', () => {
  const data = Float32Array.of(-Infinity, Infinity, NaN);
  const limits = { tanh: [-1, 1], sigmoid: [0, 1], softplus: [0, Infinity], elu: [-1, Infinity] };
  for (const [name, [low, high]] of Object.entries(limits)) {
    const { got } = evaluate(functions[name]!, data);
    assert.deepEqual([...got], [low, high, NaN], name);
  }
});

test('the logarithm in the loss: a batch of one row, two classes', () => {
  const gaps = Array.from({ length: 401 }, (_, i) => (i - 200) / 2);
  for (const gap of gaps) {
    const g = buildGraph({ name: 'g', stage: 'train' });
    const x = g.constant({ shape: [1, 2], dtype: 'f32' }, Float32Array.of(gap, 0));
    const label = g.constant({ shape: [1], dtype: 's32' }, Int32Array.of(0));
    const graph = g.finish([g.add('softmaxCrossEntropy', [x, label], {})]);
    const program = engine.compile(graph);
    program.run();
    const got = program.read(graph.outputs[0]!)[0] as number;
    const expected = Math.max(-gap, 0) + Math.log1p(Math.exp(-Math.abs(gap)));
    // The sum of exponentials rounds to float32 before its logarithm is taken.
    assert.ok(Math.abs(got - expected) <= expected * tolerance + 1.2e-7, `${gap}: ${got}`);
  }
});
