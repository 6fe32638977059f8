/**
 * The oracle against what TensorFlow Lite Micro computed for the MLPerf Tiny models: every byte of
 * every layer, by CRC-32.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { bytesOf } from '../../host/core/dtype.js';
import { packageFile } from '../../host/core/package.js';
import { patternInputs } from '../../host/eval/bench.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import type { Graph } from '../../host/ir/graph.js';
import { createOracle } from '../../host/quant/interpret/interpret.js';
import { sharedData } from '../shared-data.js';

const models = {
  ic: 'mlperftiny_ic01_resnet_int8',
  kws: 'mlperftiny_kws_ref_int8',
  sww: 'mlperftiny_sww_ref_int8',
} as const;

/**
 * What the same commit of TensorFlow Lite Micro (90b983c2, reference kernels) computes for the two
 * models whose layers are not in the data folder, for the same pattern of inputs.
 */
const ownRecords = {
  vww: 'mlperftiny_vww_96_int8',
  ad: 'mlperftiny_ad01_int8',
} as const;

const read = (...path: string[]) => readFileSync(sharedData(...path));
const hex = (bytes: Uint8Array) => crc32(bytes).toString(16).padStart(8, '0');

/** Lines of the .tsv: op, bytes, crc32. */
const layersOf = (tsv: Buffer) =>
  tsv
    .toString()
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t') as [string, string, string]);

/** Runs the oracle and compares each layer with its line. */
function compareLayers(graph: Graph, image: Int8Array, tsv: Buffer): void {
  const values = createOracle(graph).runAll([image]);
  const layers = layersOf(tsv);
  assert.equal(graph.nodes.length, layers.length);
  graph.nodes.forEach(({ op, output }, i) => {
    const bytes = bytesOf(values.get(output)!);
    const line = [String(i), String(bytes.length), hex(bytes)];
    assert.deepEqual(line, layers[i], `layer ${i}, ${op}`);
  });
}

for (const [name, file] of Object.entries(models)) {
  test(`${name}: every layer equals TensorFlow Lite Micro`, (t) => {
    if (!existsSync(sharedData('tflm', `${name}_layers.tsv`))) {
      t.skip(`no reference outputs in ${sharedData('tflm')}`);
      return;
    }
    const graph = importTflite(read('models', `${file}.tflite`), name);
    const image = Int8Array.from(new Int8Array(read('tflm', `${name}_in.bin`)));
    compareLayers(graph, image, read('tflm', `${name}_layers.tsv`));
    const [answer] = createOracle(graph).run([image]);
    assert.deepEqual(Buffer.from(bytesOf(answer!)), read('tflm', `${name}_out.bin`));
  });
}

for (const [name, file] of Object.entries(ownRecords)) {
  test(`${name}: every layer equals TensorFlow Lite Micro`, (t) => {
    if (!existsSync(sharedData('models', `${file}.tflite`)))
      return t.skip(`no ${file} in ${sharedData('models')}`);
    const graph = importTflite(read('models', `${file}.tflite`), name);
    const [image] = patternInputs(graph);
    const tsv = readFileSync(packageFile('test', 'quant', 'fixtures', `${name}_layers.tsv`));
    compareLayers(graph, image as Int8Array, tsv);
  });
}
