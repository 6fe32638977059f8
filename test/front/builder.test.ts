import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadInputError } from '../../host/core/errors.js';
import { elements } from '../../host/core/shape.js';
import * as e from '../../host/front/elementwise.js';
import * as l from '../../host/front/layers.js';
import { type Model, model } from '../../host/front/model.js';
import type { Tensor } from '../../host/front/tensor.js';
import { type Graph, getValue } from '../../host/ir/graph.js';
import { print } from '../../host/ir/text.js';

const parameters = (graph: Graph): number =>
  [...graph.values.values()]
    .filter(({ trainable }) => trainable)
    .reduce((n, { shape }) => n + elements(shape), 0);

const lenet = (): Model =>
  model(
    'lenet5',
    () => {
      let x = l.input([28, 28, 1]);
      x = l.maxPool2d(e.relu(l.conv2d(x, 6, [5, 5], { padding: 'same' })), [2, 2]);
      x = l.maxPool2d(e.relu(l.conv2d(x, 16, [5, 5])), [2, 2]);
      x = e.relu(l.dense(l.flatten(x), 120));
      x = e.relu(l.dense(x, 84));
      return l.dense(x, 10);
    },
    { loss: 'softmaxCrossEntropy', labels: [...'0123456789'] },
  );

/** The shape (without batch) and the graph of a one-branch model on an input. */
function built(shape: readonly number[], build: (x: Tensor) => Tensor) {
  let out: Tensor | undefined;
  const graph = model('m', () => {
    out = build(l.input(shape));
    return out;
  }).graph();
  return { graph, shape: out!.shape, node: graph.nodes.at(-1)! };
}

test('LeNet-5: shapes, names and 61,706 parameters', () => {
  const graph = lenet().graph(1);
  assert.equal(parameters(graph), 61_706);
  assert.equal(graph.loss, 'softmaxCrossEntropy');
  assert.deepEqual(
    graph.nodes.map(({ op, output }) => `${op} ${output} ${getValue(graph, output).shape}`),
    [
      'conv2d conv1 1,28,28,6',
      'relu relu1 1,28,28,6',
      'maxPool2d maxpool1 1,14,14,6',
      'conv2d conv2 1,10,10,16',
      'relu relu2 1,10,10,16',
      'maxPool2d maxpool2 1,5,5,16',
      'reshape flatten1 1,400',
      'dense dense1 1,120',
      'relu relu3 1,120',
      'dense dense2 1,84',
      'relu relu4 1,84',
      'dense dense3 1,10',
    ],
  );
  assert.deepEqual(getValue(graph, 'conv1.w').shape, [6, 5, 5, 1]);
  assert.deepEqual(getValue(graph, 'dense3.w').shape, [10, 84]);
});

test('the weights are a pure function of the seed, one stream per parameter', () => {
  assert.equal(print(lenet().graph(7)), print(lenet().graph(7)));
  assert.notEqual(print(lenet().graph(7)), print(lenet().graph(8)));
  const { graph } = built([6], (x) => l.dense(l.dense(x, 6), 6));
  assert.notDeepEqual(graph.data.get('dense1.w'), graph.data.get('dense2.w'));
});

test('He and Glorot initialization have their variances', () => {
  const variance = (initializer: 'he' | 'glorot'): number => {
    const { graph } = built([100], (x) => l.dense(x, 300, { initializer }));
    const w = graph.data.get('dense1.w') as Float32Array;
    return w.reduce((sum, v) => sum + v * v, 0) / w.length;
  };
  assert.ok(Math.abs(variance('he') / (2 / 100) - 1) < 0.03);
  assert.ok(Math.abs(variance('glorot') / (2 / 400) - 1) < 0.03);
});

test('windows: strides, padding and dilation', () => {
  const conv = (options: l.ConvOptions) =>
    built([10, 9, 2], (x) => l.conv2d(x, 3, [3, 2], options));
  assert.deepEqual(conv({}).shape, [8, 8, 3]);
  assert.deepEqual(conv({ strides: 2 }).shape, [4, 4, 3]);
  assert.deepEqual(conv({ strides: [1, 3], padding: 'same' }).shape, [10, 3, 3]);
  assert.deepEqual(conv({ padding: [2, 1, 0, 4] }).shape, [11, 12, 3]);
  assert.deepEqual(conv({ dilation: [2, 1] }).shape, [6, 8, 3]);
  const { node } = conv({ padding: 'same', strides: 2 });
  assert.deepEqual(node.attrs, { stride: [2, 2], pad: [0, 1, 0, 1], dilation: [1, 1] });
  assert.deepEqual(built([7, 7, 2], (x) => l.maxPool2d(x, 2)).shape, [3, 3, 2]);
  const pool = built([7, 7, 2], (x) => l.avgPool2d(x, [3, 3], { strides: 1, padding: 'same' }));
  assert.deepEqual(pool.shape, [7, 7, 2]);
});

test('depthwise and separable convolution', () => {
  const deep = built([8, 8, 3], (x) => l.depthwiseConv2d(x, [3, 3], { multiplier: 2 }));
  assert.deepEqual(deep.shape, [6, 6, 6]);
  assert.deepEqual(getValue(deep.graph, 'depthwise1.w').shape, [1, 3, 3, 6]);
  const separable = built([8, 8, 3], (x) => l.separableConv2d(x, 5, 3, { padding: 'same' }));
  assert.deepEqual(separable.shape, [8, 8, 5]);
  assert.equal(parameters(separable.graph), 27 + 15 + 5);
  assert.deepEqual(
    separable.graph.nodes.map(({ output }) => output),
    ['separable1.depthwise', 'separable1'],
  );
});

