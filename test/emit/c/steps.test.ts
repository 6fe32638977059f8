import assert from 'node:assert/strict';
import { test } from 'node:test';
import { archs } from '../../../host/lower/lowered.js';
import { lower } from '../../../host/lower/pipeline.js';
import { createOracle } from '../../../host/quant/interpret/interpret.js';
import { channelsOf } from '../../lower/assert-same-bytes.js';
import { network, networks, randomInputs, randomNetwork } from '../../lower/networks.js';
import { prunedNetwork } from '../../lower/pruned.js';
import { sample } from '../../quick.js';
import { buildOnHost, hasTool } from './host-build.js';

const inferences = 4;
/** EDGE_NN_SEEDS=20-60 tests another range of seeds. */
const [first, last] = (process.env.EDGE_NN_SEEDS ?? '1-2').split('-').map(Number);
const seeds = Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);

const runs = archs.flatMap((arch) => seeds.map((seed) => ({ arch, seed })));

const makers = { ...networks, random: randomNetwork, pruned: prunedNetwork };

const cases = Object.entries(makers).flatMap(([name, make]) =>
  runs.map((run) => ({ name, make, ...run })),
);

for (const { name, make, arch, seed } of sample(cases)) {
  test(`emitted C of ${name} (seed ${seed}, ${arch}) equals the oracle at every step`, (t) => {
    if (!hasTool('cc')) return t.skip('no C compiler `cc` here');
    const graph = make(seed);
    const lowered = lower(graph, { arch, align: 4 });
    const oracle = createOracle(graph);
    const model = buildOnHost(lowered);
    t.after(() => model.dispose());
    const inputs = Array.from({ length: inferences }, (_, i) => randomInputs(graph, 10 + i));
    model.run(inputs).forEach(({ steps, outputs }, i) => {
      const expected = oracle.runAll(inputs[i]!);
      steps.forEach((bytes, k) => {
        const { source, node, channels } = lowered.steps[k]!;
        const whole = expected.get(source)!;
        const count = graph.values.get(source)!.shape.at(-1)!;
        const own = channels ? channelsOf(whole, count, channels) : whole;
        assert.deepEqual(bytes, own, `step ${k}: ${node.op} %${source}`);
      });
      outputs.forEach((bytes, k) => {
        assert.deepEqual(bytes, expected.get(graph.outputs[k]!), `output ${k}`);
      });
    });
  });
}

test('a model of reshapes alone has no step, and its output is its input', (t) => {
  if (!hasTool('cc')) return t.skip('no C compiler `cc` here');
  const n = network('reshapes', 1);
  const graph = n.finish(n.reshape(n.input([4, 6]), [24]));
  const model = buildOnHost(lower(graph));
  t.after(() => model.dispose());
  const inputs = randomInputs(graph, 1);
  assert.deepEqual(model.run([inputs]), [{ steps: [], outputs: inputs }]);
});

test('names from a model file cannot break out of the C', (t) => {
  if (!hasTool('cc')) return t.skip('no C compiler `cc` here');
  const n = network('*/ int x = 1; /* "??/', 1);
  const b = n.builder;
  const x = n.input([4]);
  const named = { id: 'double', name: 'été "\\ */ ??/\n', quant: n.quantOf(x) };
  const graph = n.finish(
    b.add('relu', [x], {}, named),
    b.add('relu6', [x], {}, { id: 'exp', quant: n.quantOf(x) }),
  );
  const lowered = lower(graph);
  const model = buildOnHost(lowered);
  t.after(() => model.dispose());
  const inputs = randomInputs(graph, 1);
  const expected = createOracle(graph).run(inputs);
  assert.deepEqual(model.run([inputs])[0]!.outputs, expected);
});
