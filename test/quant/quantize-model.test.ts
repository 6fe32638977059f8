import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GateError } from '../../host/core/errors.js';
import type { Dataset } from '../../host/data/dataset.js';
import { elu, relu } from '../../host/front/elementwise.js';
import { conv2d, dense, flatten, input, maxPool2d } from '../../host/front/layers.js';
import { getValue } from '../../host/ir/graph.js';
import { print } from '../../host/ir/text.js';
import { encodeInput, scoreFloat, scoreInteger } from '../../host/quant/evaluate.js';
import { requireQuality } from '../../host/quant/gate.js';
import { quantizeModel } from '../../host/quant/quantize-model.js';
import { memoryDataset } from '../memory-dataset.js';
import { engineMissing, features, graphOf, images, theEngine } from './fixture.js';

const options = { skip: engineMissing };

const net = () => dense(flatten(maxPool2d(relu(conv2d(input([8, 8, 1]), 4, [3, 3])), [2, 2])), 4);

/** Data whose labels are what the float graph answers. */
async function labelled(data: Dataset, graph: ReturnType<typeof graphOf>): Promise<Dataset> {
  const engine = await theEngine();
  const program = engine.compile(graph);
  const labels = Uint8Array.from({ length: data.count }, (_, i) => {
    program.write(graph.inputs[0]!, data.inputs([i]) as Float32Array<ArrayBuffer>);
    program.run();
    const y = [...(program.read(graph.outputs[0]!) as Float32Array)];
    return y.indexOf(Math.max(...y));
  });
  program.dispose();
  const all = Array.from({ length: data.count }, (_, i) => i);
  const pixels = Uint8Array.from(data.inputs(all), (x) => Math.round(x * 255));
  return memoryDataset({
    name: 'answers',
    inputs: { file: 'x', shape: [data.count, ...data.inputShape], data: pixels },
    targets: { file: 'y', shape: [data.count], data: labels },
    classNames: ['a', 'b', 'c', 'd'],
  });
}

test('the whole way: accuracies, layers, progress, the same bytes again', options, async () => {
  const graph = graphOf(net);
  const data = await labelled(images([8, 8, 1], 150), graph);
  const engine = await theEngine();
  const stages = new Map<string, number>();
  const run = (limit?: number) =>
    quantizeModel({
      graph,
      data,
      testData: data,
      engine,
      samples: 50,
      seed: 9,
      limit,
      maxDrop: 0.1,
      onProgress: (stage, done, total) => stages.set(stage, done / total),
    });
  const result = await run();
  assert.equal(result.floatAccuracy, 1);
  assert.ok(result.int8Accuracy! > 0.9 && result.int8Accuracy! <= 1);
  assert.deepEqual(
    [...stages],
    [
      ['calibrate', 1],
      ['float', 1],
      ['int8', 1],
    ],
  );
  assert.equal(result.layers.length, result.graph.nodes.length);
  for (const { name, snrDb, ownSnrDb } of result.layers) {
    // The first layer reads exact pixels: its noise is all its own, up to the rounding of float32.
    assert.ok(name.length > 0 && snrDb > 25 && ownSnrDb > snrDb - 1e-3);
  }
  assert.equal(print((await run(20)).graph), print(result.graph));
});

test('a loss of accuracy beyond the budget is exit code 10 and names the layers', () => {
  const layers = [
    { id: 'a', name: 'first', snrDb: 40, ownSnrDb: 40, outputSnrDb: 44 },
    { id: 'b', name: 'culprit', snrDb: 12, ownSnrDb: 12.1, outputSnrDb: 13 },
    { id: 'c', name: 'last', snrDb: 11, ownSnrDb: 18, outputSnrDb: 18 },
  ];
  const classes = (accuracy: number) => ({ accuracy, meanSquares: null });
  const gate = (maxDrop: number) => () =>
    requireQuality(classes(0.9), classes(0.85), {
      what: 'int8',
      maxDrop,
      layers,
      hint: 'Mend it.',
    });
  assert.doesNotThrow(gate(0.06));
  assert.throws(gate(0.01), (error: unknown) => {
    assert.ok(error instanceof GateError);
    assert.equal(error.code, 10);
    assert.match(error.message, /85\.00 %.*90\.00 %.*worst layers: culprit/);
    assert.equal(error.where, 'culprit');
    return true;
  });
});

