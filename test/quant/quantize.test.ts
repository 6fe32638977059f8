import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dataset } from '../../host/data/dataset.js';
import {
  add,
  concat,
  elu,
  mul,
  relu,
  relu6,
  sigmoid,
  softmax,
  sub,
  tanh,
} from '../../host/front/elementwise.js';
import {
  avgPool2d,
  batchNorm,
  conv2d,
  dense,
  depthwiseConv2d,
  dropout,
  flatten,
  globalAvgPool2d,
  input,
  maxPool2d,
  reshape,
  separableConv2d,
} from '../../host/front/layers.js';
import type { Tensor } from '../../host/front/tensor.js';
import { type Graph, getData, getValue, type Node } from '../../host/ir/graph.js';
import type { OpName } from '../../host/ir/ops.js';
import { print } from '../../host/ir/text.js';
import { calibrate } from '../../host/quant/calibrate.js';
import { diagnose } from '../../host/quant/diagnose.js';
import {
  prepareForQuantization,
  type QuantizeOptions,
  quantizeGraph,
} from '../../host/quant/quantize.js';
import type { Range } from '../../host/scheme/affine.js';
import { engineMissing, features, graphOf, images, theEngine } from './fixture.js';

const options = { skip: engineMissing };

/** Float32 rounding apart, int8 keeps some 40 dB per layer; a wrong scale or order leaves 10. */
const leastSnrDb = 25;

interface Quantized {
  readonly float: Graph;
  readonly int8: Graph;
  nodes(op: OpName): Node[];
}

async function quantized(
  build: () => Tensor,
  data: Dataset,
  rest: QuantizeOptions = {},
): Promise<Quantized> {
  const float = graphOf(build);
  const engine = await theEngine();
  const ranges = await calibrate(float, data, { engine, samples: 32, seed: 3 });
  const int8 = quantizeGraph(float, ranges, rest);
  for (const { id, snrDb } of await diagnose(float, int8, data, { engine, samples: 16, seed: 4 })) {
    assert.ok(snrDb > leastSnrDb, `%${id}: ${snrDb.toFixed(1)} dB\n${print(int8)}`);
  }
  return { float, int8, nodes: (op) => int8.nodes.filter((node) => node.op === op) };
}

const scaleOf = (graph: Graph, id: string): number => getValue(graph, id).quant!.scale[0]!;
const clampOf = (node: Node) => (node.attrs as { clamp?: readonly [number, number] }).clamp;

test('conv, relu, pool, dense: relu becomes a clamp, a pool keeps the scale', options, async () => {
  const { float, int8, nodes } = await quantized(
    () => {
      const x = maxPool2d(relu(conv2d(input([10, 10, 1]), 4, [3, 3], { padding: 'same' })), [2, 2]);
      return dense(flatten(x), 4);
    },
    images([10, 10, 1]),
  );
  assert.deepEqual(
    int8.nodes.map((node) => node.op),
    ['conv2d', 'maxPool2d', 'reshape', 'dense'],
  );
  const [image] = int8.inputs;
  assert.equal(scaleOf(int8, image!), Math.fround(1 / 255));
  assert.equal(getValue(int8, image!).quant!.zeroPoint[0], -128);
  const [conv] = nodes('conv2d');
  assert.deepEqual(clampOf(conv!), [-128, 127]);
  assert.equal(getValue(int8, conv!.output).quant!.zeroPoint[0], -128);
  const pool = nodes('maxPool2d')[0]!;
  assert.deepEqual(getValue(int8, pool.output).quant, getValue(int8, conv!.output).quant);
  const w = getValue(int8, conv!.inputs[1]!);
  assert.equal(w.quant!.axis, 0);
  assert.equal(w.dtype, 's8');
  assert.equal(getValue(int8, nodes('dense')[0]!.inputs[1]!).quant!.axis, undefined);
  const bias = getValue(int8, conv!.inputs[2]!);
  assert.equal(bias.dtype, 's32');
  assert.deepEqual(
    [...bias.quant!.scale],
    [...w.quant!.scale].map((s) => Math.fround(s * scaleOf(int8, image!))),
  );
  assert.deepEqual(int8.outputs, float.outputs);
});

test('dense layers take one scale per output by option', options, async () => {
  const { int8, nodes } = await quantized(
    () => dense(relu(dense(input([12]), 9)), 3),
    features([12]),
    {
      perAxisDense: true,
    },
  );
  for (const node of nodes('dense')) assert.equal(getValue(int8, node.inputs[1]!).quant!.axis, 0);
});

test('depthwise, separable, relu6, batch normalization folded, dropout gone', options, async () => {
  const { int8, nodes } = await quantized(
    () => {
      let x = relu6(batchNorm(conv2d(input([12, 12, 3]), 6, [3, 3], { strides: 2 })));
      x = relu(batchNorm(depthwiseConv2d(x, [3, 3], { padding: 'same' })));
      x = relu(separableConv2d(x, 8, [3, 3]));
      return dense(dropout(globalAvgPool2d(x), 0.2), 4);
    },
    images([12, 12, 3]),
  );
  assert.equal(nodes('batchNorm').length + nodes('dropout').length + nodes('relu').length, 0);
  assert.equal(nodes('relu6').length, 0);
  for (const node of nodes('depthwiseConv2d')) {
    assert.equal(getValue(int8, node.inputs[1]!).quant!.axis, 3);
  }
});

