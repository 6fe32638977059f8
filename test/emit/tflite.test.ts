import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DType } from '../../host/core/dtype.js';
import { elements, type Shape } from '../../host/core/shape.js';
import { exportTflite } from '../../host/emit/tflite/tflite.js';
import { readTflite } from '../../host/format/tflite/tflite.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import { buildGraph, type GraphBuilder } from '../../host/ir/build-graph.js';
import type { Graph, Quantization } from '../../host/ir/graph.js';
import { print } from '../../host/ir/text.js';
import { generator, modelBytes, modelFiles, modelsFolder } from '../format/support.js';
import { loadTfliteInterpreter } from './tfjs-tflite.js';

const q = (scale: number, zeroPoint = 0): Quantization => ({
  scheme: 'tflite',
  scale: Float32Array.of(scale),
  zeroPoint: Int32Array.of(zeroPoint),
});

const perChannel = (channels: number, axis: number, scale: number): Quantization => ({
  scheme: 'tflite',
  scale: Float32Array.from({ length: channels }, (_, i) => scale * (1 + i / 8)),
  zeroPoint: new Int32Array(channels),
  axis,
});

let random = generator(11);

function weights(g: GraphBuilder, id: string, shape: Shape, quant: Quantization): string {
  const data = Int8Array.from({ length: elements(shape) }, () => random(255) - 127);
  return g.constant({ shape, dtype: 's8' }, data, { id, quant });
}

function bias(g: GraphBuilder, id: string, channels: number): string {
  const data = Int32Array.from({ length: channels }, () => random(2000) - 1000);
  return g.constant({ shape: [channels], dtype: 's32' }, data, { id });
}

const all = [-128, 127] as const;
const unit = { stride: [1, 1], dilation: [1, 1] } as const;
const s8 = (...shape: number[]): { shape: Shape; dtype: DType } => ({ shape, dtype: 's8' });

/** A graph with every op that has a form in TFLite, and paddings that are SAME, VALID and neither. */
function everything(): Graph {
  random = generator(12);
  const g = buildGraph({
    name: 'everything',
    stage: 'int8',
    loss: 'softmaxCrossEntropy',
    labels: ['a', 'b', 'c'],
  });
  const x = g.input(s8(1, 8, 8, 2), { id: 'x', quant: q(0.05, 3) });
  const w1 = weights(g, 'c1.w', [4, 3, 3, 2], perChannel(4, 0, 0.01));
  const odd = { ...unit, stride: [2, 2], pad: [1, 1, 1, 1], clamp: [-20, 127] } as const;
  const c1 = g.add('conv2d', [x, w1, bias(g, 'c1.b', 4)], odd, { id: 'c1', quant: q(0.1, -20) });
  const w2 = weights(g, 'c2.w', [1, 3, 3, 4], perChannel(4, 3, 0.02));
  const same = { ...unit, pad: [1, 1, 1, 1], clamp: [-30, 30] } as const;
  const c2 = g.add('depthwiseConv2d', [c1, w2, bias(g, 'c2.b', 4)], same, {
    id: 'c2',
    quant: q(0.1, -30),
  });
  const sum = g.add('add', [c1, c2], { clamp: all }, { id: 'sum', quant: q(0.2, 1) });
  const product = g.add('mul', [sum, c1], { clamp: all }, { id: 'product', quant: q(0.5, 2) });
  const relu = g.add('relu', [product], {}, { id: 'r', quant: q(0.25, -128) });
  const relu6 = g.add('relu6', [product], {}, { id: 'r6', quant: q(0.025, -128) });
  const again = g.add('requantize', [relu6], {}, { id: 'again', quant: q(0.25, -128) });
  const both = g.add(
    'concat',
    [relu, again],
    { axis: 3, clamp: all },
    {
      id: 'both',
      quant: q(0.25, -128),
    },
  );
  const padded = g.add(
    'pad',
    [both],
    { padding: [0, 0, 1, 0, 0, 1, 0, 0] },
    {
      id: 'padded',
      quant: q(0.25, -128),
    },
  );
  const pool = { size: [2, 2], stride: [2, 2], pad: [0, 1, 0, 1], clamp: all } as const;
  const max = g.add('maxPool2d', [padded], pool, { id: 'max', quant: q(0.25, -128) });
  const tight = { size: [2, 2], stride: [1, 1], pad: [0, 0, 0, 0], clamp: all } as const;
  const avg = g.add('avgPool2d', [max], tight, { id: 'avg', quant: q(0.25, -128) });
  const flat = g.add('reshape', [avg], { shape: [32] }, { id: 'flat', quant: q(0.25, -128) });
  const w3 = weights(g, 'd.w', [3, 32], q(0.01));
  const d = g.add('dense', [flat, w3], { clamp: all }, { id: 'd', quant: q(0.3, 5) });
  const y = g.add('softmax', [d], {}, { id: 'y', quant: q(1 / 256, -128) });
  const mean = { axes: [1, 2], keepDims: false };
  const m = g.add('mean', [both], mean, { id: 'm', quant: q(0.2, -100) });
  return g.finish([y, m]);
}

