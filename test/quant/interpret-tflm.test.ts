/**
 * The oracle against what TensorFlow Lite Micro computed for the MLPerf Tiny models: every byte of
 * every layer, by CRC-32.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { bytesOf } from '../../host/core/dtype.js';
import { importTflite } from '../../host/front/import-tflite.js';
import { createOracle } from '../../host/quant/interpret.js';
import { sharedData } from '../shared-data.js';

const models = {
  ic: 'mlperftiny_ic01_resnet_int8',
  kws: 'mlperftiny_kws_ref_int8',
  sww: 'mlperftiny_sww_ref_int8',
} as const;

const read = (...path: string[]) => readFileSync(sharedData(...path));
const hex = (bytes: Uint8Array) => crc32(bytes).toString(16).padStart(8, '0');

/** Lines of the .tsv: op, bytes, crc32. */
const layersOf = (name: string) =>
  read('tflm', `${name}_layers.tsv`)
    .toString()
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t') as [string, string, string]);

for (const [name, file] of Object.entries(models)) {
  test(`${name}: every layer equals TensorFlow Lite Micro`, (t) => {
    if (!existsSync(sharedData('tflm', `${name}_layers.tsv`))) {
      t.skip(`no reference outputs in ${sharedData('tflm')}`);
      return;
    }
    const graph = importTflite(read('models', `${file}.tflite`), name);
    const image = Int8Array.from(new Int8Array(read('tflm', `${name}_in.bin`)));
    const oracle = createOracle(graph);
    const values = oracle.runAll([image]);
    const layers = layersOf(name);
    assert.equal(graph.nodes.length, layers.length);
    graph.nodes.forEach(({ op, output }, i) => {
      const bytes = bytesOf(values.get(output)!);
      assert.deepEqual(
        [String(i), String(bytes.length), hex(bytes)],
        layers[i],
        `layer ${i}, ${op}`,
      );
    });
    const [answer] = oracle.run([image]);
    assert.deepEqual(Buffer.from(bytesOf(answer!)), read('tflm', `${name}_out.bin`));
  });
}
