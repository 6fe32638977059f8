import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BadInputError, type EdgeNnError, UsageError } from '../../host/core/errors.js';
import { batches } from '../../host/data/batches.js';
import type { Engine } from '../../host/engine/engine.js';
import { createEngine } from '../../host/engine/engine.js';
import { sigmoid, softmax } from '../../host/front/elementwise.js';
import { dense, flatten, input } from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import { print } from '../../host/ir/text.js';
import { loadCheckpoint, withData } from '../../host/train/checkpoint.js';
import type { TrainEvent } from '../../host/train/loop.js';
import { type TrainOptions, trainModel } from '../../host/train/train.js';
import { memoryDataset } from '../memory-dataset.js';
import { lineData, lineModel, shapesData, shapesModel } from './fixtures/data.js';
import { normals } from './fixtures/numbers.js';

let engine: Engine;
let folder = '';
let folders = 0;
before(async () => {
  engine = await createEngine();
  folder = mkdtempSync(join(tmpdir(), 'edge-nn-train-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const newFolder = (): string => join(folder, `run${folders++}`);

/** 100 examples in batches of 16: six full ones and a short one. */
const options = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  model: shapesModel(),
  data: shapesData(100, 1),
  testData: shapesData(40, 2),
  epochs: 2,
  batch: 16,
  seed: 5,
  engine,
  ...more,
});

const bytes = (out: string, name = 'last'): Buffer =>
  readFileSync(join(out, `${name}.safetensors`));

/** Trains until `stop` says so of a step, then aborts. */
function interrupted(more: Partial<TrainOptions>, stop: (step: number, epoch: number) => boolean) {
  const controller = new AbortController();
  const onProgress = (event: TrainEvent): void => {
    if (event.kind === 'step' && stop(event.step, event.epoch)) controller.abort();
  };
  return trainModel(options({ ...more, signal: controller.signal, onProgress }));
}

type ErrorKind = new (...args: never[]) => EdgeNnError;

const refuses = (promise: Promise<unknown>, kind: ErrorKind, message: RegExp) =>
  assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof kind, String(error));
    assert.match(error.message, message);
    assert.ok(error.hint.length > 10);
    return true;
  });

test('training learns, evaluates every epoch and keeps the best', async () => {
  const out = newFolder();
  const events: TrainEvent[] = [];
  const onProgress = (event: TrainEvent) => events.push(event);
  const result = await trainModel(options({ epochs: 8, learningRate: 0.01, out, onProgress }));
  assert.equal(result.epochs, 8);
  assert.equal(result.aborted, false);
  assert.ok(result.trainLoss! < 0.5 * result.history[0]!.trainLoss);
  assert.ok(result.testAccuracy! > 0.9, `accuracy ${result.testAccuracy}`);
  assert.equal(result.checkpoint, join(out, 'best.safetensors'));
  assert.deepEqual(readdirSync(out).sort(), ['best.safetensors', 'last.safetensors']);
  assert.equal(events.filter(({ kind }) => kind === 'step').length, 8 * 7);
  assert.equal(events.filter(({ kind }) => kind === 'epoch').length, 8);
  const best = Math.max(...result.history.map(({ testAccuracy }) => testAccuracy!));
  assert.equal(result.testAccuracy, best);
  const saved = loadCheckpoint(bytes(out, 'best'));
  assert.equal(saved.progress.history.at(-1)!.testAccuracy, best);
});

test('a checkpoint holds the trained float graph', async () => {
  const out = newFolder();
  const { graph } = await trainModel(options({ epochs: 1, out }));
  const saved = loadCheckpoint(bytes(out));
  assert.equal(print(saved.graph), print(graph));
  assert.equal(saved.graph.stage, 'float');
  assert.deepEqual(saved.graph.labels, ['top', 'left', 'centre']);
  assert.notDeepEqual(saved.graph.data.get('norm1.mean'), new Float32Array(4));
});

test('the same seed gives the same bytes, another seed others', async () => {
  const outs = [newFolder(), newFolder(), newFolder()];
  for (const [i, out] of outs.entries()) await trainModel(options({ out, seed: i < 2 ? 5 : 6 }));
  assert.ok(bytes(outs[0]!).equals(bytes(outs[1]!)));
  assert.ok(!bytes(outs[0]!).equals(bytes(outs[2]!)));
});

