/**
 * Promotion to int16: networks whose noise is the fault of one value, found and mended; and networks
 * where it does not help.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomNormal } from '../../host/core/random.js';
import type { Dataset } from '../../host/data/dataset.js';
import { exportTflite } from '../../host/emit/tflite/tflite.js';
import { add, relu } from '../../host/front/elementwise.js';
import { conv2d, dense, globalAvgPool2d, input, maxPool2d } from '../../host/front/layers.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import { type Graph, getData, getValue } from '../../host/ir/graph.js';
import { print } from '../../host/ir/text.js';
import type { Promotion } from '../../host/quant/auto.js';
import { runFloat } from '../../host/quant/float-runs.js';
import { dropOf } from '../../host/quant/gate.js';
import { candidatesOf } from '../../host/quant/promote.js';
import { prepareForQuantization } from '../../host/quant/quantize.js';
import { quantizeModel } from '../../host/quant/quantize-model.js';
import { memoryDataset } from '../memory-dataset.js';
import { engineMissing, graphOf, images, theEngine } from './fixture.js';

const options = { skip: engineMissing };

const net = () => {
  let x = relu(conv2d(input([10, 10, 3]), 8, 3, { name: 'one' }));
  x = relu(conv2d(x, 8, 3, { name: 'two' }));
  x = relu(conv2d(maxPool2d(x, 2), 8, 1, { name: 'three' }));
  return dense(globalAvgPool2d(x), 4, { name: 'four' });
};

/** The network with one channel of layer `two` so many times the others, which nobody reads. */
function guilty(times = 1000): Graph {
  const graph = prepareForQuantization(graphOf(net));
  const [, two, three] = graph.nodes.filter(({ op }) => op === 'conv2d');
  const data = new Map(graph.data);
  const edit = (id: string, factor: (index: number) => number) =>
    data.set(
      id,
      (getData(graph, id) as Float32Array).map((x, i) => x * factor(i)),
    );
  const inner = getValue(graph, two!.inputs[1]!)
    .shape.slice(1)
    .reduce((a, b) => a * b);
  edit(two!.inputs[1]!, (i) => (Math.floor(i / inner) === 3 ? times : 1));
  edit(two!.inputs[2]!, (i) => (i === 3 ? times : 1));
  edit(three!.inputs[1]!, (i) => (i % 8 === 3 ? 0 : 1));
  return { ...graph, data };
}

/** The inputs of a dataset with what the float graph makes of them, plus noise, as targets. */
async function answered(graph: Graph, inputs: Dataset, noise: number): Promise<Dataset> {
  const all = Uint32Array.from({ length: inputs.count }, (_, i) => i);
  const answers: number[] = [];
  await runFloat({ graph, dataset: inputs, engine: await theEngine() }, all, (program) => {
    answers.push(...(program.read(graph.outputs[0]!) as Float32Array));
  });
  const targets = Float32Array.from(
    answers,
    (y, i) => y + noise * randomNormal({ seed: 8, purpose: 'test' }, i),
  );
  return memoryDataset({
    name: 'answers',
    inputs: { file: 'x', shape: [inputs.count, ...inputs.inputShape], data: inputs.inputs(all) },
    targets: { file: 'y', shape: [inputs.count, 4], data: targets },
  });
}

const valued = async (graph: Graph) => answered(graph, images([10, 10, 3], 60), 0.01);

test('candidates: a value, what computes it, and all that read it, through pools', () => {
  const graph = prepareForQuantization(
    graphOf(() => {
      const x = relu(conv2d(input([8, 8, 1], { name: 'in' }), 4, 3, { padding: 'same' }));
      const y = conv2d(maxPool2d(x, 2), 4, 1);
      return dense(globalAvgPool2d(add(y, maxPool2d(x, 2))), 2);
    }),
  );
  const found = candidatesOf(graph).map(({ value, layers }) => [value, ...layers.slice(1)]);
  const [conv1, conv2] = graph.nodes.filter(({ op }) => op === 'conv2d');
  const at = (op: string) => graph.nodes.find((node) => node.op === op)!.output;
  assert.deepEqual(found, [
    [graph.inputs[0], at('relu')],
    [at('relu'), conv2!.output, at('add')],
    [conv2!.output, at('add')],
    [at('add'), at('mean')],
    [at('mean'), at('dense')],
    [at('dense')],
  ]);
  assert.equal(conv1!.output !== at('relu'), true);
});

test('--auto finds the one guilty value', options, async () => {
  const graph = guilty();
  const data = await valued(graph);
  const engine = await theEngine();
  const run = (rest: object) =>
    quantizeModel({ graph, data, testData: data, engine, samples: 40, maxDrop: 0.5, ...rest });
  await assert.rejects(run({}), { code: 10, message: /mean squared error .* above float/ });
  const seen: Promotion[] = [];
  const result = await run({ auto: true, onPromotion: (one: Promotion) => seen.push(one) });
  assert.deepEqual(seen, result.promotions);
  assert.equal(result.promotions.length, 1);
  const [promotion] = result.promotions;
  const relus = graph.nodes.filter(({ op }) => op === 'relu').map(({ output }) => output);
  assert.equal(promotion!.value, relus[1]);
  assert.deepEqual(promotion!.layers, [relus[1], relus[2]]);
  assert.equal(promotion!.score.meanSquares, result.int8MeanSquares);
  const typeOf = (id: string) => getValue(result.graph, id).dtype;
  assert.deepEqual(relus.map(typeOf), ['s8', 's16', 's16']);
  assert.deepEqual([...result.graph.inputs, ...result.graph.outputs].map(typeOf), ['s8', 's8']);
  const quality = (meanSquares: number | null) => ({ accuracy: null, meanSquares });
  assert.ok(dropOf(quality(result.floatMeanSquares), quality(result.int8MeanSquares)) <= 0.5);
  const file = exportTflite(result.graph);
  assert.equal(print(importTflite(file, result.graph.name)), print(result.graph));
  const balanced = await run({ equalize: true });
  assert.ok(balanced.equalized > 0 && balanced.promotions.length === 0);
});

