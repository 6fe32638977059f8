import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { elements } from '../../../host/core/shape.js';
import { importTflite } from '../../../host/front/tflite/import-tflite.js';
import { getValue } from '../../../host/ir/graph.js';
import { archs } from '../../../host/lower/lowered.js';
import { lower } from '../../../host/lower/pipeline.js';
import { createOracle } from '../../../host/quant/interpret/interpret.js';
import { modelBytes, modelFiles, modelsFolder } from '../../format/support.js';
import { channelsOf } from '../../lower/assert-same-bytes.js';
import { sample } from '../../quick.js';
import { buildOnHost, hasTool } from './host-build.js';

/** Real int8 models, and what TensorFlow Lite Micro computed for them, where it is known. */
const models: Readonly<Record<string, string | undefined>> = {
  mlperftiny_ad01_int8: undefined,
  mlperftiny_ic01_resnet_int8: 'ic',
  mlperftiny_kws_ref_int8: 'kws',
  mlperftiny_sww_ref_int8: 'sww',
  mlperftiny_vww_96_int8: undefined,
  tflm_hello_world_int8: undefined,
  tflm_person_detect_int8: undefined,
  tinyengine_mcunet_vww: undefined,
};

/** The fixed input of the recorded outputs. */
const patternInput = (count: number): Int8Array =>
  Int8Array.from({ length: count }, (_, i) => (Math.imul(i, 1103515245) + 12345) >> 16);

const recorded = (name: string): Int8Array =>
  new Int8Array(readFileSync(join(modelsFolder, '..', 'tflm', `${name}_out.bin`)));

/** On the host, kernels of another core run in plain C. */
const cases = archs.flatMap((arch) =>
  Object.entries(models).map(([model, golden]) => ({ model, golden, arch })),
);

for (const { model, golden, arch } of sample(cases)) {
  const reference = golden === undefined ? 'the oracle' : 'oracle and TensorFlow Lite Micro';
  test(`emitted C of ${model} with ${arch} kernels equals ${reference}`, (t) => {
    if (!hasTool('cc')) return t.skip('no C compiler `cc` here');
    if (!modelFiles('.tflite').includes(`${model}.tflite`)) return t.skip(`no ${model} here`);
    const graph = importTflite(modelBytes(`${model}.tflite`), model);
    const lowered = lower(graph, { arch, align: 4 });
    const inputs = graph.inputs.map((id) => patternInput(elements(getValue(graph, id).shape)));
    const built = buildOnHost(lowered);
    t.after(() => built.dispose());
    const [observed] = built.run([inputs]);
    const expected = createOracle(graph).runAll(inputs);
    observed!.steps.forEach((bytes, k) => {
      const { source, channels } = lowered.steps[k]!;
      const whole = expected.get(source)!;
      const count = getValue(graph, source).shape.at(-1)!;
      const own = channels ? channelsOf(whole, count, channels) : whole;
      assert.deepEqual(bytes, own, `step ${k} %${source}`);
    });
    assert.deepEqual(
      observed!.outputs,
      graph.outputs.map((id) => expected.get(id)),
    );
    if (golden !== undefined) assert.deepEqual(observed!.outputs[0], recorded(golden));
  });
}
