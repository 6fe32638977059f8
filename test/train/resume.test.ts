/**
 * A run that is stopped and resumed, over and over and on another number of threads, ends with the
 * bytes of one that was not: for every optimizer, with a schedule, warm-up, clipping, weight decay,
 * smoothed labels, augmentation, dropout and early stopping.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { augmented } from '../../host/data/augment.js';
import { createEngine } from '../../host/engine/engine.js';
import type { TrainEvent } from '../../host/train/loop.js';
import { optimizerNames } from '../../host/train/optimizers.js';
import { scheduleNames } from '../../host/train/schedules.js';
import { type TrainOptions, trainModel } from '../../host/train/train.js';
import { shapesData, shapesModel } from './fixtures/data.js';

const folder = mkdtempSync(join(tmpdir(), 'edge-nn-resume-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const engine = await createEngine('wasm');
const twoThreads = await createEngine('wasm', { threads: 2 });
const threeThreads = await createEngine('wasm', { threads: 3 });

const files = (out: string): Buffer[] =>
  ['last', 'best'].map((name) => readFileSync(join(out, `${name}.safetensors`)));

/** 68 examples in batches of 16: four full ones and a short one. */
const options = (optimizer: string, more: Partial<TrainOptions>): TrainOptions => ({
  model: shapesModel(),
  data: augmented(shapesData(68, 1), { shift: [1, 2], flip: true, noise: 0.1, cutout: 2 }, 5),
  testData: shapesData(40, 2),
  ...{ epochs: 4, batch: 16, seed: 5, checkpointEvery: 2, optimizer, engine },
  ...{ clipNorm: 0.5, weightDecay: 0.01, labelSmoothing: 0.1, warmup: 1 },
  ...more,
});

/** Trains until the n-th step of this call, then stops. */
function stopped(n: number, training: TrainOptions) {
  const controller = new AbortController();
  let steps = 0;
  const onProgress = ({ kind }: TrainEvent): void => {
    if (kind === 'step' && ++steps === n) controller.abort();
  };
  return trainModel({ ...training, signal: controller.signal, onProgress });
}

for (const [i, optimizer] of optimizerNames.entries()) {
  const schedule = scheduleNames[i % scheduleNames.length]!;
  test(`${optimizer} with the schedule ${schedule}, stopped three times`, async () => {
    const [whole, parts] = ['whole', 'parts'].map((name) => join(folder, `${name}-${optimizer}`));
    await trainModel(options(optimizer, { schedule, out: whole! }));
    const part = options(optimizer, { schedule, out: parts! });
    await stopped(1 + i, part);
    await stopped(3, { ...part, resume: true, engine: twoThreads });
    await stopped(2, { ...part, resume: true, engine: threeThreads });
    const end = await trainModel({ ...part, resume: true });
    assert.equal(end.aborted, false);
    const [a, b] = [files(whole!), files(parts!)];
    assert.ok(a[0]!.equals(b[0]!), 'last differs');
    assert.ok(a[1]!.equals(b[1]!), 'best differs');
  });
}

test('early stopping counts the epochs before a resume, and a run that it ended stays ended', async () => {
  const [whole, parts] = ['whole', 'parts'].map((name) => join(folder, `${name}-early`));
  // So high a rate learns nothing: the first epoch is soon the best.
  const more = { epochs: 40, patience: 3, learningRate: 0.5, schedule: 'constant', warmup: 0 };
  const first = await trainModel(options('sgd', { ...more, out: whole! }));
  assert.ok(first.epochs < 40, `${first.epochs} epochs`);
  const part = options('sgd', { ...more, out: parts! });
  for (let epoch = 1; epoch < first.epochs; epoch++) {
    const { aborted } = await stopped(5, { ...part, resume: epoch > 1 });
    assert.equal(aborted, true);
  }
  assert.equal((await trainModel({ ...part, resume: true })).epochs, first.epochs);
  assert.deepEqual(files(parts!), files(whole!));
  await trainModel({ ...part, resume: true });
  assert.deepEqual(files(parts!), files(whole!));
});
