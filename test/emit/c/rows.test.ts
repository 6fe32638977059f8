import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { importTflite } from '../../../host/front/tflite/import-tflite.js';
import { archs, type Lowered } from '../../../host/lower/lowered.js';
import { lower } from '../../../host/lower/pipeline.js';
import { chooseKernels } from '../../../host/lower/place.js';
import { rowPlacements } from '../../../host/lower/rows/search.js';
import { createOracle } from '../../../host/quant/interpret/interpret.js';
import { modelBytes, modelFiles, modelsFolder } from '../../format/support.js';
import { channelsOf } from '../../lower/assert-same-bytes.js';
import { randomInputs } from '../../lower/networks.js';
import { rowNetwork } from '../../lower/row-networks.js';
import { sample } from '../../quick.js';
import { buildOnHost, hasTool } from './host-build.js';

/** EDGE_NN_SEEDS=20-60 tests another range of seeds. */
const [first, last] = (process.env.EDGE_NN_SEEDS ?? '1-4').split('-').map(Number);
const seeds = Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);

const cases = archs.flatMap((arch) => seeds.map((seed) => ({ arch, seed })));

/** Three of the ways to compute the first layers row by row: some, all, all with a streamed input. */
function placements({ graph, target, proof }: Lowered): Lowered[] {
  const chosen = chooseKernels(graph, target, proof);
  const all = [...rowPlacements(graph, target, proof, chosen)];
  const streamed = [...rowPlacements(graph, target, proof, chosen, { streamInput: true })];
  const some = all[Math.floor(all.length / 2) - 1];
  return [some, all.at(-1), streamed.at(-1)].filter((each) => each !== undefined);
}

for (const { arch, seed } of sample(cases)) {
  test(`layers by rows equal the oracle (seed ${seed}, ${arch})`, (t) => {
    if (!hasTool('cc')) return t.skip('no C compiler `cc` here');
    const graph = rowNetwork(seed);
    const oracle = createOracle(graph);
    const inputs = [1, 2].map((i) => randomInputs(graph, seed + i));
    for (const lowered of placements(lower(graph, { arch, align: 4 }))) {
      const model = buildOnHost(lowered);
      t.after(() => model.dispose());
      model.run(inputs).forEach(({ steps, outputs }, i) => {
        const expected = oracle.runAll(inputs[i]!);
        steps.forEach((bytes, k) => {
          const { source, channels } = lowered.steps[k]!;
          const whole = expected.get(source)!;
          const count = graph.values.get(source)!.shape.at(-1)!;
          const own = channels ? channelsOf(whole, count, channels) : whole;
          assert.deepEqual(bytes, own, `step ${k}: %${source}`);
        });
        outputs.forEach((bytes, k) => {
          assert.deepEqual(bytes, expected.get(graph.outputs[k]!), `output ${k}`);
        });
      });
    }
  });
}

/** Bytes of arena within which real models run; one has a recorded output. */
const models = [
  { name: 'mlperftiny_ic01_resnet_int8', ram: 20_000, streamInput: false, golden: 'ic' },
  { name: 'mlperftiny_vww_96_int8', ram: 30_000, streamInput: false, golden: undefined },
  { name: 'mlperftiny_vww_96_int8', ram: 20_000, streamInput: true, golden: undefined },
] as const;

const recorded = (file: string): Int8Array =>
  new Int8Array(readFileSync(join(modelsFolder, '..', 'tflm', `${file}.bin`)));

for (const { name, ram, streamInput, golden } of models) {
  test(`${name} in an arena of ${ram} bytes computes the same bytes`, (t) => {
    if (!hasTool('cc')) return t.skip('no C compiler `cc` here');
    if (!modelFiles('.tflite').includes(`${name}.tflite`)) return t.skip(`no ${name} here`);
    const graph = importTflite(modelBytes(`${name}.tflite`), name);
    const lowered = lower(graph, { arch: 'dsp', align: 4 }, { ram, streamInput });
    assert.ok(lowered.arenaBytes <= ram);
    const inputs = golden === undefined ? randomInputs(graph, 5) : [recorded(`${golden}_in`)];
    const model = buildOnHost(lowered);
    t.after(() => model.dispose());
    const [observed] = model.run([inputs]);
    assert.deepEqual(observed!.outputs, createOracle(graph).run(inputs));
    if (golden !== undefined) assert.deepEqual(observed!.outputs, [recorded(`${golden}_out`)]);
  });
}
