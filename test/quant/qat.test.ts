/**
 * Quantization-aware training end to end: the graph with fake quantization computes what the
 * exported integer graph computes, training recovers what 4-bit weights lose, normalization is
 * folded as the quantizer folds it, checkpoints carry the scales.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { UsageError } from '../../host/core/errors.js';
import { randomNormal } from '../../host/core/random.js';
import type { Dataset } from '../../host/data/dataset.js';
import { createEngine, type Engine } from '../../host/engine/engine.js';
import { add, concat, relu, relu6 } from '../../host/front/elementwise.js';
import {
  avgPool2d,
  batchNorm,
  conv2d,
  dense,
  depthwiseConv2d,
  dropout,
  flatten,
  input,
  maxPool2d,
} from '../../host/front/layers.js';
import { type Model, model } from '../../host/front/model.js';
import { type Graph, getValue } from '../../host/ir/graph.js';
import { qatGraph } from '../../host/quant/qat/graph.js';
import { planQat } from '../../host/quant/qat/plan.js';
import { createFakeQuantizer } from '../../host/quant/qat/qat.js';
import { quantizeModel } from '../../host/quant/quantize-model.js';
import { forInference } from '../../host/rewrite/for-inference.js';
import { rebatch } from '../../host/rewrite/rebatch.js';
import { loadCheckpoint } from '../../host/train/checkpoint.js';
import { type QatSetup, qatDefaults } from '../../host/train/qat-setup.js';
import { type TrainOptions, trainModel } from '../../host/train/train.js';
import { memoryDataset } from '../memory-dataset.js';
import { reference } from '../reference/reference.js';

let engine: Engine;
let folder = '';
before(async () => {
  engine = await createEngine();
  folder = mkdtempSync(join(tmpdir(), 'edge-nn-qat-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const classes = 6;

/** A pattern per class, seen through noise. */
function patterns(count: number, seed: number, noise = 1.1): Dataset {
  const size = 8 * 8;
  const normal = (purpose: number, i: number) =>
    randomNormal({ seed: purpose, purpose: 'test' }, i);
  const data = Float32Array.from({ length: count * size }, (_, i) => {
    const [example, at] = [Math.floor(i / size), i % size];
    return normal(1000 + (example % classes), at) + noise * normal(seed, i);
  });
  const labels = Uint8Array.from({ length: count }, (_, i) => i % classes);
  return memoryDataset({
    name: `patterns ${seed}`,
    inputs: { file: 'x', shape: [count, 8, 8, 1], data },
    targets: { file: 'y', shape: [count], data: labels },
  });
}

const same = { padding: 'same' } as const;
const plain = { ...same, useBias: false } as const;
const loss = { loss: 'softmaxCrossEntropy' } as const;

/** Every kind of step: layers with and without normalization, joins, pools, a residual sum. */
const network = (): Model =>
  model(
    'kinds',
    () => {
      const x = relu(batchNorm(conv2d(input([8, 8, 1]), 8, 3, plain)));
      const y = relu6(batchNorm(depthwiseConv2d(x, 3, same)));
      const z = batchNorm(conv2d(y, 8, 1, plain));
      const sum = dropout(relu(add(x, z)), 0.1);
      const both = concat([maxPool2d(sum, 2), avgPool2d(conv2d(sum, 4, 3, same), 2)]);
      return dense(relu(dense(flatten(both), 16)), classes);
    },
    loss,
  );

const setupOf = (more: Partial<QatSetup> = {}): QatSetup => ({
  scheme: 'int8',
  layers: {},
  ...qatDefaults,
  perAxisDense: false,
  ...more,
});

const quantizer = (setup: QatSetup, data: Dataset) =>
  createFakeQuantizer({ setup, data, engine, seed: 1 });

const options = (more: Partial<TrainOptions>): TrainOptions => ({
  model: network(),
  data: patterns(480, 1),
  testData: patterns(1000, 2),
  epochs: 3,
  batch: 32,
  seed: 3,
  learningRate: 0.004,
  engine,
  ...more,
});

const read = (out: string, name = 'last') => {
  const file = join(out, `${name}.safetensors`);
  return { file, bytes: readFileSync(file), checkpoint: loadCheckpoint(readFileSync(file), file) };
};

let floats = '';
/** The folder of a float training that all tests start from. */
async function floatRun(): Promise<string> {
  if (floats !== '') return floats;
  floats = join(folder, 'float');
  await trainModel(options({ out: floats }));
  return floats;
}

interface Case {
  readonly what: string;
  readonly setup: Partial<QatSetup>;
}

const cases: readonly Case[] = [
  { what: 'int8, learned', setup: {} },
  { what: 'int8, moving ranges', setup: { ranges: 'moving' } },
  { what: '4-bit weights, learned', setup: { scheme: 'int8w4' } },
  {
    what: '4-bit weights, moving ranges',
    setup: { scheme: 'int8w4', ranges: 'moving', freeze: 0 },
  },
  { what: 'int16 activations', setup: { scheme: 'int16x8', perAxisDense: true } },
  { what: 'int16 activations, moving ranges', setup: { scheme: 'int16x8', ranges: 'moving' } },
  { what: 'a layer of other types', setup: { layers: { conv2d1: 'int16x8' }, scheme: 'int8w4' } },
];

