import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dataset } from '../../host/data/dataset.js';
import { add, concat, mul, relu, relu6 } from '../../host/front/elementwise.js';
import {
  avgPool2d,
  conv2d,
  dense,
  depthwiseConv2d,
  flatten,
  globalAvgPool2d,
  input,
  maxPool2d,
  reshape,
} from '../../host/front/layers.js';
import type { Tensor } from '../../host/front/tensor.js';
import type { Graph } from '../../host/ir/graph.js';
import { calibrate } from '../../host/quant/calibrate.js';
import { diagnose } from '../../host/quant/diagnose.js';
import { measureMagnitudes } from '../../host/quant/equalize/channel-magnitudes.js';
import { equalizeChannels } from '../../host/quant/equalize/equalize.js';
import { runFloat } from '../../host/quant/float-runs.js';
import { prepareForQuantization, quantizeGraph } from '../../host/quant/quantize.js';
import { engineMissing, graphOf, images, theEngine } from './fixture.js';
import { scaledNetwork } from './scaled-network.js';

const options = { skip: engineMissing };

/** What the float function may change by, relative to its largest output. */
const sameFunction = 1e-5;

async function outputs(graph: Graph, dataset: Dataset): Promise<Float32Array> {
  const examples = Uint32Array.from({ length: 16 }, (_, i) => i);
  let result = new Float32Array();
  await runFloat({ graph, dataset, engine: await theEngine() }, examples, (program) => {
    result = program.read(graph.outputs[0]!) as Float32Array<ArrayBuffer>;
  });
  return result;
}

async function assertSameFunction(a: Graph, b: Graph, dataset: Dataset): Promise<void> {
  const [before, after] = [await outputs(a, dataset), await outputs(b, dataset)];
  const most = Math.max(...before.map(Math.abs));
  assert.ok(most > 0);
  before.forEach((x, i) => {
    assert.ok(Math.abs(x - after[i]!) <= sameFunction * most, `${i}: ${x} became ${after[i]}`);
  });
}

/** Signal over noise at the output in int8. */
async function outputSnr(graph: Graph, data: Dataset): Promise<number> {
  const engine = await theEngine();
  const ranges = await calibrate(graph, data, { engine, samples: 32, seed: 3 });
  const layers = await diagnose(graph, quantizeGraph(graph, ranges), data, { engine, samples: 24 });
  return layers.at(-1)!.snrDb;
}

const magnitudesOf = async (graph: Graph, data: Dataset) =>
  measureMagnitudes(graph, data, { engine: await theEngine(), samples: 32, seed: 3 });

test(
  'channels of quite different magnitudes: equalized int8 is as good as if they were alike',
  options,
  async () => {
    const data = images([10, 10, 3]);
    const even = await outputSnr(scaledNetwork(0), data);
    const uneven = scaledNetwork(3);
    const before = await outputSnr(uneven, data);
    assert.ok(before < even - 10, `${before} dB, ${even} dB where channels are alike`);
    const magnitudes = await magnitudesOf(uneven, data);
    for (const [how, given] of [
      ['measured', { magnitudes }],
      ['without data', {}],
    ] as const) {
      const { graph, values } = equalizeChannels(uneven, given);
      assert.equal(values.length, 7);
      await assertSameFunction(uneven, graph, data);
      const after = await outputSnr(graph, data);
      assert.ok(after > even - 1.5, `${how}: ${after} dB, ${even} dB where channels are alike`);
    }
  },
);

const bodies: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  'a residual sum shares its factors': (x) => {
    const y = relu(conv2d(x, 6, 3, { padding: 'same' }));
    const z = relu(add(y, conv2d(y, 6, 3, { padding: 'same' })));
    return dense(globalAvgPool2d(conv2d(z, 5, 1)), 4);
  },
  'flattened pixels keep their channels': (x) =>
    dense(relu(dense(flatten(maxPool2d(relu(conv2d(x, 5, 3)), 2)), 7)), 4),
  'depthwise with a multiplier, pools': (x) => {
    const y = relu(depthwiseConv2d(avgPool2d(conv2d(x, 3, 1), 2), 3, { multiplier: 2 }));
    return dense(flatten(conv2d(y, 4, 1)), 4);
  },
  'layers without a bias': (x) =>
    dense(
      globalAvgPool2d(conv2d(relu(conv2d(x, 6, 3, { useBias: false })), 5, 1, { useBias: false })),
      4,
    ),
};

for (const [name, body] of Object.entries(bodies)) {
  test(`the float function stays: ${name}`, options, async () => {
    const data = images([8, 8, 3], 16);
    const graph = prepareForQuantization(graphOf(() => body(input([8, 8, 3]))));
    const magnitudes = await magnitudesOf(graph, data);
    for (const given of [{}, { magnitudes }, { magnitudes, perAxisDense: true }]) {
      const equal = equalizeChannels(graph, given);
      assert.ok(equal.values.length > 0);
      await assertSameFunction(graph, equal.graph, data);
    }
  });
}

const stopped: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  relu6: (x) => conv2d(relu6(conv2d(x, 4, 3)), 4, 1),
  'a product': (x) => {
    const y = conv2d(x, 4, 3);
    return conv2d(mul(y, y), 4, 1);
  },
  concat: (x) => conv2d(concat([conv2d(x, 4, 3), conv2d(x, 4, 3)]), 4, 1),
  'channels cut by a reshape': (x) => conv2d(reshape(conv2d(x, 4, 3), [6, 12, 2]), 4, 1),
  'an output of the network': (x) => relu(conv2d(x, 4, 3)),
};

for (const [name, body] of Object.entries(stopped)) {
  test(`no factors pass ${name}`, () => {
    const graph = prepareForQuantization(graphOf(() => body(input([8, 8, 3]))));
    const { graph: same, values } = equalizeChannels(graph);
    assert.deepEqual(values, []);
    assert.deepEqual(same.data, graph.data);
  });
}

test('channels that never fire, and channels that nobody reads, do no harm', options, async () => {
  const data = images([8, 8, 3], 16);
  const graph = prepareForQuantization(
    graphOf(() => dense(globalAvgPool2d(conv2d(relu(conv2d(input([8, 8, 3]), 4, 3)), 5, 1)), 4)),
  );
  const [first, second] = graph.nodes.filter(({ op }) => op === 'conv2d');
  const changed = new Map(graph.data);
  const edit = (id: string, each: (x: number, i: number) => number) =>
    changed.set(id, (graph.data.get(id) as Float32Array).map(each));
  // Channel 0 is always off, nobody reads channel 1, channel 2 is a constant.
  edit(first!.inputs[1]!, (w, i) => (Math.floor(i / 27) === 2 ? 0 : w));
  edit(first!.inputs[2]!, (b, i) => [-1e3, b, 0.5, b][i]!);
  edit(second!.inputs[1]!, (w, i) => (i % 4 === 1 ? 0 : w));
  const odd = { ...graph, data: changed };
  const plain = await outputSnr(odd, data);
  for (const given of [{}, { magnitudes: await magnitudesOf(odd, data) }]) {
    const equal = equalizeChannels(odd, given).graph;
    await assertSameFunction(odd, equal, data);
    assert.ok((await outputSnr(equal, data)) > plain - 3);
  }
});
