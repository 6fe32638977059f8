import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relu } from '../../host/front/elementwise.js';
import { conv2d, dense, globalAvgPool2d, input } from '../../host/front/layers.js';
import { type Graph, getData, getValue } from '../../host/ir/graph.js';
import { calibrate } from '../../host/quant/calibrate.js';
import { correctBiases } from '../../host/quant/correct-bias.js';
import { diagnose } from '../../host/quant/diagnose.js';
import { prepareForQuantization, quantizeGraph } from '../../host/quant/quantize.js';
import type { SchemeName } from '../../host/scheme/schemes.js';
import { engineMissing, graphOf, images, theEngine } from './fixture.js';

const options = { skip: engineMissing };

/** Layers whose inputs have means far from 0: rounding their weights shifts what they compute. */
const net = (useBias: boolean) => () => {
  let x = relu(conv2d(input([10, 10, 3]), 8, 3, { useBias }));
  x = relu(conv2d(x, 8, 3, { useBias }));
  return dense(globalAvgPool2d(relu(conv2d(x, 12, 3, { useBias }))), 4, { useBias });
};

for (const useBias of [true, false]) {
  test(`weights of 4 bits, ${useBias ? 'biases' : 'no biases'}: noise falls`, options, async () => {
    const engine = await theEngine();
    const graph = prepareForQuantization(graphOf(net(useBias)));
    const data = images([10, 10, 3], 80);
    const ranges = await calibrate(graph, data, { engine, samples: 40, seed: 1 });
    const scheme: SchemeName = 'int8w4';
    const quantize = (one: Graph) => quantizeGraph(one, ranges, { scheme });
    const few = { dataset: data, engine, samples: 40, seed: 1 };
    const corrected = await correctBiases(graph, quantize, few);
    const again = await correctBiases(graph, quantize, few);
    assert.deepEqual(again.data, corrected.data);
    const output = async (integer: Graph) =>
      (await diagnose(graph, integer, data, { engine, samples: 30, seed: 7 })).at(-1)!.snrDb;
    const [before, after] = [await output(quantize(graph)), await output(quantize(corrected))];
    assert.ok(after > before + 3, `${before} dB became ${after} dB`);
    for (const node of corrected.nodes.filter(({ op }) => op === 'conv2d')) {
      assert.equal(getValue(corrected, node.inputs[2]!).kind, 'const');
      assert.ok((getData(corrected, node.inputs[2]!) as Float32Array).every(Number.isFinite));
    }
  });
}
