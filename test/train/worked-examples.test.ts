/** The textbook's optimizer iterates, gradients, fits and moving averages. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { packageFile } from '../../host/core/package.js';
import { elements, type Shape } from '../../host/core/shape.js';
import { reference } from '../../host/engine/reference.js';
import {
  elu,
  leakyRelu,
  relu,
  relu6,
  selu,
  sigmoid,
  softmax,
  softplus,
  softsign,
  tanh,
} from '../../host/front/elementwise.js';
import { avgPool2d, conv2d, depthwiseConv2d, input, maxPool2d } from '../../host/front/layers.js';
import { model } from '../../host/front/model.js';
import type { Tensor } from '../../host/front/tensor.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import type { ValueId } from '../../host/ir/graph.js';
import { forTraining } from '../../host/rewrite/for-training.js';
import { rebatch } from '../../host/rewrite/rebatch.js';
import { gradients } from '../../host/train/grad.js';
import { optimizerNames, optimizers, resolveOptimizer } from '../../host/train/optimizers.js';

interface Array2 {
  readonly shape: Shape;
  readonly data: readonly number[];
}

interface Example {
  readonly name: string;
  readonly kind: string;
  readonly tolerance: number;
  readonly [key: string]: unknown;
}

const file = packageFile('..', 'shared', 'data', 'worked-examples.json');
const examples: readonly Example[] = existsSync(file)
  ? JSON.parse(readFileSync(file, 'utf8')).cases
  : [];
const missing = examples.length === 0 ? `no worked examples at ${file}` : false;
const ofKind = (kind: string) => examples.filter((example) => example.kind === kind);

function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) {
  assert.equal(found.length, expected.length);
  for (let i = 0; i < found.length; i++) {
    const message = `element ${i}: ${found[i]}, expected ${expected[i]}`;
    assert.ok(Math.abs(found[i]! - expected[i]!) <= tolerance, message);
  }
}

/** The iterates of an optimizer on f(x) = sum a_i (x_i - c_i)^2. */
function* iterates(example: Example): Generator<Float64Array> {
  const { learningRate, ...hyper } = example.params as Record<string, number>;
  const { name, hyper: numbers } = resolveOptimizer(example.optimizer as string, hyper);
  const { a, c } = example.objective as { a: number[]; c: number[] };
  const rule = optimizers[name];
  const type = { shape: [a.length], dtype: 'f32' } as const;
  const g = buildGraph({ name, stage: 'train' });
  const w = g.state(type, Float32Array.from(example.start as number[]), { id: 'w' });
  const rate = g.input({ shape: [], dtype: 'f32' }, { id: 'rate' });
  const offset = g.add('sub', [w, g.constant(type, Float32Array.from(c))], {});
  const twice = g.constant(
    type,
    Float32Array.from(a, (v) => 2 * v),
  );
  const grad = g.add('mul', [twice, offset], {});
  const slots = Object.entries(rule.slots(numbers)).map(([slot, start]) => {
    return [slot, g.state(type, new Float32Array(a.length).fill(start), { id: slot })] as const;
  });
  const ids = { w, g: grad, rate, slots: Object.fromEntries(slots) };
  const update = rule.update(g, ids, numbers);
  const graph = g.finish([update.w]);
  const feeds = new Map<ValueId, ArrayLike<number>>();
  for (let step = 1; ; step++) {
    feeds.set(rate, [rule.rate(learningRate!, step, numbers)]);
    const values = reference(graph, feeds);
    feeds.set(w, values.get(update.w)!);
    for (const [slot, id] of slots) feeds.set(id, values.get(update.slots[slot]!)!);
    yield values.get(update.w)!;
  }
}

test('optimizer iterates', { skip: missing }, async (t) => {
  for (const example of ofKind('optimizer')) {
    const known = optimizerNames.some((name) => name === example.optimizer);
    const skip = known ? false : `there is no optimizer ${example.optimizer}`;
    await t.test(example.name, { skip }, () => {
      const expected = new Map(Object.entries(example.iterates as Record<string, number[]>));
      const last = Math.max(...[...expected.keys()].map(Number));
      let step = 0;
      for (const w of iterates(example)) {
        const want = expected.get(String(++step));
        if (want) assertClose(w, want, example.tolerance);
        if (step >= last) break;
      }
      assert.equal(step, last);
    });
  }
});