test(
  'one channel 50 times the others: told, named, promoted, or balanced away',
  options,
  async () => {
    const graph = guilty(50);
    const data = await valued(graph);
    const engine = await theEngine();
    const base = { graph, data, testData: data, engine, samples: 40 } as const;
    const relus = graph.nodes.filter(({ op }) => op === 'relu').map(({ output }) => output);
    const [, two, three] = relus;
    const within = await quantizeModel({ ...base, graph: guilty(1), maxDrop: 0.2 });
    assert.ok(within.int8MeanSquares! < 1.2 * within.floatMeanSquares!);
    const { layers } = await quantizeModel(base);
    const of = (id: string) => layers.find((layer) => layer.id === id)!;
    const lowest = (key: 'outputSnrDb' | 'ownSnrDb') =>
      layers.reduce((a, b) => (b[key] < a[key] ? b : a)).id;
    // By itself its ratio is one of many, since the great channel counts for all of them.
    assert.notEqual(lowest('ownSnrDb'), two);
    assert.equal(lowest('outputSnrDb'), two);
    assert.ok(of(two!).outputSnrDb < of(three!).outputSnrDb - 6);
    await assert.rejects(quantizeModel({ ...base, maxDrop: 0.2 }), {
      ...{ code: 10, where: of(two!).name, message: new RegExp(`worst layers: ${of(two!).name} `) },
    });
    const auto = await quantizeModel({ ...base, maxDrop: 0.2, auto: true });
    assert.deepEqual(
      auto.promotions.map(({ value }) => value),
      [two],
    );
    assert.ok(auto.int8MeanSquares! <= 1.2 * auto.floatMeanSquares!);
    // The power of the great channel is what any observer of one range keeps: only balance helps.
    for (const observer of ['mse', 'percentile'] as const) {
      await assert.rejects(quantizeModel({ ...base, observer, maxDrop: 0.2 }), { code: 10 });
    }
    const balanced = await quantizeModel({ ...base, maxDrop: 0.2, equalize: true });
    assert.ok(balanced.equalized > 0 && balanced.promotions.length === 0);
  },
);

test(
  'a rare great number: observers that saturate keep the bits of the others',
  options,
  async () => {
    const graph = prepareForQuantization(graphOf(net));
    const clean = images([10, 10, 3], 60);
    const all = Uint32Array.from({ length: 60 }, (_, i) => i);
    const pixels = Float32Array.from(clean.inputs(all), (x) => 2 * x - 1);
    const dataset = (inputs: Float32Array) =>
      memoryDataset({
        name: 'signals',
        inputs: { file: 'x', shape: [60, 10, 10, 3], data: inputs },
        targets: { file: 'y', shape: [60], data: new Uint8Array(60) },
      });
    const test = await answered(graph, dataset(pixels), 0.01);
    const broken = dataset(pixels.map((x, i) => (i === 77 ? 50 : x)));
    const engine = await theEngine();
    const base = {
      graph,
      data: broken,
      testData: test,
      engine,
      samples: 60,
      maxDrop: 0.2,
    } as const;
    await assert.rejects(quantizeModel({ ...base, observer: 'minMax' }), { code: 10 });
    const saved = await quantizeModel({ ...base, observer: 'percentile' });
    assert.ok(saved.int8MeanSquares! <= 1.2 * saved.floatMeanSquares!);
  },
);

test('--auto promotes several values, one at a time, and each gains', options, async () => {
  const graph = guilty();
  const data = await valued(graph);
  const engine = await theEngine();
  const base = { graph, data, testData: data, engine, samples: 40, auto: true } as const;
  const { promotions, floatMeanSquares } = await quantizeModel({ ...base, maxDrop: 0.06 });
  assert.ok(promotions.length > 1);
  const ratios = promotions.map(({ outputSnrDb }) => outputSnrDb);
  assert.deepEqual(
    ratios,
    [...ratios].sort((a, b) => a - b),
  );
  assert.ok(promotions.at(-1)!.score.meanSquares! <= 1.06 * floatMeanSquares!);
  assert.ok(promotions.at(-2)!.score.meanSquares! > 1.06 * floatMeanSquares!);
});

test('where int16 throughout is not enough, it says so at once', options, async () => {
  const graph = guilty();
  const exact = await answered(graph, images([10, 10, 3], 30), 0);
  const engine = await theEngine();
  const base = { graph, data: exact, testData: exact, engine, samples: 20, auto: true } as const;
  await assert.rejects(
    quantizeModel({ ...base, maxDrop: 0.1, onPromotion: () => assert.fail('promoted') }),
    { code: 10, message: /int16 activations throughout.*worst layers/, hint: /equalize/ },
  );
  await assert.rejects(quantizeModel(base), { code: 2, hint: /--max-drop/ });
  await assert.rejects(quantizeModel({ ...base, maxDrop: 1, scheme: 'int16x8' }), { code: 2 });
});

test('a loss is points of accuracy, or the rise of the squared error', () => {
  const classes = (accuracy: number) => ({ accuracy, meanSquares: null });
  const values = (meanSquares: number) => ({ accuracy: null, meanSquares });
  assert.equal(dropOf(classes(0.5), classes(0.25)), 0.25);
  assert.equal(dropOf(values(2), values(3)), 0.5);
  assert.equal(dropOf(values(0), values(0)), 0);
  assert.equal(dropOf(values(0), values(1)), Number.POSITIVE_INFINITY);
});