for (const { what, setup } of cases) {
  test(`the integer graph is the graph that was trained: ${what}`, async (t) => {
    const from = join(await floatRun(), 'last.safetensors');
    const out = join(folder, what.replaceAll(/\W/g, ''));
    const base = options({});
    const chosen = setupOf(setup);
    const trained = await trainModel({
      ...base,
      ...{ from, out, epochs: 2, quantizer: quantizer(chosen, base.data) },
    });
    const { graph, ranges } = read(out).checkpoint;
    const result = await quantizeModel({
      ...{ graph, data: base.data, testData: base.testData!, engine },
      trained: { setup: chosen, ranges },
    });
    t.diagnostic(
      `agreement ${result.trained!.agreement}, ${result.int8Accuracy} of float ${result.floatAccuracy}`,
    );
    assert.ok(result.trained!.agreement >= 0.999, `agreement ${result.trained!.agreement}`);
    assert.ok(trained.history.at(-1)!.testAccuracy! > 0.8, 'it does not learn');
    // What an epoch reports is what the quantized model scores.
    assert.ok(Math.abs(trained.history.at(-1)!.testAccuracy! - result.int8Accuracy!) <= 0.002);
    const recalibrated = await quantizeModel({
      graph,
      data: base.data,
      testData: base.testData!,
      engine,
    });
    assert.equal(recalibrated.trained, null);
  });
}

test('normalization folds in the graph as the quantizer folds it', async () => {
  const { checkpoint } = read(await floatRun());
  const data = patterns(32, 4);
  const setup = setupOf({ scheme: 'int16x8', perAxisDense: true });
  const ranges = await quantizer(setup, data).start(checkpoint.graph);
  const plan = planQat(checkpoint.graph, setup);
  const fake = qatGraph(plan, ranges, { phase: 'frozen' });
  const values = reference(fake, new Map([[fake.inputs[0]!, data.inputs([0])]]));
  const producer = (id: string) => fake.nodes.find(({ output }) => output === id)!;
  for (const { node } of plan.steps) {
    // Each parameter of a layer is the rounded form of what was folded.
    for (const [i, id] of node.inputs.slice(1).entries()) {
      const source = producer(node.output).inputs[i + 1]!;
      if (!plan.folded.has(id)) continue;
      const found = values.get(producer(source).inputs[0]!)!;
      const expected = plan.prepared.data.get(id) as Float32Array;
      assert.equal(found.length, expected.length);
      expected.forEach((e, k) => {
        assert.ok(
          Math.abs(found[k]! - e) <= 1e-6 * (1 + Math.abs(e)),
          `${id} ${k}: ${found[k]}, ${e}`,
        );
      });
    }
  }
  assert.equal(plan.folded.size, 6);
});

test('in phase batch a layer is normalized by the statistics of the batch', async () => {
  const { checkpoint } = read(await floatRun());
  const data = patterns(16, 4);
  const setup = setupOf({ scheme: 'int16x8', perAxisDense: true });
  const ranges = await quantizer(setup, data).start(checkpoint.graph);
  const plan = planQat(checkpoint.graph, setup);
  const batch = rebatch(forInference(qatGraph(plan, ranges, { phase: 'batch' })), 16);
  const values = reference(
    batch,
    new Map([[batch.inputs[0]!, data.inputs(Array.from({ length: 16 }, (_, i) => i))]]),
  );
  const { norm } = [...plan.folded.values()][0]!;
  const [, gamma, beta] = norm.inputs.map((id) => checkpoint.graph.data.get(id) as Float32Array);
  const channels = gamma!.length;
  const out = values.get(plan.steps[0]!.node.output)!;
  for (let c = 0; c < channels; c++) {
    const mine = out.filter((_, i) => i % channels === c);
    const mean = mine.reduce((a, b) => a + b, 0) / mine.length;
    const deviation = Math.sqrt(mine.reduce((a, b) => a + (b - mean) ** 2, 0) / mine.length);
    assert.ok(Math.abs(mean - beta![c]!) < 0.02, `channel ${c}: mean ${mean}, ${beta![c]}`);
    assert.ok(Math.abs(deviation - Math.abs(gamma![c]!)) < 0.02, `channel ${c}: ${deviation}`);
  }
  // The statistics that stay are moved by the batch.
  assert.equal(batch.states.filter(({ update }) => update !== undefined).length, 6);
});

