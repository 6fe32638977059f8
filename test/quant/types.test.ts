/**
 * Types beside int8: int16 activations and weights of 4 bits, in the oracle, the quantizer and .tflite
 * files.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AnyArray, dtypes, packNibbles, unpackNibbles } from '../../host/core/dtype.js';
import {
  multiplyByReducedMultiplier,
  quantizeMultiplier,
  reduceMultiplier,
} from '../../host/core/fixed-point.js';
import { exportTflite } from '../../host/emit/tflite/tflite.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import { type Graph, getValue } from '../../host/ir/graph.js';
import { print } from '../../host/ir/text.js';
import { createOracle } from '../../host/quant/interpret/interpret.js';
import { expTable, lookup, reciprocalTable } from '../../host/quant/interpret/softmax-tables.js';
import { quantizeModel } from '../../host/quant/quantize-model.js';
import { modelsFolder } from '../format/support.js';
import { engineMissing, graphOf, images, theEngine } from './fixture.js';
import { build, typedNetwork, typings } from './typed-network.js';

const archive = join(modelsFolder, '../datasets/tflm_integration_tests/seanet.tar.xz');

/** Numbers of a file of TFLM's integration tests, in a value's type. */
function numbers(file: string, graph: Graph, id: string): AnyArray {
  const { array } = dtypes[getValue(graph, id).dtype as 's16'];
  return array.from(
    readFileSync(file, 'utf8')
      .trim()
      .split(/[\s,]+/)
      .map(Number),
  );
}

test('int16: convolutions, sums and pads equal what TFLite computed', (t) => {
  if (!existsSync(archive)) return t.skip(`no ${archive}`);
  const dir = mkdtempSync(join(tmpdir(), 'enn-seanet-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const { status } = spawnSync('tar', ['-xJf', archive, '-C', dir]);
  if (status !== 0) return t.skip('no tar with xz on this machine');
  const root = join(dir, 'tensorflow/lite/micro/integration_tests/seanet');
  let compared = 0;
  for (const op of ['conv', 'add', 'pad']) {
    const files = readdirSync(join(root, op));
    for (const file of files.filter((name) => name.endsWith('.tflite'))) {
      const name = file.slice(0, -'.tflite'.length);
      const at = (part: string) => join(root, op, `${name}_${part}_int16.csv`);
      const graph = importTflite(readFileSync(join(root, op, file)), name);
      const inputs = graph.inputs.map((id, i) => numbers(at(`input${i}`), graph, id));
      const [output] = createOracle(graph).run(inputs);
      assert.deepEqual(output, numbers(at('golden'), graph, graph.outputs[0]!), name);
      compared++;
    }
  }
  assert.ok(compared > 50);
});

test('a reduced multiplier rounds once, halves upwards, and wide sums stay exact', () => {
  const { multiplier, shift } = quantizeMultiplier(0.5);
  const reduced = reduceMultiplier(multiplier);
  assert.equal(reduced, 2 ** 14);
  const half = (x: number) => multiplyByReducedMultiplier(x, reduced, shift);
  assert.deepEqual([3, -3, 5, -5].map(half), [2, -1, 3, -2]);
  const wide = 2 ** 46 + 1;
  const exact = (BigInt(wide) * 12345n + (1n << 44n)) >> 45n;
  assert.equal(multiplyByReducedMultiplier(wide, 12345, -30), Number(exact));
});

// 512 steps of the table are taken for 65536 of the argument, of which there are 65535.
const tableError = 7;

test('the tables of the int16 softmax follow the functions', () => {
  for (let x = -32768; x <= 32767; x += 17) {
    const e = Math.exp((10 * (x - 32767)) / 65535);
    assert.ok(Math.abs(lookup(expTable, x) - 32768 * e) < tableError, `exp at ${x}`);
    const inverse = 1 / (1 + (x + 32768) / 65535);
    assert.ok(
      Math.abs(lookup(reciprocalTable, x) - 32768 * inverse) < tableError,
      `inverse at ${x}`,
    );
  }
});

test('4-bit elements are stored two to a byte, the first in the low half', () => {
  const elements = Int8Array.of(1, -2, 7, -8, 3);
  assert.deepEqual([...packNibbles(elements)], [0xe1, 0x87, 0x03]);
  assert.deepEqual(unpackNibbles(packNibbles(elements), 5), elements);
});

for (const name of Object.keys(typings)) {
  test(`.tflite keeps a network of types ${name}`, () => {
    const graph = typedNetwork(name);
    const bytes = exportTflite(graph);
    const again = importTflite(bytes, graph.name);
    assert.equal(print({ ...again, name: graph.name }), print(graph));
    assert.deepEqual(exportTflite(again), bytes);
  });
}

test('layers of other schemes have requantizes around them, one per value and type', () => {
  const graph = typedNetwork('mixed');
  const types = (id: string) => getValue(graph, id).dtype;
  const layer = (name: string) =>
    graph.nodes.find(
      ({ inputs }) => inputs[1] === `${name}.w` || inputs[1]?.startsWith(`${name}.`),
    );
  assert.equal(types(layer('first')!.output), 's16');
  assert.equal(types(layer('point')!.inputs[1]!), 's4');
  assert.equal(types(layer('plane')!.output), 's8');
  assert.equal(types(graph.inputs[0]!), 's8');
  const changes = graph.nodes.filter((node) => node.op === 'requantize' && node.attrs.bits);
  const keys = changes.map(({ inputs, output }) => `${inputs[0]} ${types(output)}`);
  assert.ok(keys.length >= 3);
  assert.equal(new Set(keys).size, keys.length);
});

test('int16 activations lose next to nothing, 4-bit weights much', {
  skip: engineMissing,
}, async () => {
  const graph = graphOf(build);
  const data = images([12, 10, 3], 32, 5);
  const noise = async (scheme: 'int8' | 'int16x8' | 'int8w4') => {
    const options = {
      graph,
      data,
      testData: data,
      engine: await theEngine(),
      samples: 16,
      limit: 4,
    };
    const { layers } = await quantizeModel({ ...options, scheme });
    return Math.min(...layers.map(({ snrDb }) => snrDb));
  };
  const [plain, wide, small] = [await noise('int8'), await noise('int16x8'), await noise('int8w4')];
  assert.ok(wide > plain + 3 && plain > small + 3, `${wide} ${plain} ${small} dB`);
});
