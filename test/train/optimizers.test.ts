/** Schedules, clipping, weight decay, label smoothing and early stopping against their formulas. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../host/core/errors.js';
import { createEngine } from '../../host/engine/engine.js';
import { dense, input } from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import type { ValueId } from '../../host/ir/graph.js';
import { targetsOf } from '../../host/train/losses.js';
import {
  type OptimizerName,
  optimizerNames,
  type Regularization,
  resolveOptimizer,
} from '../../host/train/optimizers.js';
import { rateFactor, resolveSchedule } from '../../host/train/schedules.js';
import { type TrainOptions, trainModel } from '../../host/train/train.js';
import { buildTrainGraph } from '../../host/train/train-graph.js';
import { reference } from '../reference/reference.js';
import { lineData, lineModel, shapesData, shapesModel } from './fixtures/data.js';

const engine = await createEngine();

const close = (found: ArrayLike<number>, expected: readonly number[], tolerance = 1e-9) =>
  expected.forEach((value, i) => {
    assert.ok(Math.abs(found[i]! - value) <= tolerance, `${i}: ${found[i]}, expected ${value}`);
  });

test('schedules over time', () => {
  const at = (name: string, options: object, times: readonly number[]) =>
    times.map((time) => rateFactor(resolveSchedule(name, 10, options), time, 0.1));
  close(at('constant', {}, [0, 3, 9.9]), [1, 1, 1]);
  close(at('step', { decay: 0.1, period: 2 }, [0, 1.9, 2, 4]), [1, 1, 0.1, 0.01]);
  close(at('exponential', { decay: 0.25 }, [0, 0.5, 1, 2]), [1, 0.5, 0.25, 0.0625]);
  close(at('cosine', {}, [0, 5, 10, 12]), [1, 0.5, 0, 0]);
  close(at('restarts', {}, [0, 0.5, 1, 1.5]), [1, 0.5, 1, 0.5]);
  close(at('inverse', {}, [0, 1, 3]), [1, 0.5, 0.25]);
});

test('a warm-up rises to the full rate with its last step, then the schedule begins', () => {
  const schedule = resolveSchedule('cosine', 6, { warmup: 2 });
  const at = (time: number) => rateFactor(schedule, time, 0.5);
  close([0, 0.5, 1, 1.5].map(at), [0.25, 0.5, 0.75, 1]);
  close([2, 4, 6].map(at), [1, 0.5, 0]);
});

/** One step of a line y = w x on one example; the gradient is known. */
function oneStep(name: OptimizerName, regularization: Regularization) {
  const graph = model('m', () => dense(input([2]), 1, { useBias: false }), {
    loss: 'sumSquares',
  }).graph();
  const train = buildTrainGraph(graph, 1, resolveOptimizer(name, {}, regularization));
  const [w] = train.weights as [ValueId];
  const feeds = new Map<ValueId, ArrayLike<number>>([
    [w, [1, -2]],
    [train.input, [3, 1]],
    [train.target, [-1]],
    [train.rate, [0.5]],
    ...(train.decay ? [[train.decay, [0.25]] as const] : []),
  ]);
  const { update } = train.graph.states.find(({ value }) => value === w)!;
  return reference(train.graph, feeds).get(update!)!;
}

test('gradients are clipped by their norm, and only when it is larger', () => {
  // y = 1, so dw = 2 (y - target) x = [12, 4] of the norm sqrt 160.
  const norm = Math.sqrt(160);
  close(oneStep('sgd', {}), [1 - 6, -2 - 2]);
  close(oneStep('sgd', { clipNorm: 2 }), [1 - 12 / norm, -2 - 4 / norm]);
  close(oneStep('sgd', { clipNorm: 100 }), [1 - 6, -2 - 2]);
});

test('weight decay is added to the gradient; adamw takes it from the parameter', () => {
  close(oneStep('sgd', { weightDecay: 0.1 }), [1 - 0.5 * 12.1, -2 - 0.5 * 3.8], 1e-6);
  const adam = oneStep('adam', {});
  close(oneStep('adamw', { weightDecay: 0.5 }), [adam[0]! - 0.25, adam[1]! + 0.5]);
});

test('smoothed labels', () => {
  const data = shapesData(2, 1);
  const [first, second] = data.labels([0, 1]);
  const rows = targetsOf('softmaxCrossEntropy', data, [0, 1], 3, 0.3);
  const expected = [first, second].flatMap((label) =>
    [0, 1, 2].map((k) => (k === label ? 0.8 : 0.1)),
  );
  close(rows as Float32Array, expected, 1e-6);
  const bits = targetsOf('sigmoidCrossEntropy', data, [0], 3, 0.2);
  close(
    bits as Float32Array,
    [0, 1, 2].map((k) => (k === first ? 0.9 : 0.1)),
    1e-6,
  );
});

const options = (more: Partial<TrainOptions>): TrainOptions => ({
  ...{ model: shapesModel(), data: shapesData(100, 1), testData: shapesData(40, 2) },
  ...{ epochs: 6, batch: 20, seed: 5, engine },
  ...more,
});

for (const optimizer of optimizerNames) {
  test(`${optimizer} learns with its own learning rate`, async () => {
    const { history } = await trainModel(options({ optimizer, testData: undefined, batch: 10 }));
    const [first, last] = [history[0]!.trainLoss, history.at(-1)!.trainLoss];
    assert.ok(last < 0.6 * first, `loss ${first} -> ${last}`);
  });
}

test('with smoothed labels, clipping and decay a network still learns', async () => {
  const result = await trainModel(
    options({
      ...{ optimizer: 'adamw', learningRate: 0.01, labelSmoothing: 0.1, clipNorm: 1 },
      ...{ schedule: 'cosine', warmup: 1 },
    }),
  );
  assert.ok(result.testAccuracy! > 0.8, `accuracy ${result.testAccuracy}`);
});

test('a training without progress ends early', async () => {
  // A rate this small changes no float32 parameter, so no epoch is better than the first.
  const still = { optimizer: 'sgd', learningRate: 1e-30, schedule: 'constant', patience: 2 };
  const plain = model('m', () => dense(input([2]), 1), { loss: 'meanSquares' });
  const data = lineData(64);
  const result = await trainModel(
    options({ model: plain, data, testData: lineData(16), ...still }),
  );
  assert.equal(result.epochs, 3);
  assert.equal(result.aborted, false);
});

test('refuses numbers that make no sense, before training', async () => {
  const wrong: Partial<TrainOptions>[] = [
    { clipNorm: 0 },
    { weightDecay: -1 },
    { labelSmoothing: 1 },
    { patience: 0 },
    { warmup: -1 },
    { schedule: 'cosine', warmup: 6 },
    { schedule: 'step', rateDecay: 2 },
    { schedule: 'step', ratePeriod: 0 },
    { schedule: 'constant', rateDecay: 0.5 },
    {
      ...{ model: lineModel('meanSquares'), data: lineData(8), testData: undefined },
      labelSmoothing: 0.1,
    },
  ];
  for (const more of wrong) {
    await assert.rejects(
      trainModel(options(more)),
      (error) => error instanceof UsageError && error.hint.length > 10,
    );
  }
});