type Attrs = Record<string, unknown>;
const windows = ({ strides, padding }: Attrs) => ({ strides, padding, useBias: false }) as never;

/** The layers whose gradients the examples ask for; x is the input, w the weights. */
const layers: Readonly<Record<string, (x: Tensor, attrs: Attrs, w?: Array2) => Tensor>> = {
  conv2d: (x, a, w) => conv2d(x, w!.shape[3]!, [w!.shape[0]!, w!.shape[1]!], windows(a)),
  depthwiseConv2d: (x, a, w) =>
    depthwiseConv2d(x, [w!.shape[0]!, w!.shape[1]!], {
      ...(windows(a) as object),
      multiplier: w!.shape[3]!,
    }),
  maxPool2d: (x, a) => maxPool2d(x, a.size as never, windows(a)),
  avgPool2d: (x, a) => avgPool2d(x, a.size as never, windows(a)),
  leakyRelu: (x, a) => leakyRelu(x, a),
  elu: (x, a) => elu(x, a),
  relu: (x) => relu(x),
  relu6: (x) => relu6(x),
  selu: (x) => selu(x),
  sigmoid: (x) => sigmoid(x),
  tanh: (x) => tanh(x),
  softplus: (x) => softplus(x),
  softsign: (x) => softsign(x),
  softmax: (x) => softmax(x),
};

/** [KH, KW, I, O] -> [O, KH, KW, I] for conv2d, [KH, KW, C, M] -> [1, KH, KW, C * M] as it is. */
function toGraph(op: string, { shape, data }: Array2): number[] {
  if (op === 'depthwiseConv2d') return [...data];
  const [o, rest] = [shape.at(-1)!, elements(shape.slice(0, -1))];
  return Array.from({ length: o * rest }, (_, i) => data[(i % rest) * o + Math.floor(i / rest)]!);
}

function gradientOf(example: Example) {
  const op = example.op as string;
  const { x, w } = example.inputs as { x: Array2; w?: Array2 };
  const layer = layers[op]!;
  const attrs = (example.attrs ?? {}) as Attrs;
  const float = model('m', () => layer(input(x.shape.slice(1)), attrs, w)).graph();
  const { graph } = forTraining(rebatch(float, x.shape[0]!));
  const builder = buildGraph(graph, graph);
  const upstream = example.upstream as Array2;
  const dy = builder.input({ shape: upstream.shape, dtype: 'f32' }, { id: 'dy' });
  const weights = graph.states[0]?.value;
  const wrt = [graph.inputs[0]!, ...(weights ? [weights] : [])];
  const grads = gradients(graph, builder, graph.outputs[0]!, dy, wrt);
  const feeds = new Map<ValueId, ArrayLike<number>>([
    [wrt[0]!, x.data],
    [dy, upstream.data],
    ...(w ? [[wrt[1]!, toGraph(op, w)] as const] : []),
  ]);
  const values = reference(builder.finish([...grads.values()]), feeds);
  return { x: values.get(grads.get(wrt[0]!)!), w: weights && values.get(grads.get(weights)!) };
}

test('gradients', { skip: missing }, async (t) => {
  for (const example of ofKind('gradient')) {
    const op = example.op as string;
    const skip = layers[op] ? false : `this test has no layer ${op}`;
    await t.test(example.name, { skip }, () => {
      const found = gradientOf(example);
      for (const [name, want] of Object.entries(example.expect as Record<string, Array2>)) {
        const expected = name === 'w' ? toGraph(op, want) : want.data;
        assertClose(found[name as 'x' | 'w'] as Float64Array, expected, example.tolerance);
      }
    });
  }
});

test('exponential moving averages', { skip: missing }, async (t) => {
  for (const example of ofKind('ema')) {
    await t.test(example.name, () => {
      const g = buildGraph({ name: 'ema', stage: 'train' });
      const a = g.input({ shape: [1], dtype: 'f32' });
      const b = g.input({ shape: [1], dtype: 'f32' });
      const y = g.add('ema', [a, b], { decay: example.decay as number });
      const graph = g.finish([y]);
      const [first, ...rest] = example.values as number[];
      const found = [first!];
      for (const value of rest) {
        const feeds = new Map([
          [a, [found.at(-1)!]],
          [b, [value]],
        ]);
        found.push(reference(graph, feeds).get(y)![0]!);
      }
      assertClose(found, example.expect as number[], example.tolerance);
    });
  }
});
