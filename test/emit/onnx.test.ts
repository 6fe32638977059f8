/**
 * Exported .onnx files, run by onnxruntime. Whole networks are compared with the TFLite
 * interpreter, which runs the file that the graph was imported from; single ops with formulas.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { elements, type Shape } from '../../host/core/shape.js';
import { exportOnnx } from '../../host/emit/onnx/onnx.js';
import { readOnnx } from '../../host/format/onnx.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import { buildGraph, type GraphBuilder } from '../../host/ir/build-graph.js';
import type { Graph, ValueId } from '../../host/ir/graph.js';
import { generator, modelBytes, modelFiles, modelsFolder } from '../format/support.js';
import { loadTfliteInterpreter } from './tfjs-tflite.js';

/** Largest difference allowed, relative to the largest output. */
const tolerance = 1e-4;

const f32 = (...shape: number[]) => ({ shape, dtype: 'f32' }) as const;

function floats(count: number, seed: number): Float32Array {
  const random = generator(seed);
  return Float32Array.from({ length: count }, () => random(2001) / 1000 - 1);
}

function constant(g: GraphBuilder, id: string, shape: Shape, seed: number): ValueId {
  return g.constant({ shape, dtype: 'f32' }, floats(elements(shape), seed), { id });
}

/** Runs an exported graph on inputs of any batch; outputs by value id. */
async function runOnnx(
  graph: Graph,
  inputs: Readonly<Record<string, { readonly data: Float32Array; readonly shape: Shape }>>,
): Promise<{ readonly data: Float32Array; readonly dims: readonly number[] }[]> {
  const session = await InferenceSession.create(exportOnnx(graph), { logSeverityLevel: 3 });
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([id, { data, shape }]) => [id, new Tensor('float32', data, shape)]),
  );
  const results = await session.run(feeds);
  return session.outputNames.map((name) => {
    const { data, dims } = results[name]!;
    return { data: data as Float32Array, dims };
  });
}

function assertClose(got: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.equal(got.length, expected.length, what);
  const largest = Math.max(1, ...Array.from(expected, Math.abs));
  for (let i = 0; i < got.length; i++) {
    const difference = Math.abs(got[i]! - expected[i]!) / largest;
    assert.ok(difference <= tolerance, `${what}[${i}]: ${got[i]} != ${expected[i]}`);
  }
}

/** Calls visit for every position of a window of x [H, W], inside the image only. */
function window(
  at: readonly [number, number],
  size: readonly [number, number],
  { stride, pad, dilation }: { stride: number[]; pad: number[]; dilation: number[] },
  [height, width]: readonly [number, number],
  visit: (y: number, x: number, u: number, v: number) => void,
): void {
  for (let u = 0; u < size[0]; u++) {
    for (let v = 0; v < size[1]; v++) {
      const y = at[0] * stride[0]! + u * dilation[0]! - pad[0]!;
      const x = at[1] * stride[1]! + v * dilation[1]! - pad[2]!;
      if (y >= 0 && y < height && x >= 0 && x < width) visit(y, x, u, v);
    }
  }
}

const image = { height: 6, width: 5, channels: 3 };
const imageShape = [1, image.height, image.width, image.channels];
const x = floats(elements(imageShape), 21);
const pixel = (y: number, xx: number, c: number) => x[(y * image.width + xx) * image.channels + c]!;

