import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relu, softmax } from '../../host/front/elementwise.js';
import { conv2d, dense, flatten, input, maxPool2d } from '../../host/front/layers.js';
import { type Graph, getData } from '../../host/ir/graph.js';
import { calibrate } from '../../host/quant/calibrate.js';
import { diagnose, mostSnrDb } from '../../host/quant/diagnose.js';
import { quantizeGraph } from '../../host/quant/quantize.js';
import { engineMissing, graphOf, images, theEngine } from './fixture.js';

const options = { skip: engineMissing };

const net = () => {
  let x = relu(conv2d(input([12, 12, 2]), 5, 3, { name: 'one' }));
  x = relu(conv2d(maxPool2d(x, 2), 6, 3, { name: 'two' }));
  x = relu(dense(flatten(x), 20, { name: 'three' }));
  return softmax(dense(x, 4, { name: 'four' }));
};

async function noises(damage: (int8: Graph) => Graph = (int8) => int8) {
  const engine = await theEngine();
  const float = graphOf(net);
  const data = images([12, 12, 2], 40);
  const ranges = await calibrate(float, data, { engine, samples: 32 });
  const int8 = damage(quantizeGraph(float, ranges));
  return diagnose(float, int8, data, { engine, samples: 20, seed: 2 });
}

test('own noise: what copies adds none, each layer its own, which adds up', options, async () => {
  const layers = await noises();
  const copies = layers.filter(({ id }) => /pool|flatten/i.test(id));
  assert.equal(copies.length, 2);
  for (const { ownSnrDb } of copies) assert.equal(ownSnrDb, mostSnrDb);
  const others = layers.filter((layer) => !copies.includes(layer));
  assert.equal(others.length, 5);
  for (const { name, ownSnrDb } of others) {
    assert.ok(ownSnrDb > 25 && ownSnrDb < 70, `${name}: ${ownSnrDb} dB`);
  }
  assert.equal(new Set(others.map(({ ownSnrDb }) => ownSnrDb)).size, others.length);
});

test('own noise tells a damaged layer from those behind it', options, async () => {
  const whole = await noises();
  const damaged = await noises((int8) => {
    const layer = int8.nodes.filter(({ op }) => op === 'conv2d')[1]!;
    const weights = (getData(int8, layer.inputs[1]!) as Int8Array).map((w, i) =>
      i % 5 ? w : w >> 1,
    );
    return { ...int8, data: new Map(int8.data).set(layer.inputs[1]!, weights) };
  });
  const fell = (key: 'snrDb' | 'ownSnrDb') =>
    whole
      .filter(({ ownSnrDb }) => ownSnrDb < mostSnrDb)
      .map((layer, i) => [i, layer, damaged.find(({ id }) => id === layer.id)!] as const)
      .filter(([, before, after]) => before[key] - after[key] > 6)
      .map(([i]) => i);
  assert.deepEqual(fell('ownSnrDb'), [1]);
  assert.deepEqual(fell('snrDb').slice(0, 3), [1, 2, 3]);
});
