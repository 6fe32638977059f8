/** The networks in models/: published parameter counts, shapes, and that they learn. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { elements } from '../../host/core/shape.js';
import { createEngine } from '../../host/engine/engine.js';
import type { Model } from '../../host/front/model.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import { type Graph, getValue } from '../../host/ir/graph.js';
import { resolveOptimizer } from '../../host/train/optimizers.js';
import { buildTrainGraph } from '../../host/train/train-graph.js';
import alexnet from '../../models/alexnet.js';
import autoencoder from '../../models/autoencoder.js';
import dsCnn from '../../models/ds-cnn.js';
import { alexnet as alexnetOf } from '../../models/families/alexnet.js';
import { googlenet as googlenetOf } from '../../models/families/googlenet.js';
import { resnet } from '../../models/families/resnet.js';
import { vgg } from '../../models/families/vgg.js';
import googlenet from '../../models/googlenet.js';
import lenet5 from '../../models/lenet5.js';
import linear from '../../models/linear-regression.js';
import mlp from '../../models/mlp.js';
import mobilenet from '../../models/mobilenet-v1.js';
import polynomial from '../../models/polynomial-regression.js';
import resnet8 from '../../models/resnet8.js';
import resnet18 from '../../models/resnet18.js';
import resnet34 from '../../models/resnet34.js';
import vgg16 from '../../models/vgg16.js';
import vgg19 from '../../models/vgg19.js';
import wakeWord from '../../models/wake-word.js';
import { sample } from '../quick.js';
import { sharedData } from '../shared-data.js';
import { normals } from '../train/fixtures/numbers.js';

/** Trainable parameters, and statistics. */
function count(graph: Graph): [number, number] {
  const values = [...graph.values.values()];
  const total = (kind: 'trainable' | 'state') =>
    values
      .filter((value) => (kind === 'state' ? value.kind === 'state' : value.trainable))
      .reduce((n, { shape }) => n + elements(shape), 0);
  return [total('trainable'), total('state')];
}

const published: [Model, number, number, readonly number[]][] = [
  [linear, 2, 0, [1]],
  [polynomial, 4, 0, [1]],
  [mlp, 109_386, 0, [10]],
  [lenet5, 61_706, 0, [10]],
  [alexnet, 61_100_840, 0, [1000]],
  [vgg16, 138_357_544, 0, [1000]],
  [vgg19, 143_667_240, 0, [1000]],
  [googlenet, 6_998_552, 0, [1000]],
  [resnet18, 11_689_512, 9_600, [1000]],
  [resnet34, 21_797_672, 17_024, [1000]],
  [resnet8, 78_186, 480, [10]],
  [dsCnn, 23_756, 1_152, [12]],
  [mobilenet, 216_322, 5_472, [2]],
  [autoencoder, 267_928, 2_064, [640]],
  [wakeWord, 46_875, 832, [3]],
];

for (const [network, parameters, statistics, output] of published) {
  test(`${network.name} has ${parameters} parameters`, () => {
    const graph = network.graph(null);
    assert.deepEqual(count(graph), [parameters, statistics]);
    assert.deepEqual(getValue(graph, graph.outputs[0]!).shape, [1, ...output]);
  });
}

/** The layers that have weights, with the shapes of those. */
const weighted = (graph: Graph): string[] =>
  graph.nodes
    .filter(({ op }) => op === 'conv2d' || op === 'depthwiseConv2d' || op === 'dense')
    .map(({ op, inputs, output }) => {
      const [w, y] = [getValue(graph, inputs[1]!), getValue(graph, output)];
      return `${op} [${w.shape}] -> [${y.shape}]`;
    })
    .sort();

const mlperf: readonly (readonly [Model, string])[] = [
  [resnet8, 'ic01_resnet_int8'],
  [dsCnn, 'kws_ref_int8'],
  [mobilenet, 'vww_96_int8'],
  [autoencoder, 'ad01_int8'],
  [wakeWord, 'sww_ref_int8'],
];

for (const [network, name] of mlperf) {
  const file = sharedData('models', `mlperftiny_${name}.tflite`);
  test(`${network.name} has the layers of MLPerf Tiny's ${name}`, (t) => {
    if (!existsSync(file)) return t.skip(`no ${file}`);
    const reference = importTflite(readFileSync(file), name);
    assert.deepEqual(weighted(network.graph(null)), weighted(reference));
  });
}

const engine = await createEngine();
const batch = 2;

/** The losses of steps on one batch. */
function losses(network: Model, steps: number, learningRate: number): number[] {
  const optimizer = resolveOptimizer('adam');
  const train = buildTrainGraph(network.graph(1), batch, optimizer);
  const program = engine.compile(train.graph);
  const sizeOf = (id: string) => elements(getValue(train.graph, id).shape);
  const x = Float32Array.from(normals(sizeOf(train.input), 3));
  const isClass = getValue(train.graph, train.target).dtype === 's32';
  const classes = sizeOf(train.output) / batch;
  program.write(train.input, x);
  program.write(
    train.target,
    isClass
      ? Int32Array.from({ length: batch }, (_, i) => i % classes)
      : Float32Array.from(normals(sizeOf(train.target), 4)),
  );
  program.write(train.rate, Float32Array.of(learningRate));
  if (train.key) program.write(train.key, Int32Array.of(1, 2, 3));
  const found = Array.from({ length: steps }, () => {
    program.run();
    return (program.read(train.loss) as Float32Array)[0]!;
  });
  program.dispose();
  return found;
}

const reduced = { image: 32, classes: 5, thinner: 8 };
const learners: readonly Model[] = [
  ...[linear, polynomial, mlp, lenet5, resnet8, dsCnn, autoencoder, wakeWord, mobilenet],
  alexnetOf({ ...reduced, image: 64 }),
  vgg('vgg16', [2, 2, 3, 3, 3], reduced),
  vgg('vgg19', [2, 2, 4, 4, 4], reduced),
  googlenetOf(reduced),
  resnet('resnet18', [2, 2, 2, 2], reduced),
  resnet('resnet34', [3, 4, 6, 3], reduced),
];

// The largest ones take most of the time to plan their memory.
const tried = sample(learners);
for (const network of tried) {
  test(`${network.name} learns one batch in 20 steps`, () => {
    const found = losses(network, 20, 1e-3);
    assert.ok(found.every(Number.isFinite), String(found));
    assert.ok(found.at(-1)! < found[0]!, String(found));
  });
}