test('useBias: false leaves the bias out', () => {
  const { graph } = built([4], (x) => l.dense(x, 2, { useBias: false }));
  assert.equal(parameters(graph), 8);
});

test('the other layers', () => {
  assert.deepEqual(built([4, 5, 3], (x) => l.globalAvgPool2d(x)).shape, [3]);
  assert.deepEqual(built([4, 5, 3], (x) => l.reshape(x, [20, 3])).shape, [20, 3]);
  assert.deepEqual(built([4, 5, 3], (x) => e.concat([x, e.relu6(x)])).shape, [4, 5, 6]);
  assert.deepEqual(built([4, 5, 3], (x) => e.concat([x, x], { axis: 0 })).shape, [8, 5, 3]);
  const norm = built([4, 5, 3], (x) => l.batchNorm(x));
  assert.deepEqual(
    norm.graph.states.map(({ value }) => value),
    ['norm1.mean', 'norm1.variance'],
  );
  for (const layer of [e.relu, e.relu6, e.leakyRelu, e.elu, e.selu, e.sigmoid, e.tanh]) {
    assert.deepEqual(built([4, 5], (x) => layer(x)).shape, [4, 5]);
  }
  for (const layer of [e.softplus, e.softsign, e.softmax]) {
    assert.deepEqual(built([7], (x) => layer(x)).shape, [7]);
  }
  assert.equal(built([7], (x) => l.dropout(x, 0.25)).node.op, 'dropout');
});

test('a vector multiplies the channels of an image, whatever the batch', () => {
  const { graph, shape } = built([4, 5, 3], (x) => e.mul(x, e.sigmoid(l.globalAvgPool2d(x))));
  assert.deepEqual(shape, [4, 5, 3]);
  assert.deepEqual(getValue(graph, 'mul1.aligned').shape, [1, 1, 1, 3]);
});

test('names given by the user', () => {
  const { graph } = built([4], (x) => l.dense(l.dense(x, 2, { name: 'head' }), 2));
  assert.deepEqual(
    graph.nodes.map(({ output }) => output),
    ['head', 'dense1'],
  );
  assert.ok(graph.values.has('head.w'));
});

const wrong: Record<string, [() => Tensor, RegExp]> = {
  'a window that is too large': [() => l.conv2d(l.input([4, 4, 1]), 1, 5), /conv1.*5x5/],
  'dense on an image': [() => l.dense(l.input([4, 4, 1]), 3), /dense1.*\[4,4,1\]/],
  'no filters': [() => l.conv2d(l.input([4, 4, 1]), 0, 3), /conv1: filters/],
  'filters of another type': [
    () => l.conv2d(l.input([4, 4, 1]), [3, 3] as never, 3),
    /conv1: filters .* \[3, 3\]/,
  ],
  'no tensor': [() => l.dense(undefined as never, 3), /dense: expected a tensor, got undefined/],
  'an unknown padding': [
    () => l.conv2d(l.input([4, 4, 1]), 1, 3, { padding: 'half' as never }),
    /conv1: unknown padding "half"/,
  ],
  'shapes that do not add': [
    () => {
      const x = l.input([4]);
      return e.add(l.dense(x, 3), l.dense(x, 2));
    },
    /add1.*\[1,3\] and \[1,2\]/,
  ],
  'a reshape that loses elements': [
    () => l.reshape(l.input([4]), [3]),
    /reshape1: .*\[4\] to \[3\]/,
  ],
  'a rate of 1': [() => l.dropout(l.input([4]), 1), /dropout1: rate/],
  'two layers of one name': [
    () => e.relu(e.relu(l.input([4]), { name: 'a' }), { name: 'a' }),
    /a: two layers/,
  ],
  'a name with spaces': [() => e.relu(l.input([4]), { name: 'a b' }), /"a b" is not allowed/],
  'an input of no size': [() => l.input([]), /input: expected a shape/],
  'an axis outside': [() => e.concat([l.input([4])], { axis: 1 }), /concat1: axis 1/],
  'a result that is no tensor': [() => 3 as never, /the result of model m/],
};

for (const [what, [build, message]] of Object.entries(wrong)) {
  test(`refuses ${what}, naming the layer`, () => {
    assert.throws(
      () => model('m', build).graph(),
      (error: unknown) =>
        error instanceof BadInputError && message.test(error.message) && error.hint.length > 10,
    );
  });
}

test('refuses labels that do not fit the output, and an unknown loss', () => {
  const build = () => l.dense(l.input([4]), 3);
  assert.throws(() => model('m', build, { labels: ['a', 'b'] }).graph(), /2 labels.*\[3\]/);
  assert.throws(() => model('m', build, { loss: 'hinge' as never }), /unknown loss "hinge"/);
});

test('refuses input outside of a model, and tensors of another model', () => {
  assert.throws(() => l.input([4]), /outside of a model/);
  let stray: Tensor | undefined;
  model('a', () => {
    stray = l.input([4]);
    return stray;
  }).graph();
  assert.throws(
    () => model('b', () => e.add(l.input([4]), stray!)).graph(),
    /two different models/,
  );
  assert.throws(() => model('b', () => stray!).graph(), /another model/);
});
