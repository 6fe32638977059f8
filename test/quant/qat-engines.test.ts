/**
 * A whole quantization-aware training on every engine: the losses of wasm within a tolerance, and
 * scales from which the integer graph says what the graph that was trained says.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ToolchainError } from '../../host/core/errors.js';
import { randomNormal } from '../../host/core/random.js';
import type { Dataset } from '../../host/data/dataset.js';
import { createEngine, type Engine, engineNames } from '../../host/engine/engine.js';
import { add, relu } from '../../host/front/elementwise.js';
import {
  batchNorm,
  conv2d,
  dense,
  depthwiseConv2d,
  flatten,
  input,
  maxPool2d,
} from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import { createFakeQuantizer } from '../../host/quant/qat/qat.js';
import { quantizeModel } from '../../host/quant/quantize-model.js';
import { loadCheckpoint } from '../../host/train/checkpoint.js';
import { type QatSetup, qatDefaults } from '../../host/train/qat-setup.js';
import { trainModel } from '../../host/train/train.js';
import { memoryDataset } from '../memory-dataset.js';
import { quick } from '../quick.js';

/**
 * Difference of the mean loss of the epoch so far. A value that lies between two steps of a scale
 * falls to either side as the engine rounds, so this is wider than for training without rounding.
 */
const lossTolerance = 5e-3;

const folder = mkdtempSync(join(tmpdir(), 'edge-nn-qat-engines-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const classes = 4;

/** A pattern per class, seen through noise. */
function patterns(count: number, seed: number): Dataset {
  const normal = (key: number, i: number) => randomNormal({ seed: key, purpose: 'test' }, i);
  const data = Float32Array.from({ length: count * 64 }, (_, i) => {
    const example = Math.floor(i / 64);
    return normal(1000 + (example % classes), i % 64) + 0.8 * normal(seed, i);
  });
  return memoryDataset({
    name: `patterns ${seed}`,
    inputs: { file: 'x', shape: [count, 8, 8, 1], data },
    targets: {
      file: 'y',
      shape: [count],
      data: Uint8Array.from({ length: count }, (_, i) => i % classes),
    },
  });
}

/** Normalized and depthwise convolutions, a sum, a pool, dense layers. */
const network = model(
  'small',
  () => {
    const x = relu(batchNorm(conv2d(input([8, 8, 1]), 4, 3, { padding: 'same', useBias: false })));
    const y = relu(batchNorm(depthwiseConv2d(x, 3, { padding: 'same' })));
    const z = maxPool2d(add(x, conv2d(y, 4, 1)), 2);
    return dense(relu(dense(flatten(z), 12)), classes);
  },
  { loss: 'softmaxCrossEntropy' },
);

const [data, testData] = [patterns(160, 1), patterns(100, 2)];
const base = { model: network, data, testData, batch: 16, seed: 3, learningRate: 0.004 } as const;

const setups: readonly QatSetup[] = [
  { scheme: 'int8w4', layers: {}, ...qatDefaults, perAxisDense: false },
  { scheme: 'int8', layers: {}, ...qatDefaults, perAxisDense: false, ranges: 'moving', freeze: 0 },
];

interface Run {
  /** After every step. */
  readonly losses: readonly number[];
  readonly accuracy: number;
  readonly int8Accuracy: number;
  readonly agreement: number;
}

/** Two epochs from the float checkpoint, then the integer model. */
async function run(engine: Engine, setup: QatSetup): Promise<Run> {
  const losses: number[] = [];
  const out = join(folder, `${engine.name}-${setup.scheme}`);
  const { history } = await trainModel({
    ...{ ...base, engine, out, epochs: 2, from: join(folder, 'float', 'last.safetensors') },
    quantizer: createFakeQuantizer({ setup, data, engine, seed: 1 }),
    onProgress: (event) => {
      if (event.kind === 'step') losses.push(event.loss);
    },
  });
  const { graph, ranges } = loadCheckpoint(readFileSync(join(out, 'last.safetensors')));
  const result = await quantizeModel({ graph, data, testData, engine, trained: { setup, ranges } });
  return {
    losses,
    accuracy: history.at(-1)!.testAccuracy!,
    int8Accuracy: result.int8Accuracy!,
    agreement: result.trained!.agreement,
  };
}

let expected: readonly Run[] = [];
before(async () => {
  if (quick) return;
  const engine = await createEngine();
  await trainModel({ ...base, engine, epochs: 6, out: join(folder, 'float') });
  expected = [await run(engine, setups[0]!), await run(engine, setups[1]!)];
});

for (const name of engineNames.filter((one) => one !== 'wasm')) {
  for (const [i, setup] of setups.entries()) {
    const what = `${setup.scheme}, ${setup.ranges} ranges`;
    test(`${what} train on ${name} as on wasm`, {
      skip: quick && 'EDGE_NN_QUICK is set',
    }, async (t) => {
      const engine = await createEngine(name).catch((error: unknown) => {
        if (!(error instanceof ToolchainError)) throw error;
        t.skip(`${error.message}. ${error.hint}`);
      });
      if (!engine) return;
      const found = await run(engine, setup);
      const apart = found.losses.map((loss, step) => Math.abs(loss - expected[i]!.losses[step]!));
      t.diagnostic(
        `losses differ by at most ${Math.max(...apart).toExponential(1)}, accuracy ${found.int8Accuracy}, agreement ${found.agreement}`,
      );
      assert.equal(found.losses.length, 20);
      assert.ok(Math.max(...apart) <= lossTolerance, `losses differ by ${Math.max(...apart)}`);
      assert.ok(found.agreement >= 0.99, `agreement ${found.agreement}`);
      assert.ok(Math.abs(found.accuracy - found.int8Accuracy) <= 0.01);
      assert.ok(found.int8Accuracy > 0.7, `accuracy ${found.int8Accuracy}`);
      assert.ok(Math.abs(found.int8Accuracy - expected[i]!.int8Accuracy) <= 0.03);
    });
  }
}
