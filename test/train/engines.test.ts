/**
 * A whole training run of LeNet-5 on each engine: the same loss after every step and the same
 * accuracy, within tolerances. Rounding differs between engines, and training multiplies the
 * difference, so the tolerance of the curve is wider than that of an operator.
 */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ToolchainError } from '../../host/core/errors.js';
import type { Dataset } from '../../host/data/dataset.js';
import { openDataset } from '../../host/data/open.js';
import { subset } from '../../host/data/split.js';
import { createEngine, type Engine, engineNames } from '../../host/engine/engine.js';
import { trainModel } from '../../host/train/train.js';
import lenet5 from '../../models/lenet5.js';
import { quick } from '../quick.js';

/** Difference of the mean loss of the epoch so far. */
const lossTolerance = 1e-4;
/** Difference of the accuracy on the test images: one of 200. */
const accuracyTolerance = 1 / 200;

const first = (dataset: Dataset, count: number): Dataset =>
  subset(
    dataset,
    Array.from({ length: count }, (_, i) => i),
  );

interface Run {
  /** After every step. */
  readonly losses: readonly number[];
  readonly accuracy: number;
}

/** One epoch of 50 steps. */
async function run(engine: Engine): Promise<Run> {
  const losses: number[] = [];
  const { testAccuracy } = await trainModel({
    model: lenet5,
    data: first(await openDataset('mnist', { split: 'train' }), 400),
    testData: first(await openDataset('mnist', { split: 'test' }), 200),
    epochs: 1,
    batch: 8,
    learningRate: 0.003,
    seed: 3,
    engine,
    onProgress: (event) => {
      if (event.kind === 'step') losses.push(event.loss);
    },
  });
  return { losses, accuracy: testAccuracy! };
}

let wasm: Run;
before(async () => {
  if (!quick) wasm = await run(await createEngine());
});

for (const name of engineNames.filter((engine) => engine !== 'wasm')) {
  test(`LeNet-5 trains on ${name} as on wasm`, {
    skip: quick && 'EDGE_NN_QUICK is set',
  }, async (t) => {
    const engine = await createEngine(name).catch((error: unknown) => {
      if (!(error instanceof ToolchainError)) throw error;
      t.skip(`${error.message}. ${error.hint}`);
    });
    if (!engine) return;
    const { losses, accuracy } = await run(engine);
    assert.equal(losses.length, 50);
    losses.forEach((loss, step) => {
      const expected = wasm.losses[step]!;
      assert.ok(Math.abs(loss - expected) <= lossTolerance, `step ${step}: ${loss}, ${expected}`);
    });
    const worst = Math.max(...losses.map((loss, i) => Math.abs(loss - wasm.losses[i]!)));
    t.diagnostic(`losses differ by at most ${worst.toExponential(1)}, accuracy ${accuracy}`);
    assert.ok(losses.at(-1)! < 0.8 * losses[0]!, 'it does not learn');
    assert.ok(wasm.accuracy > 0.5, `accuracy ${wasm.accuracy}`);
    assert.ok(Math.abs(accuracy - wasm.accuracy) <= accuracyTolerance, `accuracy ${accuracy}`);
  });
}