test('a gate that fails stops the whole', options, async () => {
  const graph = graphOf(net);
  const data = images([8, 8, 1], 20);
  const engine = await theEngine();
  await assert.rejects(
    quantizeModel({ graph, data, testData: data, engine, samples: 5, maxDrop: -1 }),
    { code: 10 },
  );
});

test('an unsupported op is refused before any data is read', options, async () => {
  const graph = graphOf(() => dense(elu(dense(input([4]), 4)), 2));
  const unread = { ...features([4]), inputs: () => assert.fail('read the data') };
  const engine = await theEngine();
  await assert.rejects(quantizeModel({ graph, data: unread, testData: unread, engine }), {
    code: 4,
    message: /elu/,
  });
});

test('data that does not fit the model is bad input', options, async () => {
  const graph = graphOf(net);
  const engine = await theEngine();
  const wrong = images([9, 8, 1]);
  await assert.rejects(quantizeModel({ graph, data: wrong, testData: wrong, engine }), { code: 3 });
  const many = images([8, 8, 1], 20, 7);
  await assert.rejects(scoreFloat(graph, many, engine), { code: 3, message: /class number 6/ });
  const few = images([8, 8, 1], 20);
  await assert.rejects(quantizeModel({ graph, data: few, testData: few, engine, samples: 0 }), {
    code: 2,
  });
});

test('targets that are values have no accuracy', options, async () => {
  const graph = graphOf(() => dense(input([4]), 3));
  const data = memoryDataset({
    name: 'values',
    inputs: {
      file: 'x',
      shape: [20, 4],
      data: features([4]).inputs(Array.from({ length: 20 }, (_, i) => i)),
    },
    targets: { file: 'y', shape: [20, 3], data: new Float32Array(60) },
  });
  const result = await quantizeModel({
    graph,
    data,
    testData: data,
    engine: await theEngine(),
    maxDrop: 0,
  });
  assert.equal(result.floatAccuracy, null);
  assert.equal(result.int8Accuracy, null);
});

test('inputs are encoded on the scale of the model, s8 features as they are', options, async () => {
  const s8 = Int8Array.from({ length: 40 }, (_, i) => i * 6 - 120);
  const stored = memoryDataset({
    name: 's8',
    inputs: { file: 'x', shape: [10, 4], data: s8 },
    targets: { file: 'y', shape: [10], data: new Uint8Array(10) },
  });
  const graph = graphOf(() => dense(input([4]), 3));
  const engine = await theEngine();
  const { graph: int8 } = await quantizeModel({ graph, data: stored, testData: stored, engine });
  const value = getValue(int8, int8.inputs[0]!);
  assert.deepEqual([value.quant!.scale[0], value.quant!.zeroPoint[0]], [1, 0]);
  assert.deepEqual(encodeInput(stored, 3, value), s8.slice(12, 16));
  const other = {
    ...value,
    quant: { scheme: 'tflite', scale: Float32Array.of(0.1), zeroPoint: Int32Array.of(9) },
  };
  assert.deepEqual(encodeInput(stored, 3, other), s8.slice(12, 16));
  const pixels = images([2, 2, 1], 4);
  const image = {
    ...value,
    shape: [1, 2, 2, 1],
    quant: { ...other.quant, scale: Float32Array.of(1 / 255), zeroPoint: Int32Array.of(-128) },
  };
  const expected = Int8Array.from(pixels.inputs([1]), (x) => Math.round(x * 255) - 128);
  assert.deepEqual(encodeInput(pixels, 1, image), expected);
  const image255 = { ...image, quant: { ...image.quant, scale: Float32Array.of(1) } };
  assert.deepEqual(encodeInput(pixels, 1, image255), expected, 'pixels of 0..255 are pixels');
  const nearly = { ...image, quant: { ...image.quant, scale: Float32Array.of(1.02 / 255) } };
  assert.notDeepEqual(encodeInput(pixels, 1, nearly), expected, 'the same units, another scale');
  assert.notEqual((await scoreInteger(int8, stored, { limit: 3 })).accuracy, null);
});
