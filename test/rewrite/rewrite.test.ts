import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elements } from '../../host/core/shape.js';
import { constant, matmul, stack } from '../../host/front/arrays.js';
import { add, concat, relu, softmax } from '../../host/front/elementwise.js';
import {
  batchNorm,
  conv2d,
  dense,
  depthwiseConv2d,
  dropout,
  flatten,
  globalAvgPool2d,
  input,
  maxPool2d,
  reshape,
} from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import type { Tensor } from '../../host/front/tensor.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import type { Graph } from '../../host/ir/graph.js';
import { print } from '../../host/ir/text.js';
import { deadCode } from '../../host/rewrite/dead-code.js';
import { foldBatchNorm } from '../../host/rewrite/fold-batch-norm.js';
import { forInference } from '../../host/rewrite/for-inference.js';
import { forTraining } from '../../host/rewrite/for-training.js';
import { batchOf, rebatch } from '../../host/rewrite/rebatch.js';
import { reference } from '../reference/reference.js';
import { largestDifference, normals, uniforms } from '../train/fixtures/numbers.js';

/** A graph with statistics and parameters as if it had been trained. */
function trained(build: (x: Tensor) => Tensor, shape: readonly number[] = [6, 5, 3]): Graph {
  const graph = model('m', () => build(input(shape))).graph(3);
  const data = new Map(graph.data);
  let seed = 10;
  for (const [id, old] of graph.data) {
    seed++;
    if (/variance$/.test(id)) data.set(id, Float32Array.from(uniforms(old.length, seed, 0.3, 3)));
    else if (/(mean|beta|gamma|\.b)$/.test(id)) {
      data.set(id, Float32Array.from(normals(old.length, seed)));
    }
  }
  return { ...graph, data };
}

const feed = (graph: Graph, seed = 5): Map<string, Float64Array> =>
  new Map(
    graph.inputs.map((id) => [id, normals(elements(graph.values.get(id)!.shape), seed)] as const),
  );

const outputs = (graph: Graph, feeds: ReadonlyMap<string, ArrayLike<number>>): Float64Array =>
  reference(graph, feeds).get(graph.outputs[0]!)!;

/** Both graphs compute the same; folding rounds parameters to float32 once. */
function assertSame(a: Graph, b: Graph, tolerance = 1e-6): void {
  const feeds = feed(a);
  const difference = largestDifference(outputs(a, feeds), outputs(b, feeds));
  assert.ok(difference <= tolerance, `differs by ${difference}`);
}

const opsOf = (graph: Graph): string[] => graph.nodes.map(({ op }) => op);

const network = (x: Tensor): Tensor => {
  const y = relu(batchNorm(conv2d(x, 4, 3, { padding: 'same' })));
  const z = concat([maxPool2d(y, 2), maxPool2d(relu(depthwiseConv2d(y, 1)), 2)]);
  const head = add(globalAvgPool2d(z), dense(flatten(z), 8));
  return softmax(dense(dropout(reshape(head, [8]), 0.5), 3));
};

test('rebatch: a batch gives what its examples give one by one', () => {
  const graph = forInference(trained(network));
  const three = rebatch(graph, 3);
  assert.equal(batchOf(three), 3);
  const [id] = graph.inputs;
  const examples = [1, 2, 3].map((seed) => normals(90, seed));
  const all = Float64Array.from(examples.flatMap((x) => [...x]));
  const together = outputs(three, new Map([[id!, all]]));
  const single = examples.flatMap((x) => [...outputs(graph, new Map([[id!, x]]))]);
  assert.ok(largestDifference(together, single) < 1e-12);
});

test('rebatch repeats constants beside values that have a batch', () => {
  const graph = model('m', () => {
    const x = input([2, 3]);
    const one = constant(x, [1, 3], [7, 8, 9]);
    const turn = constant(x, [3, 2], [1, 2, 3, 4, 5, 6]);
    const y = matmul(concat([x, one], { axis: 0 }), turn);
    return stack([y, constant(x, [3, 2], [0, 1, 2, 3, 4, 5])]);
  }).graph();
  const three = rebatch(graph, 3);
  const examples = [1, 2, 3].map((seed) => normals(6, seed));
  const all = Float64Array.from(examples.flatMap((x) => [...x]));
  const together = outputs(three, new Map([[graph.inputs[0]!, all]]));
  const single = examples.flatMap((x) => [...outputs(graph, new Map([[graph.inputs[0]!, x]]))]);
  assert.deepEqual([...together], single);
  assert.equal(print(rebatch(three, 1)), print(graph));
});

test('rebatch back to 1 gives the same graph', () => {
  const graph = trained(network);
  assert.equal(print(rebatch(rebatch(graph, 7), 1)), print(graph));
});

test('forInference removes dropout and freezes statistics, and keeps the meaning', () => {
  const graph = trained(network);
  const inference = forInference(graph);
  assert.ok(!opsOf(inference).includes('dropout'));
  assert.equal(inference.states.length, 0);
  assert.equal(inference.values.get('norm1.mean')?.kind, 'const');
  assertSame(graph, inference, 0);
});