for (const [optimizer, what, step, epoch] of [
  ['adam', 'in the middle of an epoch', 3, 2],
  ['adam', 'after the short batch', 7, 1],
  ['adam', 'at the first step', 1, 1],
  ['momentum', 'in the middle of an epoch', 3, 2],
  ['sgd', 'before the short batch', 6, 1],
  ['adamw', 'in the middle of an epoch', 2, 2],
  ['rmspropMomentum', 'after the short batch', 7, 1],
  ['adadelta', 'at the first step', 1, 1],
] as const) {
  test(`${optimizer}, stopped ${what} and resumed: bit-identical files`, async () => {
    const [whole, parts] = [newFolder(), newFolder()];
    await trainModel(options({ optimizer, out: whole }));
    const stop = (s: number, e: number) => s === step && e === epoch;
    const first = await interrupted({ optimizer, out: parts }, stop);
    assert.equal(first.aborted, true);
    assert.ok(!bytes(whole).equals(bytes(parts)));
    const second = await trainModel(options({ optimizer, out: parts, resume: true }));
    assert.equal(second.aborted, false);
    assert.ok(bytes(whole).equals(bytes(parts)));
    assert.ok(bytes(whole, 'best').equals(bytes(parts, 'best')));
  });
}

test('a training can be prolonged', async () => {
  const [whole, parts] = [newFolder(), newFolder()];
  await trainModel(options({ epochs: 3, out: whole }));
  await trainModel(options({ epochs: 1, out: parts }));
  const result = await trainModel(options({ epochs: 3, out: parts, resume: true }));
  assert.equal(result.history.length, 3);
  assert.ok(bytes(whole).equals(bytes(parts)));
});

test('resuming a finished training changes nothing and reports its result', async () => {
  const out = newFolder();
  const first = await trainModel(options({ out }));
  const before = bytes(out);
  const second = await trainModel(options({ out, resume: true }));
  assert.ok(before.equals(bytes(out)));
  assert.equal(second.testAccuracy, first.testAccuracy);
  assert.equal(second.trainLoss, first.trainLoss);
  assert.equal(second.checkpoint, first.checkpoint);
});

test('checkpoints every N steps', async () => {
  const out = newFolder();
  let seen = 0;
  const onProgress = (event: TrainEvent): void => {
    if (event.kind === 'step' && event.epoch === 1 && event.step === 5) {
      seen = loadCheckpoint(bytes(out)).progress.step;
    }
  };
  await trainModel(options({ out, checkpointEvery: 2, onProgress }));
  assert.equal(seen, 4);
});