test('export .onnx: conv2d with stride, dilation and one-sided padding', async () => {
  const g = buildGraph({ name: 'conv', stage: 'float' });
  const input = g.input(f32(...imageShape), { id: 'x' });
  const w = constant(g, 'w', [4, 3, 2, 3], 22);
  const b = constant(g, 'b', [4], 23);
  const attrs = { stride: [2, 1], pad: [2, 1, 0, 1], dilation: [1, 2] } as const;
  const y = g.add('conv2d', [input, w, b], attrs, { id: 'y' });
  const graph = g.finish([y]);
  const [, oh, ow] = graph.values.get('y')!.shape as [number, number, number, number];
  const weight = graph.data.get('w') as Float32Array;
  const expected: number[] = [];
  for (let i = 0; i < oh; i++) {
    for (let j = 0; j < ow; j++) {
      for (let o = 0; o < 4; o++) {
        let sum = (graph.data.get('b') as Float32Array)[o]!;
        const plain = { stride: [2, 1], pad: [2, 1, 0, 1], dilation: [1, 2] };
        window([i, j], [3, 2], plain, [image.height, image.width], (yy, xx, u, v) => {
          for (let c = 0; c < 3; c++)
            sum += pixel(yy, xx, c) * weight[((o * 3 + u) * 2 + v) * 3 + c]!;
        });
        expected.push(sum);
      }
    }
  }
  const [out] = await runOnnx(graph, { x: { data: x, shape: imageShape } });
  assert.deepEqual(out?.dims, graph.values.get('y')?.shape);
  assertClose(out!.data, expected, 'conv2d');
});

test('export .onnx: depthwise with a multiplier, and pools that skip the padding', async () => {
  const g = buildGraph({ name: 'windows', stage: 'float' });
  const input = g.input(f32(...imageShape), { id: 'x' });
  const w = constant(g, 'w', [1, 3, 3, 6], 24);
  const unit = { stride: [1, 1], pad: [1, 0, 0, 1], dilation: [1, 1] };
  const same = { stride: [1, 1], pad: [1, 0, 0, 1], dilation: [1, 1] } as const;
  const pool = { size: [2, 3], stride: [1, 1], pad: [1, 0, 0, 1] } as const;
  const outputs = [
    g.add('depthwiseConv2d', [input, w], same, { id: 'd' }),
    g.add('maxPool2d', [input], pool, { id: 'm' }),
    g.add('avgPool2d', [input], pool, { id: 'a' }),
  ];
  const graph = g.finish(outputs);
  const weight = graph.data.get('w') as Float32Array;
  const each = (id: string, channels: number, f: (i: number, j: number, c: number) => number) => {
    const [, h, ww] = graph.values.get(id)!.shape as [number, number, number];
    return Array.from({ length: h * ww * channels }, (_, at) =>
      f(Math.floor(at / channels / ww), Math.floor(at / channels) % ww, at % channels),
    );
  };
  const size: [number, number] = [image.height, image.width];
  const depthwise = each('d', 6, (i, j, c) => {
    let sum = 0;
    window([i, j], [3, 3], unit, size, (yy, xx, u, v) => {
      sum += pixel(yy, xx, Math.floor(c / 2)) * weight[(u * 3 + v) * 6 + c]!;
    });
    return sum;
  });
  const seen = (i: number, j: number, c: number) => {
    const list: number[] = [];
    window([i, j], [2, 3], unit, size, (yy, xx) => list.push(pixel(yy, xx, c)));
    return list;
  };
  const max = each('m', 3, (i, j, c) => Math.max(...seen(i, j, c)));
  const mean = each('a', 3, (i, j, c) => {
    const list = seen(i, j, c);
    return list.reduce((a, b) => a + b) / list.length;
  });
  const [d, m, a] = await runOnnx(graph, { x: { data: x, shape: imageShape } });
  assertClose(d!.data, depthwise, 'depthwise');
  assertClose(m!.data, max, 'max pool');
  assertClose(a!.data, mean, 'average pool');
});

