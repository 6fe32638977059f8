import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elements } from '../../host/core/shape.js';
import { add, concat, leakyRelu, mul, sigmoid, tanh } from '../../host/front/elementwise.js';
import {
  avgPool2d,
  batchNorm,
  conv2d,
  dense,
  dropout,
  flatten,
  globalAvgPool2d,
  input,
  maxPool2d,
  separableConv2d,
} from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import { type Graph, getValue, type LossName, type ValueId } from '../../host/ir/graph.js';
import { losses } from '../../host/train/losses.js';
import { optimizerNames, resolveOptimizer } from '../../host/train/optimizers.js';
import { buildTrainGraph, type TrainGraph } from '../../host/train/train-graph.js';
import { reference } from '../reference/reference.js';
import { largestDifference, normals, uniforms } from './fixtures/numbers.js';

/** Branches, squeeze and excitation, a residual, statistics, dropout: all that gradients cross. */
const network = (loss: LossName): Graph =>
  model(
    'mixed',
    () => {
      const x = input([6, 6, 2]);
      let y = tanh(batchNorm(conv2d(x, 3, 3, { padding: 'same', useBias: false })));
      y = mul(y, sigmoid(dense(globalAvgPool2d(y), 3)));
      y = add(y, separableConv2d(y, 3, 3, { padding: 'same', multiplier: 2 }));
      y = concat([avgPool2d(y, 2), maxPool2d(leakyRelu(y), 2)]);
      return dense(dropout(flatten(y), 0.3), 4);
    },
    { loss },
  ).graph(2);

const batch = 3;

/** Inputs, targets, rate 1 and the dropout key. */
function feedsOf(train: TrainGraph, loss: LossName): Map<ValueId, ArrayLike<number>> {
  const count = (id: ValueId) => elements(getValue(train.graph, id).shape);
  const targets =
    losses[loss].target === 'class' ? [2, 0, 3] : uniforms(count(train.target), 8, 0, 1);
  return new Map<ValueId, ArrayLike<number>>([
    [train.input, normals(count(train.input), 7)],
    [train.target, targets],
    [train.rate, [1]],
    [train.key!, [1, 2, 3]],
  ]);
}

for (const loss of Object.keys(losses) as LossName[]) {
  test(`one step of descent on a whole network goes down the slope of ${loss}`, () => {
    const train = buildTrainGraph(network(loss), batch, resolveOptimizer('sgd'));
    const { graph } = train;
    const feeds = feedsOf(train, loss);
    const values = reference(graph, feeds);
    const lossAt = (id: ValueId, i: number, delta: number): number => {
      const moved = Float64Array.from(values.get(id)!);
      moved[i]! += delta;
      return reference(graph, new Map(feeds).set(id, moved)).get(train.loss)![0]!;
    };
    for (const id of train.weights.filter((w) => getValue(graph, w).trainable)) {
      const { update } = graph.states.find(({ value }) => value === id)!;
      const before = values.get(id)!;
      const after = values.get(update!)!;
      // A few elements of each parameter: the rules themselves have tests of their own.
      const picks = [0, Math.floor(before.length / 2), before.length - 1];
      const found = picks.map((i) => before[i]! - after[i]!);
      const h = 1e-5;
      const slopes = picks.map((i) => (lossAt(id, i, h) - lossAt(id, i, -h)) / (2 * h));
      const difference = largestDifference(found, slopes);
      assert.ok(difference < 1e-6, `${id}: ${found} is not ${slopes}`);
    }
  });
}

test('every optimizer updates every parameter, slot and statistic', () => {
  for (const name of optimizerNames) {
    const train = buildTrainGraph(network('softmaxCrossEntropy'), batch, resolveOptimizer(name));
    assert.ok(train.graph.states.every(({ update }) => update !== undefined));
    const parameters = train.weights.filter((id) => getValue(train.graph, id).trainable);
    assert.equal(train.slots.length % parameters.length, 0);
    assert.equal(train.graph.states.length, train.weights.length + train.slots.length);
    assert.ok(train.weights.includes('norm1.mean'));
  }
});

test('the training graph of a short batch has the same states, in the same order', () => {
  const ids = (n: number) =>
    buildTrainGraph(network('meanSquares'), n, resolveOptimizer('adam')).graph.states.map(
      ({ value }) => value,
    );
  assert.deepEqual(ids(3), ids(1));
});

test('a parameter that the loss does not see keeps its value', () => {
  const graph = model(
    'idle',
    () => {
      const x = input([3]);
      dense(x, 5, { name: 'aside' });
      return dense(x, 2);
    },
    { loss: 'softmaxCrossEntropy' },
  ).graph();
  const train = buildTrainGraph(graph, 2, resolveOptimizer('adam'));
  assert.deepEqual(train.weights, ['dense1.w', 'dense1.b']);
});
