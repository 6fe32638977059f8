/**
 * Batch normalization over a training: the moving averages of its statistics, what inference makes
 * of them, and its folding into the convolution before it, all in the engine against the formulas.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine } from '../../host/engine/engine.js';
import { batchNorm, conv2d, input } from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import { type Graph, getValue, type ValueId } from '../../host/ir/graph.js';
import { foldBatchNorm } from '../../host/rewrite/fold-batch-norm.js';
import { forInference } from '../../host/rewrite/for-inference.js';
import { rebatch } from '../../host/rewrite/rebatch.js';
import { withData } from '../../host/train/checkpoint.js';
import { resolveOptimizer } from '../../host/train/optimizers.js';
import { buildTrainGraph } from '../../host/train/train-graph.js';
import { largestDifference, normals } from './fixtures/numbers.js';

const engine = await createEngine();
const batch = 6;
const channels = 3;
const momentum = 0.7;
const epsilon = 0.01;
const steps = 5;

const floatGraph = (): Graph =>
  model(
    'm',
    () => {
      const y = conv2d(input([5, 4, 2]), channels, 3, { name: 'c' });
      return batchNorm(y, { momentum, epsilon, name: 'n' });
    },
    { loss: 'sumSquares' },
  ).graph(4);

/** Runs steps of rate 0; the outputs of the convolution and the statistics after every step. */
function trained() {
  const train = buildTrainGraph(floatGraph(), batch, resolveOptimizer('sgd'));
  const program = engine.compile(train.graph, { keep: ['c'] });
  program.write(train.rate, Float32Array.of(0));
  const history = Array.from({ length: steps }, (_, i) => {
    const x = normals(batch * 40, i).map((v) => v * (i + 1) + i);
    program.write(train.input, Float32Array.from(x));
    program.run();
    const read = (id: ValueId) => [...(program.read(id) as Float32Array)];
    return { c: read('c'), mean: read('n.mean'), variance: read('n.variance') };
  });
  const ids = ['c.w', 'c.b', 'n.gamma', 'n.beta', 'n.mean', 'n.variance'];
  const weights = ids.map((id) => [id, program.read(id) as Float32Array<ArrayBuffer>] as const);
  program.dispose();
  return { history, graph: withData(floatGraph(), new Map(weights)) };
}

const average = (values: readonly number[]): number =>
  values.reduce((sum, v) => sum + v, 0) / values.length;

test('the moving statistics are exponential averages of the statistics of the batches', () => {
  const moving = { mean: new Array(channels).fill(0), variance: new Array(channels).fill(1) };
  trained().history.forEach(({ c, mean, variance }, step) => {
    for (let k = 0; k < channels; k++) {
      const own = c.filter((_, i) => i % channels === k);
      const centre = average(own);
      const spread = average(own.map((v) => (v - centre) ** 2));
      moving.mean[k] = momentum * moving.mean[k] + (1 - momentum) * centre;
      moving.variance[k] = momentum * moving.variance[k] + (1 - momentum) * spread;
    }
    assert.ok(largestDifference(mean, moving.mean) < 2e-6, `mean after step ${step + 1}`);
    assert.ok(largestDifference(variance, moving.variance) < 2e-6, `variance, ${step + 1}`);
  });
});

/** The outputs of a graph for the same random images. */
function run(graph: Graph, keep: readonly ValueId[] = []) {
  const program = engine.compile(rebatch(graph, batch), { keep });
  program.write(graph.inputs[0]!, Float32Array.from(normals(batch * 40, 77)));
  program.run();
  const results = [...graph.outputs, ...keep].map((id) => program.read(id) as Float32Array);
  program.dispose();
  return results;
}

test('inference uses the moving statistics; folded into the convolution it gives the same', () => {
  const { graph, history } = trained();
  const inference = forInference(graph);
  const [y, c] = run(inference, ['c']);
  const { mean, variance } = history.at(-1)!;
  const expected = c!.map((v, i) => {
    const k = i % channels;
    return (v - mean[k]!) / Math.sqrt(variance[k]! + epsilon);
  });
  assert.ok(largestDifference(y!, expected) < 2e-6);
  const folded = foldBatchNorm(inference);
  assert.deepEqual(
    folded.nodes.map(({ op }) => op),
    ['conv2d'],
  );
  assert.equal(getValue(folded, folded.outputs[0]!).name, getValue(graph, graph.outputs[0]!).name);
  assert.ok(largestDifference(run(folded)[0]!, y!) < 2e-6);
});