test('export .onnx: every op of one operand', async () => {
  const g = buildGraph({ name: 'unary', stage: 'float' });
  const input = g.input(f32(1, 8), { id: 'x' });
  const data = Float32Array.of(-7, -1.5, -0.25, 0, 0.5, 1, 5.5, 9);
  const seluScale = 1.0507009873554805;
  const formulas: [ValueId, (v: number) => number][] = [
    [g.add('relu', [input], {}), (v) => Math.max(v, 0)],
    [g.add('relu6', [input], {}), (v) => Math.min(Math.max(v, 0), 6)],
    [g.add('leakyRelu', [input], { alpha: 0.1 }), (v) => (v > 0 ? v : 0.1 * v)],
    [g.add('elu', [input], { alpha: 0.5 }), (v) => (v > 0 ? v : 0.5 * Math.expm1(v))],
    [
      g.add('selu', [input], {}),
      (v) => seluScale * (v > 0 ? v : 1.6732632423543772 * Math.expm1(v)),
    ],
    [g.add('sigmoid', [input], {}), (v) => 1 / (1 + Math.exp(-v))],
    [g.add('tanh', [input], {}), Math.tanh],
    [g.add('softplus', [input], {}), (v) => Math.log1p(Math.exp(v))],
    [g.add('softsign', [input], {}), (v) => v / (1 + Math.abs(v))],
    [g.add('scale', [input], { factor: -2.5 }), (v) => -2.5 * v],
    [g.add('dropout', [input], { rate: 0.5 }), (v) => v],
    [
      g.add('rsqrt', [g.add('mul', [input, input], {})], { epsilon: 0.5 }),
      (v) => 1 / Math.sqrt(v * v + 0.5),
    ],
  ];
  const graph = g.finish(formulas.map(([id]) => id));
  const outputs = await runOnnx(graph, { x: { data, shape: [1, 8] } });
  for (const [i, [id, f]] of formulas.entries()) {
    assertClose(outputs[i]!.data, Array.from(data, f), id);
  }
});

test('export .onnx: arithmetic, reductions, batch norm and shapes, for any batch', async () => {
  const g = buildGraph({ name: 'rest', stage: 'float' });
  const a = g.input(f32(1, 2, 3), { id: 'a' });
  const row = constant(g, 'row', [3], 31);
  const parameters = ['gamma', 'beta', 'mean'].map((id, i) => constant(g, id, [6], 32 + i));
  const variance = g.constant(f32(6), Float32Array.of(1, 2, 3, 4, 5, 6), { id: 'variance' });
  const flat = g.add('reshape', [a], { shape: [6] }, { id: 'flat' });
  const outputs = [
    g.add('sub', [a, row], {}, { id: 'sub' }),
    g.add('div', [row, g.add('add', [g.add('mul', [a, a], {}), row], {})], {}, { id: 'div' }),
    g.add('batchNorm', [flat, ...parameters, variance], { epsilon: 0.01 }, { id: 'bn' }),
    g.add('softmax', [flat], {}, { id: 'soft' }),
    g.add('sum', [a], { axes: [2], keepDims: true }, { id: 'sum' }),
    g.add('variance', [a], { axes: [1, 2], keepDims: false }, { id: 'var' }),
    g.add('concat', [a, a], { axis: 1 }, { id: 'cat' }),
    g.add('pad', [a], { padding: [0, 0, 1, 0, 0, 2] }, { id: 'padded' }),
  ];
  const graph = g.finish(outputs);
  const data = floats(12, 35);
  const results = await runOnnx(graph, { a: { data, shape: [2, 2, 3] } });
  const [sub, div, bn, soft, sum, vari, cat, padded] = results.map((r) => [...r.data]);
  const c = (id: string, i: number) => (graph.data.get(id) as Float32Array)[i]!;
  const v = [...data];
  assertClose(
    sub!,
    v.map((q, i) => q - c('row', i % 3)),
    'sub',
  );
  assertClose(
    div!,
    v.map((q, i) => c('row', i % 3) / (q * q + c('row', i % 3))),
    'div',
  );
  const normal = (q: number, i: number) =>
    (c('gamma', i) * (q - c('mean', i))) / Math.sqrt(c('variance', i) + 0.01) + c('beta', i);
  assertClose(
    bn!,
    v.map((q, i) => normal(q, i % 6)),
    'batchNorm',
  );
  const halves = [v.slice(0, 6), v.slice(6)];
  const total = (list: readonly number[]) => list.reduce((p, q) => p + q, 0);
  const soften = (h: number[]) => h.map((q) => Math.exp(q) / total(h.map(Math.exp)));
  assertClose(soft!, halves.flatMap(soften), 'softmax');
  assertClose(
    sum!,
    [0, 3, 6, 9].map((i) => total(v.slice(i, i + 3))),
    'sum',
  );
  const spread = (h: number[]) => total(h.map((q) => (q - total(h) / 6) ** 2)) / 6;
  assertClose(vari!, halves.map(spread), 'variance');
  assertClose(
    cat!,
    halves.flatMap((h) => [...h, ...h]),
    'concat',
  );
  const pads = (h: number[]) => [...Array(5).fill(0), ...h.slice(0, 3), 0, 0, ...h.slice(3), 0, 0];
  assertClose(padded!, halves.flatMap(pads), 'pad');
});

