import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import onnxProto from 'onnx-proto';
import { type OnnxAttribute, type OnnxModel, readOnnx, writeOnnx } from '../../host/format/onnx.js';
import type { OnnxTensor } from '../../host/format/onnx-tensor.js';
import { damage, modelBytes, modelFiles, modelsFolder } from './support.js';

const files = modelFiles('.onnx');
const skip = files.length === 0 && `no models in ${modelsFolder}`;

const weight: OnnxTensor = {
  name: 'w',
  dataType: 'FLOAT',
  dims: [2],
  data: Float32Array.of(1, -0.1),
};
const shape: OnnxTensor = {
  name: 's',
  dataType: 'INT64',
  dims: [2],
  data: BigInt64Array.of(-1n, 2n ** 62n),
};
const text: OnnxTensor = { name: 't', dataType: 'STRING', dims: [2], data: ['a', 'é'] };

const attributes: readonly (readonly [string, OnnxAttribute])[] = [
  ['alpha', { type: 'FLOAT', value: 0.5 }],
  ['axis', { type: 'INT', value: -1 }],
  ['big', { type: 'INT', value: -(2n ** 63n) }],
  ['mode', { type: 'STRING', value: 'linear' }],
  ['value', { type: 'TENSOR', value: weight }],
  ['scales', { type: 'FLOATS', value: [1, 0.25] }],
  ['pads', { type: 'INTS', value: [0, 1, 2 ** 40] }],
  ['names', { type: 'STRINGS', value: ['x', ''] }],
];

const model: OnnxModel = {
  irVersion: 8,
  producerName: 'edge-nn',
  producerVersion: '1',
  opsets: [{ domain: '', version: 13 }],
  metadata: { labels: '["a"]', zone: 'b' },
  graph: {
    name: 'g',
    nodes: [
      {
        name: 'n',
        opType: 'Any',
        domain: '',
        inputs: ['x', '', 'w'],
        outputs: ['y'],
        attributes: new Map(attributes),
      },
    ],
    initializers: [weight, shape, text],
    inputs: [{ name: 'x', elemType: 'FLOAT', shape: ['N', 2] }],
    outputs: [{ name: 'y', elemType: 'INT64', shape: undefined }],
    valueInfos: [{ name: 'm', elemType: 'UINT8', shape: [] }],
  },
};

test('onnx: what is written is read back, with every attribute type', () => {
  const bytes = writeOnnx(model);
  assert.deepEqual(readOnnx(bytes), model);
  assert.deepEqual(writeOnnx(readOnnx(bytes)), bytes);
});

test('onnx: typed data fields give the same tensors as raw data', () => {
  const { ModelProto } = onnxProto.onnx;
  const initializer = [
    { name: 'f', dataType: 1, dims: [2], floatData: [1.5, -2] },
    { name: 'i8', dataType: 3, dims: [2], int32Data: [-128, 127] },
    { name: 'i64', dataType: 7, dims: [1], int64Data: [-5] },
    { name: 'u32', dataType: 12, dims: [1], uint64Data: [2 ** 32 - 1] },
    { name: 'd', dataType: 11, dims: [], doubleData: [0.1] },
    { name: 'h', dataType: 10, dims: [1], int32Data: [0x3c00] },
  ];
  const output = [{ name: 'y', type: { tensorType: { elemType: 1 } } }];
  const bytes = ModelProto.encode({ graph: { name: 'g', initializer, output } }).finish();
  assert.deepEqual(
    readOnnx(bytes).graph.initializers.map((t) => t.data),
    [
      Float32Array.of(1.5, -2),
      Int8Array.of(-128, 127),
      BigInt64Array.of(-5n),
      Uint32Array.of(2 ** 32 - 1),
      Float64Array.of(0.1),
      Uint16Array.of(0x3c00),
    ],
  );
});

test('onnx: data that does not match its shape, and data elsewhere, are refused', () => {
  const { ModelProto } = onnxProto.onnx;
  const output = [{ name: 'y', type: { tensorType: { elemType: 1 } } }];
  const encode = (tensor: object) =>
    ModelProto.encode({ graph: { initializer: [tensor], output } }).finish();
  assert.throws(() => readOnnx(encode({ name: 'w', dataType: 1, dims: [3], floatData: [1] })), {
    name: 'BadInputError',
    message: /'w' of shape \[3\] needs 3 elements, got 1/,
  });
  const short = { name: 'w', dataType: 1, dims: [2], rawData: new Uint8Array(7) };
  assert.throws(() => readOnnx(encode(short)), /needs 8 bytes, got 7/);
  const far = { name: 'w', dataType: 1, dims: [2], dataLocation: 1 };
  assert.throws(() => readOnnx(encode(far)), { name: 'UnsupportedError', code: 4 });
  assert.throws(() => readOnnx(encode({ name: 'w', dataType: 14, dims: [1] })), {
    name: 'UnsupportedError',
  });
});

test('onnx: a file that is none is refused', () => {
  assert.throws(() => readOnnx(new Uint8Array(0), 'a.onnx'), { name: 'BadInputError', code: 3 });
  assert.throws(() => readOnnx(new TextEncoder().encode('hello, world')), {
    name: 'BadInputError',
  });
});

test('onnx: every cut of a small file and many flips end in a typed error', () => {
  const bytes = writeOnnx(model);
  damage(readOnnx, bytes, { cuts: bytes.length, flips: 2000, seed: 5 });
});

test('onnx: every real model is read as listed, written, and read again the same', { skip }, () => {
  const list: { file: string; ops: Record<string, number> }[] = JSON.parse(
    readFileSync(join(modelsFolder, 'models.json'), 'utf8'),
  );
  for (const name of files) {
    const bytes = modelBytes(name);
    const read = readOnnx(bytes, name);
    const ops: Record<string, number> = {};
    for (const { opType } of read.graph.nodes) ops[opType] = (ops[opType] ?? 0) + 1;
    assert.deepEqual(ops, list.find((entry) => entry.file.endsWith(`/${name}`))?.ops, name);
    assert.ok(read.opsets.length > 0 && read.graph.initializers.length > 0);
    assert.deepEqual(readOnnx(writeOnnx(read)), read, name);
    damage(readOnnx, bytes, { cuts: 4, flips: 8, seed: bytes.length });
  }
});