test('training recovers what weights of 4 bits lose', async (t) => {
  // Channels of very different size in one dense layer, whose weights share one scale.
  const spread = model(
    'spread',
    () => {
      const x = relu(dense(flatten(input([8, 8, 1])), 24));
      return dense(relu(dense(x, 24)), classes);
    },
    loss,
  );
  const out = join(folder, 'spread');
  const base = options({ model: spread, epochs: 6 });
  await trainModel({ ...base, out });
  const { file, checkpoint } = read(out);
  const graph = unbalanced(checkpoint.graph);
  const skewed = { graph: () => graph };
  const runs = { data: base.data, testData: base.testData!, engine };
  const calibrated = await quantizeModel({ ...runs, graph, scheme: 'int8w4' });
  const setup = setupOf({ scheme: 'int8w4' });
  const tuned = join(folder, 'tuned');
  await trainModel({
    ...base,
    model: skewed,
    out: tuned,
    epochs: 8,
    quantizer: quantizer(setup, base.data),
  });
  const last = read(tuned).checkpoint;
  const trained = await quantizeModel({
    ...runs,
    graph: last.graph,
    trained: { setup, ranges: last.ranges },
  });
  t.diagnostic(
    `float ${calibrated.floatAccuracy}, calibrated ${calibrated.int8Accuracy}, trained ${trained.int8Accuracy}`,
  );
  assert.ok(
    calibrated.floatAccuracy! - calibrated.int8Accuracy! > 0.1,
    'calibration is good enough',
  );
  assert.ok(calibrated.floatAccuracy! - trained.int8Accuracy! < 0.02);
  assert.ok(trained.trained!.agreement >= 0.999);
  assert.ok(file.length > 0);
});

/** How much larger the largest channel is than the middle one. */
const skew = 6;

/** The same function with channels between dense layers some times larger or smaller. */
function unbalanced(graph: Graph): Graph {
  const data = new Map(graph.data);
  const layers = graph.nodes.filter(({ op }) => op === 'dense');
  const factor = (o: number): number => skew ** (((o * 7) % 5) / 2 - 1);
  const [first, second] = layers as [(typeof layers)[0], (typeof layers)[0]];
  const [, w1, b1] = first.inputs as [string, string, string];
  const [, w2] = second.inputs as [string, string];
  const inner = getValue(graph, w1).shape[1]!;
  const hidden = getValue(graph, w2).shape[1]!;
  const of = (id: string) => graph.data.get(id) as Float32Array;
  data.set(
    w1,
    of(w1).map((w, i) => w * factor(Math.floor(i / inner))),
  );
  data.set(
    b1,
    of(b1).map((b, o) => b * factor(o)),
  );
  data.set(
    w2,
    of(w2).map((w, i) => w / factor(i % hidden)),
  );
  return { ...graph, data };
}

test('a training that was stopped goes on to the same bytes, through the freeze of statistics', async () => {
  const from = join(await floatRun(), 'last.safetensors');
  const setup = setupOf({ scheme: 'int8w4', freeze: 1 });
  const base = options({ epochs: 2 });
  const run = { ...base, from, quantizer: quantizer(setup, base.data) };
  const whole = join(folder, 'whole');
  await trainModel({ ...run, out: whole });
  for (const stop of [3, 15, 20]) {
    const out = join(folder, `stopped${stop}`);
    const controller = new AbortController();
    let steps = 0;
    const onProgress = () => {
      if (++steps === stop) controller.abort();
    };
    await trainModel({ ...run, out, signal: controller.signal, onProgress });
    await trainModel({ ...run, out, resume: true });
    assert.ok(read(out).bytes.equals(read(whole).bytes), `stopped after ${stop}`);
  }
  const other = quantizer(setupOf({ scheme: 'int8' }), base.data);
  await assert.rejects(
    trainModel({ ...run, out: whole, resume: true, quantizer: other }),
    (error: unknown) => error instanceof UsageError && /qat/.test(error.message),
  );
});

test('weights of another network are no weights to begin with', async () => {
  const from = join(await floatRun(), 'last.safetensors');
  const other = model('kinds', () => dense(flatten(input([8, 8, 1])), classes), loss);
  await assert.rejects(
    trainModel(options({ from, model: other })),
    (error: unknown) => error instanceof UsageError && /another network/.test(error.message),
  );
});

test('scales are learned where no number of a value is positive', async () => {
  const data = memoryDataset({
    name: 'line',
    inputs: {
      file: 'x',
      shape: [64, 1],
      data: Float32Array.from({ length: 64 }, (_, i) => 1 + i / 64),
    },
    targets: {
      file: 'y',
      shape: [64, 1],
      data: Float32Array.from({ length: 64 }, (_, i) => -i / 64),
    },
  });
  for (const seed of [1, 2, 3, 4]) {
    const result = await trainModel({
      model: model('line', () => dense(input([1]), 1), { loss: 'meanSquares' }),
      ...{ data, testData: data, epochs: 2, seed, engine, quantizer: quantizer(setupOf(), data) },
      out: join(folder, `line${seed}`),
    });
    assert.ok(Number.isFinite(result.testLoss), `seed ${seed}`);
  }
});