test('export .onnx: one Transpose in, one out around a chain of image layers', () => {
  const g = buildGraph({ name: 'chain', stage: 'float', labels: ['a'], loss: 'meanSquares' });
  const input = g.input(f32(...imageShape), { id: 'x' });
  const w = constant(g, 'w', [3, 1, 1, 3], 41);
  const attrs = { stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1] } as const;
  const conv = g.add('conv2d', [input, w], attrs);
  const relu = g.add('relu', [conv], {});
  const pool = { size: [2, 2], stride: [2, 2], pad: [0, 0, 0, 0] } as const;
  const y = g.add('maxPool2d', [g.add('add', [relu, conv], {})], pool, { id: 'y' });
  const graph = g.finish([y]);
  const model = readOnnx(exportOnnx(graph));
  assert.deepEqual(
    model.graph.nodes.map((node) => node.opType),
    ['Transpose', 'Conv', 'Relu', 'Add', 'MaxPool', 'Transpose'],
  );
  assert.deepEqual(model.graph.inputs[0]?.shape, ['N', 6, 5, 3]);
  assert.deepEqual(model.graph.outputs[0], { name: 'y', elemType: 'FLOAT', shape: ['N', 3, 2, 3] });
  assert.deepEqual(model.metadata, { labels: '["a"]', loss: 'meanSquares' });
  assert.deepEqual(exportOnnx(graph), exportOnnx(graph));
});

test('export .onnx: integer and training ops are refused by name', () => {
  const g = buildGraph({ name: 'q', stage: 'int8' });
  const quant = { scheme: 'tflite', scale: Float32Array.of(1), zeroPoint: Int32Array.of(0) };
  const input = g.input({ shape: [1, 2], dtype: 's8' }, { quant });
  const graph = g.finish([g.add('requantize', [input], {}, { id: 'y', quant })]);
  assert.throws(() => exportOnnx(graph), { code: 4, message: /graph q is at stage int8/ });
  const t = buildGraph({ name: 't', stage: 'train' });
  const a = t.input(f32(1, 2));
  const train = t.finish([t.add('scaleAdd', [a, a], { factor: 1 }, { id: 'u' })]);
  assert.throws(() => exportOnnx({ ...train, stage: 'float' }), {
    code: 4,
    message: /scaleAdd %u belongs to training/,
  });
});

// The float model of kws has int8 weights, for which interpreters round activations.
const models = [
  'mlperftiny_ad01_fp32',
  'mlperftiny_ic01_resnet_fp32',
  'mlperftiny_vww_96_fp32',
  'tflm_hello_world_float',
]
  .map((name) => `${name}.tflite`)
  .filter((name) => modelFiles('.tflite').includes(name));
const skip = models.length === 0 && `no models in ${modelsFolder}`;

test('export .onnx: whole networks agree with the TFLite interpreter', { skip }, async () => {
  const create = await loadTfliteInterpreter();
  for (const name of models) {
    const graph = importTflite(modelBytes(name), name);
    const [id] = graph.inputs;
    const { shape } = graph.values.get(id!)!;
    const data = floats(elements(shape), 51);
    const [expected] = create(modelBytes(name)).run([data]);
    const [got] = await runOnnx(graph, { [id!]: { data, shape } });
    assertClose(got!.data, expected!, name);
  }
});
