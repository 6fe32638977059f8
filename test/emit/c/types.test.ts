/** Emitted C of int16 activations and 4-bit weights, step by step against the oracle. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf } from '../../../host/core/dtype.js';
import { patternInputs } from '../../../host/eval/bench.js';
import { lower } from '../../../host/lower/pipeline.js';
import { createOracle } from '../../../host/quant/interpret/interpret.js';
import { typedNetwork, typings } from '../../quant/typed-network.js';
import { sample } from '../../quick.js';
import { buildOnHost, hasTool } from './host-build.js';

const archs = ['ref', 'dsp'] as const;
const cases = Object.keys(typings).flatMap((name) => archs.map((arch) => ({ name, arch })));

for (const { name, arch } of sample(cases)) {
  test(`emitted C of a network of types ${name} with ${arch} kernels equals the oracle`, (t) => {
    if (!hasTool('cc')) return t.skip('no C compiler `cc` here');
    const graph = typedNetwork(name);
    const lowered = lower(graph, { arch, align: 4 });
    const inputs = patternInputs(graph);
    const built = buildOnHost(lowered);
    t.after(() => built.dispose());
    const [observed] = built.run([inputs.map((x) => new Int8Array(bytesOf(x).slice().buffer))]);
    const expected = createOracle(graph).runAll(inputs);
    const bytes = (id: string) => new Int8Array(bytesOf(expected.get(id)!).slice().buffer);
    observed!.steps.forEach((got, k) => {
      const { source } = lowered.steps[k]!;
      assert.deepEqual(got, bytes(source), `step ${k} %${source}`);
    });
    assert.deepEqual(observed!.outputs, graph.outputs.map(bytes));
    if (arch === 'dsp') {
      const kernels = lowered.steps.map(({ kernel }) => kernel.name);
      assert.ok(kernels.some((kernel) => /s16w8.*dsp|s8w4.*dsp/.test(kernel)));
    }
  });
}