test('forInference keeps states that the graph updates itself', () => {
  const builder = buildGraph({ name: 'stream', stage: 'float' });
  const x = builder.input({ shape: [1, 2], dtype: 'f32' });
  const last = builder.state({ shape: [1, 2], dtype: 'f32' }, new Float32Array(2), { id: 'last' });
  const y = builder.add('sub', [x, last], {});
  builder.update(last, x);
  const graph = forInference(builder.finish([y]));
  assert.deepEqual(graph.states, [{ value: 'last', update: x }]);
});

const folds: Record<string, [(x: Tensor) => Tensor, string[]]> = {
  'a convolution': [(x) => batchNorm(conv2d(x, 4, 3)), ['conv2d']],
  'a convolution without bias': [(x) => batchNorm(conv2d(x, 4, 3, { useBias: false })), ['conv2d']],
  'a depthwise convolution': [
    (x) => batchNorm(depthwiseConv2d(x, 3, { multiplier: 2 })),
    ['depthwiseConv2d'],
  ],
  'a dense layer': [(x) => batchNorm(dense(flatten(x), 7)), ['reshape', 'dense']],
  'two in a row': [(x) => batchNorm(batchNorm(conv2d(x, 4, 3))), ['conv2d', 'mul', 'add']],
  'nothing: it comes first': [(x) => relu(batchNorm(x)), ['mul', 'add', 'relu']],
  'nothing: its input is read elsewhere': [
    (x) => {
      const y = conv2d(x, 4, 3);
      return add(batchNorm(y), y);
    },
    ['conv2d', 'mul', 'add', 'add'],
  ],
};

for (const [what, [build, expected]] of Object.entries(folds)) {
  test(`foldBatchNorm into ${what}`, () => {
    const graph = forInference(trained(build));
    const folded = foldBatchNorm(graph);
    assert.deepEqual(opsOf(folded), expected);
    assertSame(graph, folded);
    assert.deepEqual(folded.outputs, graph.outputs);
  });
}

test('foldBatchNorm leaves statistics that are still states', () => {
  const graph = trained((x) => batchNorm(conv2d(x, 4, 3)));
  assert.deepEqual(opsOf(foldBatchNorm(graph)), ['conv2d', 'batchNorm']);
});

test('deadCode removes unread nodes with their parameters, and keeps states with an update', () => {
  const builder = buildGraph({ name: 'dead', stage: 'train' });
  const type = { shape: [2], dtype: 'f32' } as const;
  const x = builder.input(type, { id: 'x' });
  const unread = builder.constant(type, new Float32Array(2), { id: 'unread' });
  builder.add('mul', [x, unread], {}, { id: 'lost' });
  const count = builder.state(type, new Float32Array(2), { id: 'count' });
  builder.state(type, new Float32Array(2), { id: 'idle' });
  builder.update(count, builder.add('ema', [count, x], { decay: 0.5 }, { id: 'next' }));
  const graph = deadCode(builder.finish([builder.add('relu', [x], {}, { id: 'y' })]));
  assert.deepEqual([...graph.values.keys()].sort(), ['count', 'next', 'x', 'y']);
  assert.deepEqual(graph.states, [{ value: 'count', update: 'next' }]);
});

test('forTraining normalizes by the statistics of the batch, and moves the averages', () => {
  const graph = rebatch(
    trained((x) => batchNorm(x), [3]),
    4,
  );
  const { graph: training, key } = forTraining(graph, { momentum: 0.75 });
  assert.equal(key, undefined);
  const x = Float64Array.from([1, 2, 3, 3, 2, 1, 5, 0, 1, -1, 4, 3]);
  const values = reference(training, new Map([[training.inputs[0]!, x]]));
  const parameter = (name: string, c: number) => Number(graph.data.get(`norm1.${name}`)![c]);
  for (let c = 0; c < 3; c++) {
    const column = [0, 1, 2, 3].map((n) => x[3 * n + c]!);
    const mean = column.reduce((a, b) => a + b) / 4;
    const variance = column.reduce((a, b) => a + (b - mean) ** 2, 0) / 4;
    const scale = parameter('gamma', c) / Math.sqrt(variance + Math.fround(1e-3));
    const y = column.map((v) => scale * (v - mean) + parameter('beta', c));
    const found = [0, 1, 2, 3].map((n) => values.get('norm1')![3 * n + c]!);
    assert.ok(largestDifference(found, y) < 1e-9);
    const moved = (name: string, batch: number) => {
      const { update } = training.states.find(({ value }) => value === `norm1.${name}`)!;
      const expected = 0.75 * parameter(name, c) + 0.25 * batch;
      assert.ok(Math.abs(values.get(update!)![c]! - expected) < 1e-9);
    };
    moved('mean', mean);
    moved('variance', variance);
  }
});

test('forTraining: parameters become states, every dropout draws from its own stream', () => {
  const build = (x: Tensor) => dropout(dense(dropout(x, 0.5), 4), 0.25);
  const { graph, key } = forTraining(trained(build, [3]));
  assert.equal(graph.stage, 'train');
  assert.deepEqual(
    graph.states.map(({ value }) => value),
    ['dense1.w', 'dense1.b'],
  );
  assert.deepEqual(graph.values.get(key!)?.shape, [3]);
  const masks = graph.nodes.filter(({ op }) => op === 'dropoutMask');
  assert.deepEqual(
    masks.map(({ attrs }) => attrs),
    [
      { rate: 0.5, stream: 0 },
      { rate: 0.25, stream: 1 },
    ],
  );
});
