/**
 * 3x3 convolutions with fewer multiplications: against the definition, and where the engine takes
 * them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine } from '../../host/engine/engine.js';
import { convolution } from '../../host/engine/kernels/conv-path.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import { print } from '../../host/ir/text.js';
import { reference } from '../reference/reference.js';
import { contents, Source } from './f32-source.js';

/** Largest error, in units of the largest number: that of the direct kernels. */
const tolerance = 4e-6;

const variants = ['simd128', 'relaxed'] as const;
const engines = await Promise.all(
  variants.map((variant) => createEngine('wasm', { variant }).catch(() => undefined)),
);

/** One convolution of a random size with its gradients; odd sizes, paddings that differ by side. */
function draw(seed: number) {
  const s = new Source(seed);
  const pad = [s.int(0, 2), s.int(0, 2), s.int(0, 2), s.int(0, 2)] as const;
  const [h, w] = [s.int(3, 14), s.int(3, 14)];
  const [n, c, oc] = [s.int(1, 11), 16 * s.int(1, 3), 16 * s.int(1, 3)];
  const image = [n, h, w, c];
  const result = [n, h + pad[0] + pad[1] - 2, w + pad[2] + pad[3] - 2, oc];
  const window = { stride: [1, 1], pad: pad, dilation: [1, 1] } as const;
  const g = buildGraph({ name: `winograd${seed}`, stage: 'train' });
  const shapes = [image, [oc, 3, 3, c], [oc], result];
  const [x, weights, bias, dy] = shapes.map((shape) => g.input({ shape, dtype: 'f32' })) as [
    string,
    string,
    string,
    string,
  ];
  const graph = g.finish([
    g.add('conv2d', seed % 2 ? [x, weights, bias] : [x, weights], window),
    g.add('conv2dGradInput', [dy, weights], { ...window, inputShape: image }),
    g.add('conv2dGradWeights', [x, dy], { ...window, kernel: [3, 3] }),
  ]);
  const ids = [x, weights, bias, dy];
  const feeds = new Map<string, Float32Array>(
    ids.map((id, i) => [id, contents({ shape: shapes[i]! }, s) as Float32Array]),
  );
  return { graph, feeds };
}

for (const [i, engine] of engines.entries()) {
  const skip = engine ? false : `this runtime has no variant ${variants[i]}`;
  test(`wasm ${variants[i]}: conv2d and its gradients by tiles equal the definition`, {
    skip,
  }, () => {
    for (let seed = 1; seed <= 25; seed++) {
      const { graph, feeds } = draw(seed);
      process.env.EDGE_NN_CONV = 'winograd';
      const program = engine!.compile(graph);
      delete process.env.EDGE_NN_CONV;
      for (const [id, data] of feeds) program.write(id, data);
      program.run();
      const expected = reference(graph, feeds);
      for (const id of graph.outputs) {
        const values = Array.from(expected.get(id)!);
        const most = values.reduce((max, v) => Math.max(max, Math.abs(v)), 1);
        const found = program.read(id) as Float32Array;
        const worst = values.reduce((max, v, k) => Math.max(max, Math.abs(found[k]! - v)), 0);
        assert.ok(worst <= tolerance * most, `%${id} is off by ${worst}\n${print(graph)}`);
      }
      program.dispose();
    }
  });
}

const window = (n: number, size: number, c: number, oc: number, rest: readonly number[]) => [
  ...[n, size, size, c, size, size, oc],
  ...rest,
];
const plain = [3, 3, 1, 1, 1, 1, 1, 1];

test('the engine takes tiles for 3x3 kernels of whole vectors of channels', () => {
  for (const kernel of ['conv2d', 'conv2d_grad_input', 'conv2d_grad_weights'] as const) {
    const chosen = (...args: Parameters<typeof window>) =>
      convolution(kernel, window(...args)).kernel;
    assert.equal(chosen(4, 32, 16, 16, plain), `${kernel}_winograd`);
    assert.equal(chosen(8, 8, 64, 64, plain), `${kernel}_winograd`);
    assert.equal(chosen(4, 32, 3, 16, plain), kernel);
    assert.equal(chosen(4, 32, 16, 24, plain), kernel);
    assert.equal(chosen(1, 8, 64, 64, plain), kernel, 'too few tiles for the weights');
    assert.equal(chosen(4, 32, 16, 16, [3, 3, 2, 2, 0, 0, 1, 1]), kernel, 'a stride');
    assert.equal(chosen(4, 32, 16, 16, [3, 3, 1, 1, 2, 2, 2, 2]), kernel, 'a dilation');
    assert.equal(chosen(4, 32, 16, 16, [5, 5, 1, 1, 2, 2, 1, 1]), kernel);
  }
});