test('refuses to resume what differs, naming it', async () => {
  const out = newFolder();
  await trainModel(options({ epochs: 1, out }));
  const wider = model('shapes', () => dense(flatten(input([8, 8, 1])), 3), {
    loss: 'softmaxCrossEntropy',
  });
  const changed: [Partial<TrainOptions>, RegExp][] = [
    [{ seed: 6 }, /seed \(was 5, is 6\)/],
    [{ batch: 8 }, /batch \(was 16, is 8\)/],
    [{ optimizer: 'sgd' }, /optimizer \(was .*adam.*, is .*sgd/],
    [{ learningRate: 0.5 }, /learningRate/],
    [{ schedule: 'step' }, /schedule \(was .*restarts.*, is .*step/],
    [{ clipNorm: 1 }, /optimizer \(.*clipNorm/],
    [{ labelSmoothing: 0.1 }, /labelSmoothing \(was 0, is 0.1\)/],
    [{ patience: 3 }, /patience \(was null, is 3\)/],
    [{ data: shapesData(100, 3) }, /data \(was/],
    [{ testData: shapesData(40, 4) }, /testData \(was/],
    [{ model: wider }, /graph \(/],
    [{ engine: { ...engine, variant: 'other' } }, /engine .*other/],
  ];
  for (const [more, message] of changed) {
    await refuses(trainModel(options({ ...more, out, resume: true })), UsageError, message);
  }
});

test('a run of another variant names the engine that goes on with it', async () => {
  const out = newFolder();
  await trainModel(options({ epochs: 1, out }));
  const elsewhere = { ...engine, name: 'native', variant: 'native-avx2' } as const;
  await assert.rejects(
    trainModel(options({ engine: elsewhere, out, resume: true })),
    ({ hint }: UsageError) => hint.includes(`--engine ${engine.variant.replace('-', ':')} `),
  );
});

test('refuses to resume what is not there, or no checkpoint', async () => {
  const out = newFolder();
  const resume = options({ out, resume: true });
  await refuses(trainModel(resume), UsageError, /does not exist/);
  mkdirSync(out);
  writeFileSync(join(out, 'last.safetensors'), 'no tensors');
  await refuses(trainModel(resume), BadInputError, /safetensors: the header/);
});

test('a changed tensor in a checkpoint is noticed, of the weights and of the optimizer', async () => {
  const out = newFolder();
  await trainModel(options({ epochs: 1, out }));
  const whole = bytes(out);
  const data = 8 + Number(whole.readBigUInt64LE());
  for (const at of [data + 2, whole.length - 2]) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 0x40;
    assert.throws(
      () => loadCheckpoint(damaged, 'x'),
      /x: tensor '.*' is not the one that was saved/,
    );
  }
});

test('a loss that is no longer finite stops the training, with a hint', async () => {
  const promise = trainModel(
    options({
      model: lineModel('meanSquares'),
      ...{ data: lineData(64), testData: undefined },
      ...{ optimizer: 'sgd', learningRate: 1e6 },
    }),
  );
  await refuses(promise, BadInputError, /loss became (NaN|Infinity) in epoch \d, step \d/);
});

test('refuses data and options that do not fit, before training', async () => {
  const sized = (units: number, shape: number[] = [8, 8, 1]) =>
    model('m', () => dense(flatten(input(shape)), units), { loss: 'softmaxCrossEntropy' });
  const cases: [Partial<TrainOptions>, ErrorKind, RegExp][] = [
    [{ model: sized(2) }, BadInputError, /class number 2, the model has 2 outputs/],
    [{ model: sized(3, [8, 9, 1]) }, BadInputError, /\[8,8,1\].*\[8,9,1\]/],
    [{ model: shapesModel({}) }, BadInputError, /has no loss/],
    [{ model: lineModel('meanSquares') }, BadInputError, /\[8,8,1\].*\[2\]/],
    [{ data: lineData(9) }, BadInputError, /\[2\].*\[8,8,1\]/],
    [{ epochs: 0 }, UsageError, /epochs/],
    [{ batch: 1.5 }, UsageError, /batch/],
    [{ learningRate: -1 }, UsageError, /learning rate/],
    [{ optimizer: 'sdg' }, UsageError, /no optimizer sdg/],
    [{ hyper: { momentum: 0.9 } }, UsageError, /adam has no momentum/],
    [{ schedule: 'linear' }, UsageError, /no learning-rate schedule linear/],
  ];
  for (const [more, kind, message] of cases) {
    await refuses(trainModel(options(more)), kind, message);
  }
});

test('an output path that is a file is refused before training', async () => {
  const out = newFolder();
  writeFileSync(out, '');
  const events: TrainEvent[] = [];
  const onProgress = (event: TrainEvent) => events.push(event);
  await refuses(trainModel(options({ out, onProgress })), UsageError, /cannot write/);
  assert.equal(events.length, 0);
});

for (const loss of ['meanSquares', 'sumSquares'] as const) {
  test(`${loss} fits a line`, async () => {
    const result = await trainModel({
      ...{ model: lineModel(loss), data: lineData(64), batch: 16, epochs: 40, engine },
      ...{ optimizer: 'sgd', learningRate: loss === 'meanSquares' ? 0.1 : 0.005 },
      schedule: 'constant',
    });
    const [a, b] = result.graph.data.get('dense1.w') as Float32Array;
    assert.ok(Math.abs(a! - 2) < 1e-3 && Math.abs(b! + 1) < 1e-3, `${a}, ${b}`);
    assert.equal(result.testAccuracy, null);
  });
}

test('sigmoid cross-entropy learns classes by one-hot targets', async () => {
  const result = await trainModel(
    options({ model: shapesModel({ loss: 'sigmoidCrossEntropy' }), epochs: 8, learningRate: 0.01 }),
  );
  assert.ok(result.testAccuracy! > 0.9, `accuracy ${result.testAccuracy}`);
});

for (const [what, activation, limit] of [
  ['logits', undefined, 0],
  ['probabilities', sigmoid, 0.5],
] as const) {
  test(`sigmoid cross-entropy of several labels, from ${what}: the part of them that is right`, async () => {
    const count = 40;
    const x = Float32Array.from(normals(2 * count, 8));
    const y = Float32Array.from(x, (v) => Number(v > 0));
    const data = memoryDataset({
      ...{ name: 'signs', target: 'values' },
      inputs: { file: 'signs-x', shape: [count, 2], data: x },
      targets: { file: 'signs-y', shape: [count, 2], data: y },
    });
    const signs = model(
      'signs',
      () => {
        const logits = dense(input([2]), 2, { name: 'd' });
        return activation ? activation(logits) : logits;
      },
      { loss: 'sigmoidCrossEntropy' },
    );
    const training = { model: signs, data, testData: data, epochs: 1, learningRate: 0.05 };
    const { graph, history } = await trainModel(options(training));
    const [w, b] = ['d.w', 'd.b'].map((id) => graph.data.get(id) as Float32Array);
    const isRight = (target: number, i: number) => {
      const at = 2 * (i >> 1);
      const k = 2 * (i % 2);
      const logit = w![k]! * x[at]! + w![k + 1]! * x[at + 1]! + b![i % 2]!;
      const output = activation ? 1 / (1 + Math.exp(-logit)) : logit;
      return output > limit === target > 0.5;
    };
    const right = [...y].filter(isRight).length;
    assert.equal(history[0]!.testAccuracy, right / y.length);
    const { testAccuracy } = await trainModel(options({ ...training, epochs: 40 }));
    assert.ok(testAccuracy! > 0.9, `accuracy ${testAccuracy}`);
  });
}

test('a last softmax or sigmoid is part of its loss, so it is not applied twice', async () => {
  const head = {
    softmax: [softmax, 'softmaxCrossEntropy'],
    sigmoid: [sigmoid, 'sigmoidCrossEntropy'],
  } as const;
  for (const [activation, loss] of Object.values(head)) {
    const logits = (last: typeof softmax | undefined) =>
      model(
        'm',
        () => {
          const y = dense(flatten(input([8, 8, 1])), 3);
          return last ? last(y) : y;
        },
        { loss },
      );
    const results = [];
    for (const last of [undefined, activation]) {
      results.push(await trainModel(options({ model: logits(last) })));
    }
    assert.deepEqual(results[0]!.history, results[1]!.history);
  }
});

const descents = { 'full-batch': 6, 'mini-batch': 4, stochastic: 1 };
for (const [name, batch] of Object.entries(descents)) {
  test(`${name} descent on a linear model follows the formula`, async () => {
    const x = [1, 2, 3, 4, 5, 6];
    const y = [3, 4, 7, 8, 11, 14];
    const data = memoryDataset({
      ...{ name: 'fit', target: 'values' },
      inputs: { file: 'x', shape: [6, 1], data: Float32Array.from(x) },
      targets: { file: 'y', shape: [6, 1], data: Float32Array.from(y) },
    });
    const start = model('fit', () => dense(input([1]), 1), { loss: 'sumSquares' }).graph();
    const ones = new Map([
      ['dense1.w', Float32Array.of(1)],
      ['dense1.b', Float32Array.of(1)],
    ]);
    const result = await trainModel({
      ...{ model: { graph: () => withData(start, ones) }, data, engine, batch, epochs: 60 },
      ...{ optimizer: 'sgd', learningRate: 0.005, schedule: 'constant', seed: 9 },
    });
    let [w, b] = [1, 1];
    for (let epoch = 0; epoch < 60; epoch++) {
      for (const indices of batches(6, batch, { seed: 9, epoch })) {
        const errors = [...indices].map((i) => [w * x[i]! + b - y[i]!, x[i]!] as const);
        w -= 0.005 * 2 * errors.reduce((sum, [error, v]) => sum + error * v, 0);
        b -= 0.005 * 2 * errors.reduce((sum, [error]) => sum + error, 0);
      }
    }
    assert.ok(Math.abs((result.graph.data.get('dense1.w') as Float32Array)[0]! - w) < 1e-4);
    assert.ok(Math.abs((result.graph.data.get('dense1.b') as Float32Array)[0]! - b) < 1e-4);
  });
}
