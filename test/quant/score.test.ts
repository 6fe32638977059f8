/** What counts as right where targets are yes or no, each for itself: the same for all verbs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomInt } from '../../host/core/random.js';
import type { Dataset } from '../../host/data/dataset.js';
import { exportTflite } from '../../host/emit/tflite/tflite.js';
import { relu, sigmoid } from '../../host/front/elementwise.js';
import { conv2d, dense, globalAvgPool2d, input } from '../../host/front/layers.js';
import type { Tensor } from '../../host/front/tensor.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import type { Graph, LossName } from '../../host/ir/graph.js';
import { scoreFloat, scoreInteger } from '../../host/quant/evaluate.js';
import { quantizeModel } from '../../host/quant/quantize-model.js';
import { createEvaluator } from '../../host/train/evaluator.js';
import { memoryDataset } from '../memory-dataset.js';
import { engineMissing, graphOf, images, theEngine } from './fixture.js';

const options = { skip: engineMissing };

const logits = (): Tensor => {
  const x = relu(conv2d(input([8, 8, 2]), 6, 3));
  return dense(globalAvgPool2d(x), 5);
};
const graphWith = (loss: LossName, build = logits): Graph => ({ ...graphOf(build), loss });

/** Five labels of zeros and ones for each of 40 images. */
function labelled(): Dataset {
  const all = Uint32Array.from({ length: 40 }, (_, i) => i);
  const bits = Float32Array.from({ length: 200 }, (_, i) =>
    randomInt({ seed: 3, purpose: 'test' }, i, 2),
  );
  return memoryDataset({
    name: 'labels',
    inputs: { file: 'x', shape: [40, 8, 8, 2], data: images([8, 8, 2], 40).inputs(all) },
    targets: { file: 'y', shape: [40, 5], data: bits },
  });
}

test('accuracy of several labels is what training prints', options, async () => {
  const [data, engine] = [labelled(), await theEngine()];
  for (const build of [logits, () => sigmoid(logits())]) {
    const graph = graphWith('sigmoidCrossEntropy', build);
    const sums = await createEvaluator(graph, data, engine).evaluate(new Map());
    const { accuracy, meanSquares, confusion } = await scoreFloat(graph, data, engine);
    assert.ok(Math.abs(accuracy! - sums!.correct / sums!.seen) < 1e-12);
    assert.ok(accuracy! > 0.2 && accuracy! < 0.8);
    assert.deepEqual([meanSquares, confusion], [null, null]);
  }
});

test('the quantizer, its gate and the file know several labels', options, async () => {
  const [data, engine] = [labelled(), await theEngine()];
  const graph = graphWith('sigmoidCrossEntropy');
  const base = { graph, data, testData: data, engine, samples: 20 } as const;
  const { graph: integer, ...result } = await quantizeModel({ ...base, maxDrop: 0.05 });
  const outputs: number[] = [];
  const score = await scoreInteger(integer, data, {
    each: (output) => outputs.push(...Array.from(output)),
  });
  const { zeroPoint } = integer.values.get(integer.outputs[0]!)!.quant!;
  const all = Uint32Array.from({ length: 40 }, (_, i) => i);
  const right = data.targets(all).filter((y, i) => y > 0.5 === outputs[i]! > zeroPoint[0]!);
  assert.ok(Math.abs(result.int8Accuracy! - right.length / 200) < 1e-12);
  assert.equal(result.floatMeanSquares, null);
  assert.deepEqual(await scoreInteger(importTflite(exportTflite(integer)), data), score);
  await assert.rejects(quantizeModel({ ...base, maxDrop: -0.9 }), {
    ...{ code: 10, message: /accuracy .* float/ },
  });
});

test('other values keep their squared error', options, async () => {
  const score = await scoreFloat(graphWith('meanSquares'), labelled(), await theEngine());
  assert.equal(score.accuracy, null);
  assert.ok(score.meanSquares! > 0);
});