test(
  'a residual add, whose branches are also read elsewhere, and a relu that stays',
  options,
  async () => {
    const { nodes } = await quantized(
      () => {
        const x = conv2d(input([8, 8, 2]), 4, [3, 3], { padding: 'same' });
        const y = conv2d(relu(x), 4, [3, 3], { padding: 'same' });
        return dense(flatten(avgPool2d(relu(add(x, y)), [2, 2])), 3);
      },
      features([8, 8, 2]),
    );
    assert.equal(nodes('relu').length, 1, 'the relu of a value that add reads too');
    assert.equal(nodes('add').length, 1);
  },
);

test(
  'concat: branches of their own take its scale, shared ones are requantized',
  options,
  async () => {
    const { int8, nodes } = await quantized(
      () => {
        const x = input([6, 6, 2]);
        const a = relu(conv2d(x, 3, [3, 3], { padding: 'same' }));
        const b = maxPool2d(conv2d(x, 2, [1, 1]), [3, 3], { strides: 1, padding: 'same' });
        const c = conv2d(a, 2, [1, 1]);
        return dense(flatten(concat([a, b, c, x])), 3);
      },
      features([6, 6, 2]),
    );
    const [join] = nodes('concat');
    for (const id of join!.inputs) {
      assert.deepEqual(getValue(int8, id).quant, getValue(int8, join!.output).quant);
    }
    // Branch a and the input are read elsewhere too and keep their scales.
    assert.equal(nodes('requantize').length, 2);
  },
);

test(
  'mul with a constant, batch normalization that no layer takes in, softmax',
  options,
  async () => {
    const { int8, nodes } = await quantized(
      () => {
        const x = batchNorm(reshape(input([24]), [4, 6, 1]));
        const y = conv2d(mul(x, x), 4, [3, 3]);
        return softmax(dense(flatten(y), 5));
      },
      features([24]),
    );
    const [soft] = nodes('softmax');
    assert.deepEqual(getValue(int8, soft!.output).quant, {
      scheme: 'tflite',
      scale: Float32Array.of(1 / 256),
      zeroPoint: Int32Array.of(-128),
    });
    assert.ok(nodes('mul').length >= 2 && nodes('add').length === 1);
  },
);

test('the same seed gives the same graph, another seed another sample', options, async () => {
  const build = () => dense(relu(dense(input([12]), 9)), 3);
  const data = features([12], 2, 200);
  const run = async (seed: number) => {
    const float = graphOf(build);
    const ranges = await calibrate(float, data, { engine: await theEngine(), samples: 20, seed });
    return print(quantizeGraph(float, ranges));
  };
  assert.equal(await run(1), await run(1));
  assert.notEqual(await run(1), await run(2));
});

test('ops without an int8 form are refused by name, with what to use instead', () => {
  const body: [string, (x: Tensor) => Tensor][] = [
    ['elu', (x) => elu(x)],
    ['tanh', (x) => tanh(x)],
    ['sigmoid', (x) => sigmoid(x)],
    ['sub', (x) => sub(x, x)],
  ];
  for (const [op, layer] of body) {
    const graph = graphOf(() => dense(layer(dense(input([4]), 4)), 2));
    assert.throws(() => quantizeGraph(graph, new Map()), {
      code: 4,
      message: new RegExp(`^${op} \\(%\\w+`),
    });
  }
});

/** Ranges of every value, where no data is run. */
const rangesOf = (graph: Graph, range: Range) => {
  const { values } = prepareForQuantization(graph);
  return new Map([...values.keys()].map((id) => [id, range]));
};

test('a value without a range, or with one that is no number, is bad input', () => {
  const graph = graphOf(() => dense(input([4]), 2));
  assert.throws(() => quantizeGraph(graph, new Map()), { code: 3, message: /no range for %/ });
  const broken = rangesOf(graph, { min: Number.NaN, max: 1 });
  assert.throws(() => quantizeGraph(graph, broken), { code: 3, message: /NaN/ });
});

test('constant activations and weights of zero give usable scales', () => {
  const graph = graphOf(() => dense(relu(dense(input([4]), 3)), 2));
  const [weights] = [...graph.values.values()].filter(
    (v) => v.kind === 'const' && v.shape.length === 2,
  );
  const content = Float32Array.from(getData(graph, weights!.id) as Float32Array, (x, i) =>
    i < 4 ? 0 : x,
  );
  const dead = { ...graph, data: new Map(graph.data).set(weights!.id, content) };
  for (const perAxisDense of [false, true]) {
    const int8 = quantizeGraph(dead, rangesOf(dead, { min: 0, max: 0 }), { perAxisDense });
    for (const { quant } of int8.values.values()) {
      assert.ok(quant!.scale.every((s) => s > 0 && Number.isFinite(s)));
    }
    const stored = getData(int8, weights!.id) as Int8Array;
    assert.ok(stored.subarray(0, 4).every((q) => q === 0));
    assert.ok(stored.subarray(4).some((q) => q !== 0));
  }
});

test('a bias far larger than its products still fits int32', () => {
  const graph = graphOf(() => dense(input([4]), 2));
  const bias = [...graph.values.values()].find((v) => v.kind === 'const' && v.shape.length === 1)!;
  const large = { ...graph, data: new Map(graph.data).set(bias.id, Float32Array.of(3e6, -1)) };
  for (const perAxisDense of [false, true]) {
    const ranges = rangesOf(large, { min: -1e-3, max: 3e6 }).set(large.inputs[0]!, {
      min: 0,
      max: 1e-3,
    });
    const int8 = quantizeGraph(large, ranges, { perAxisDense });
    const stored = getData(int8, bias.id) as Int32Array;
    const scale = getValue(int8, bias.id).quant!.scale[0]!;
    assert.ok(Math.abs(stored[0]!) <= 2 ** 30 + 64);
    assert.ok(Math.abs(stored[0]! * scale - 3e6) < 3);
  }
});
