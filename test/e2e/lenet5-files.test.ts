/** A trained LeNet-5 as files that other people's interpreters run. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { before, test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { argmax } from '../../host/core/argmax.js';
import { builtFile, packageFile } from '../../host/core/package.js';
import type { Dataset } from '../../host/data/dataset.js';
import { openDataset } from '../../host/data/open.js';
import { subset } from '../../host/data/split.js';
import { exportOnnx } from '../../host/emit/onnx/onnx.js';
import { exportTflite } from '../../host/emit/tflite/tflite.js';
import { createEngine } from '../../host/engine/engine.js';
import { loadModelFile } from '../../host/front/load-model.js';
import { type Graph, getValue } from '../../host/ir/graph.js';
import { encodeInput } from '../../host/quant/evaluate.js';
import { createOracle } from '../../host/quant/interpret/interpret.js';
import { quantizeModel } from '../../host/quant/quantize-model.js';
import { forInference } from '../../host/rewrite/for-inference.js';
import { rebatch } from '../../host/rewrite/rebatch.js';
import { trainModel } from '../../host/train/train.js';
import { loadTfliteInterpreter } from '../emit/tfjs-tflite.js';

/** Float outputs of two engines; sums of 400 products in another order. */
const onnxTolerance = 1e-4;
const tfliteImages = 1000;
const onnxImages = 200;

const missing = ['engine.wasm', 'index.js'].some((name) => !existsSync(builtFile(name)));
const skip = missing ? 'needs a full build (npm run build)' : false;

let float: Graph;
let int8: Graph;
let images: Dataset;

before(async () => {
  if (skip) return;
  const model = await loadModelFile(packageFile('models', 'lenet5.ts'));
  const all = await openDataset('mnist', { split: 'train' });
  const data = subset(
    all,
    Array.from({ length: 6000 }, (_, i) => i),
  );
  images = await openDataset('mnist', { split: 'test' });
  const engine = await createEngine();
  float = (await trainModel({ model, data, engine, epochs: 1, seed: 1 })).graph;
  const quantized = await quantizeModel({ graph: float, data, testData: images, engine, limit: 1 });
  int8 = quantized.graph;
});

/** How far the second best class is behind the best, in units of the last bit. */
function lead(logits: Int8Array): number {
  const [best, second] = [...logits].sort((a, b) => b - a);
  return best! - second!;
}

test('.tflite: the real interpreter agrees on the class of 1,000 images', { skip }, async () => {
  const interpreter = (await loadTfliteInterpreter())(exportTflite(int8));
  const oracle = createOracle(int8);
  const input = getValue(int8, int8.inputs[0]!);
  let agreed = 0;
  for (let i = 0; i < tfliteImages; i++) {
    const encoded = encodeInput(images, i, input) as Int8Array;
    const theirs = interpreter.run([encoded])[0] as Int8Array;
    const ours = oracle.run([encoded])[0] as Int8Array;
    if (argmax(theirs) === argmax(ours)) agreed++;
    // Its XNNPACK kernels round once where the reference rounds twice: they may be off by one.
    else assert.ok(lead(ours) <= 1, `image ${i}: ${theirs} and ${ours}`);
  }
  assert.ok(agreed >= 0.998 * tfliteImages, `they agree on ${agreed} images`);
});

test('.onnx: onnxruntime computes the same logits', { skip }, async () => {
  const inference = forInference(float);
  const session = await InferenceSession.create(exportOnnx(inference));
  const [input] = inference.inputs;
  const [output] = inference.outputs;
  const pixels = images.inputs(Array.from({ length: onnxImages }, (_, i) => i));
  const feeds = {
    [session.inputNames[0]!]: new Tensor('float32', pixels, [onnxImages, 28, 28, 1]),
  };
  const theirs = (await session.run(feeds))[session.outputNames[0]!]!.data as Float32Array;
  const program = (await createEngine()).compile(rebatch(inference, onnxImages));
  program.write(input!, pixels);
  program.run();
  const ours = program.read(output!) as Float32Array;
  assert.equal(theirs.length, ours.length);
  for (const [i, value] of ours.entries()) {
    assert.ok(Math.abs(value - theirs[i]!) < onnxTolerance, `logit ${i}: ${value}, ${theirs[i]}`);
  }
});