test('export .tflite: every op, read back as the same graph, the same bytes each time', () => {
  const graph = everything();
  const bytes = exportTflite(graph);
  const model = readTflite(bytes);
  assert.deepEqual(
    model.subgraphs[0]?.operators.map((o) => model.operatorCodes[o.opcodeIndex]?.op),
    [
      ...['PAD', 'CONV_2D', 'DEPTHWISE_CONV_2D', 'ADD', 'MUL', 'RELU', 'RELU6', 'QUANTIZE'],
      ...['CONCATENATION', 'PAD', 'MAX_POOL_2D', 'AVERAGE_POOL_2D', 'RESHAPE'],
      ...['FULLY_CONNECTED', 'SOFTMAX', 'MEAN'],
    ],
  );
  assert.deepEqual(exportTflite(everything()), bytes);
  const again = importTflite(bytes);
  assert.deepEqual([again.name, again.loss, again.labels], [graph.name, graph.loss, graph.labels]);
  // The one difference: a padding that TFLite cannot name has become a node.
  assert.deepEqual(
    again.nodes.slice(1).map((node) => [node.op, node.output]),
    graph.nodes.map((node) => [node.op, node.output]),
  );
  assert.equal(print(importTflite(exportTflite(again))), print(again));
});

test('export .tflite: a bias gets the scale that TFLite asks for', () => {
  const { tensors } = readTflite(exportTflite(everything())).subgraphs[0]!;
  const tensor = tensors.find(({ name }) => name === 'c1.b');
  const expected = [0, 1, 2, 3].map((i) =>
    Math.fround(Math.fround(0.05) * Math.fround(0.01 * (1 + i / 8))),
  );
  assert.deepEqual(tensor?.quantization?.scale, expected);
  assert.deepEqual(tensor?.quantization?.zeroPoint, [0, 0, 0, 0]);
});

test('export .tflite: fused activations by their range, others refused', () => {
  const one = (clamp: readonly [number, number]) => {
    const g = buildGraph({ name: 'one', stage: 'int8' });
    const x = g.input(s8(1, 4), { quant: q(0.1, -10) });
    return g.finish([g.add('add', [x, x], { clamp }, { id: 'y', quant: q(0.1, -10) })]);
  };
  const fused = (clamp: readonly [number, number]) => {
    const options = readTflite(exportTflite(one(clamp))).subgraphs[0]!.operators[0]!.builtinOptions;
    return options?.type === 'AddOptions' && options.fusedActivationFunction;
  };
  assert.equal(fused([-128, 127]), 'NONE');
  assert.equal(fused([-10, 127]), 'RELU');
  assert.equal(fused([-10, 50]), 'RELU6');
  assert.equal(fused([-20, 0]), 'RELU_N1_TO_1');
  assert.throws(() => exportTflite(one([-10, 49])), {
    name: 'UnsupportedError',
    code: 4,
    message: /add %y has the clamp \[-10,49\]/,
    where: '%y',
  });
});

test('export .tflite: float graphs, and pools with other paddings, are refused', () => {
  const f = buildGraph({ name: 'f', stage: 'float' });
  const x = f.input({ shape: [1, 2], dtype: 'f32' });
  const float = f.finish([f.add('relu', [x], {})]);
  assert.throws(() => exportTflite(float), { code: 4, message: /stage float, not int8/ });
  const g = buildGraph({ name: 'g', stage: 'int8' });
  const image = g.input(s8(1, 4, 4, 1), { quant: q(1) });
  const attrs = { size: [3, 3], stride: [1, 1], pad: [2, 0, 2, 0] } as const;
  const pooled = g.finish([g.add('maxPool2d', [image], attrs, { id: 'p', quant: q(1) })]);
  assert.throws(() => exportTflite(pooled), { code: 4, message: /maxPool2d %p has the padding/ });
});

test('export .tflite: the real interpreter loads and runs every op', async () => {
  const create = await loadTfliteInterpreter();
  const bytes = exportTflite(everything());
  const runner = create(bytes);
  assert.deepEqual(runner.inputs, [{ name: 'x', shape: [1, 8, 8, 2] }]);
  const x = Int8Array.from({ length: 128 }, () => random(256) - 128);
  const outputs = runner.run([x]);
  assert.deepEqual(
    outputs.map((y) => y.length),
    [3, 8],
  );
  const probabilities = [...outputs[0]!].map((y) => (y + 128) / 256);
  assert.ok(Math.abs(probabilities.reduce((a, b) => a + b) - 1) < 0.02);
  assert.ok(new Set(outputs[1]!).size > 1, 'the outputs depend on the input');
  // The same network after one more trip through the file computes the same bytes.
  assert.deepEqual(create(exportTflite(importTflite(bytes))).run([x]), outputs);
});

const int8Models = ['ad01', 'ic01_resnet', 'kws_ref', 'sww_ref', 'vww_96']
  .map((name) => `mlperftiny_${name}_int8.tflite`)
  .filter((name) => modelFiles('.tflite').includes(name));
const skip = int8Models.length === 0 && `no models in ${modelsFolder}`;

test('export .tflite: real models compute the same bytes as the originals', { skip }, async () => {
  const create = await loadTfliteInterpreter();
  for (const name of int8Models) {
    const original = create(modelBytes(name));
    const exported = create(exportTflite(importTflite(modelBytes(name))));
    assert.deepEqual(exported.inputs, original.inputs);
    const size = elements(original.inputs[0]!.shape);
    for (let i = 0; i < 3; i++) {
      const x = Int8Array.from({ length: size }, () => random(256) - 128);
      assert.deepEqual(exported.run([x]), original.run([x]), name);
    }
  }
});
