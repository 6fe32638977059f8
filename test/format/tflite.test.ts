import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Builder } from 'flatbuffers';
import { builtinOperators } from '../../host/format/tflite/ops.js';
import {
  operatorName,
  readTflite,
  type TfliteModel,
  writeTflite,
} from '../../host/format/tflite/tflite.js';
import { damage, modelBytes, modelFiles, modelsFolder } from './support.js';

const files = modelFiles('.tflite');
const skip = files.length === 0 && `no models in ${modelsFolder}`;

interface Listed {
  readonly file: string;
  readonly ops: Readonly<Record<string, number>>;
  readonly inputs: readonly ListedTensor[];
  readonly outputs: readonly ListedTensor[];
}

interface ListedTensor {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly scale?: readonly number[];
  readonly zero_point?: readonly number[];
}

const tiny = {
  version: 3,
  description: 'tiny',
  operatorCodes: [
    { op: 'ADD', customCode: '', version: 2 },
    { op: 'ASSIGN_VARIABLE', customCode: '', version: 1 },
    { op: 'CUSTOM', customCode: 'mine', version: 1 },
  ],
  buffers: [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(33).fill(7)],
  metadata: [{ name: 'note', buffer: 1 }],
  subgraphs: [
    {
      name: 'main',
      tensors: [
        {
          name: 'x',
          shape: [1, 4],
          type: 'INT8',
          quantization: { scale: [0.5, 0.25], zeroPoint: [-3, 2 ** 40], quantizedDimension: 1 },
        },
        { name: 'c', shape: [33], type: 'UINT8', buffer: 2, isVariable: true },
      ],
      inputs: [0],
      outputs: [1],
      operators: [
        {
          opcodeIndex: 0,
          inputs: [0, -1],
          outputs: [1],
          builtinOptions: { type: 'AddOptions', fusedActivationFunction: 'RELU6' },
        },
        { opcodeIndex: 1, inputs: [0, 1], builtinOptions: { type: 'AssignVariableOptions' } },
        { opcodeIndex: 2, inputs: [0], outputs: [1], customOptions: Uint8Array.of(9, 8) },
      ],
    },
  ],
} as const;

test('tflite: fields are kept, defaults are filled in', () => {
  const bytes = writeTflite(tiny);
  const model = readTflite(bytes);
  const [graph] = model.subgraphs;
  assert.equal(graph?.tensors[0]?.quantization?.zeroPoint[1], 2 ** 40);
  assert.deepEqual(graph?.tensors[0]?.shapeSignature, []);
  assert.equal(graph?.tensors[1]?.isVariable, true);
  const add = graph?.operators[0]?.builtinOptions;
  assert.deepEqual(add, {
    type: 'AddOptions',
    fusedActivationFunction: 'RELU6',
    potScaleInt16: true,
  });
  assert.deepEqual(graph?.operators[1]?.builtinOptions, { type: 'AssignVariableOptions' });
  assert.deepEqual(graph?.operators[2]?.customOptions, Uint8Array.of(9, 8));
  assert.equal(operatorName(model, graph!.operators[2]!), 'CUSTOM(mine)');
  assert.deepEqual(readTflite(writeTflite(model)), model);
  assert.deepEqual(writeTflite(model), bytes);
});

test('tflite: buffers lie at multiples of 16, the file begins with its identifier', () => {
  const bytes = writeTflite(tiny);
  assert.equal(Buffer.from(bytes.subarray(4, 8)).toString(), 'TFL3');
  assert.equal(Buffer.from(bytes).indexOf(Buffer.alloc(33, 7)) % 16, 0);
});

test('tflite: the operator table has the numbers of the schema', () => {
  assert.equal(builtinOperators.length, 210);
  for (const [code, name] of [
    [9, 'FULLY_CONNECTED'],
    [32, 'CUSTOM'],
    [114, 'QUANTIZE'],
    [127, 'PLACEHOLDER_FOR_GREATER_OP_CODES'],
    [144, 'ASSIGN_VARIABLE'],
    [203, 'DILATE'],
    [209, 'STABLEHLO_CASE'],
  ] as const) {
    assert.equal(builtinOperators[code], name);
  }
});

test('tflite: an operator without a code is refused on writing', () => {
  const operatorCodes = [{ op: 'NO_SUCH_OP', customCode: '', version: 1 }];
  assert.throws(() => writeTflite({ ...tiny, operatorCodes }), {
    name: 'UnsupportedError',
    code: 4,
  });
});

test('tflite: indices outside their lists are refused', () => {
  const broken = (change: object) => writeTflite({ ...tiny, ...change });
  const graph = tiny.subgraphs[0];
  assert.throws(() => readTflite(broken({ metadata: [{ name: 'note', buffer: 3 }] })), /index 3/);
  assert.throws(() => readTflite(broken({ subgraphs: [{ ...graph, inputs: [2] }] })), /index 2/);
  assert.throws(
    () => readTflite(broken({ subgraphs: [{ ...graph, operators: [{ opcodeIndex: 5 }] }] })),
    { name: 'BadInputError', message: /code of operator 0 has the index 5, there are 3/ },
  );
});

test('tflite: every cut of a small file and many flips end in a typed error', () => {
  const bytes = writeTflite(tiny);
  const all = { cuts: bytes.length, flips: 3000, seed: 4 };
  const { refusedCuts, refusedFlips } = damage(readTflite, bytes, all);
  assert.ok(refusedCuts > bytes.length * 0.9, `${refusedCuts} of ${bytes.length} cuts`);
  assert.ok(refusedFlips > 300, `${refusedFlips} flips`);
});

/** 2,000 offsets to one subgraph, whose 2,000 offsets lead to one operator: 4 million from 16 kB. */
function sharedFile(): Uint8Array {
  const builder = new Builder();
  const many = (child: number) => {
    builder.startVector(4, 2000, 4);
    for (let i = 0; i < 2000; i++) builder.addOffset(child);
    return builder.endVector();
  };
  const holder = (fields: number, slot: number, child: number) => {
    builder.startObject(fields);
    if (child > 0) builder.addFieldOffset(slot, child, 0);
    else builder.addFieldInt32(slot, 1, 0);
    return builder.endObject();
  };
  const subgraphs = many(holder(6, 3, many(holder(1, 0, 0))));
  builder.startObject(9);
  builder.addFieldInt32(0, 3, 0);
  builder.addFieldOffset(2, subgraphs, 0);
  builder.finish(builder.endObject(), 'TFL3');
  return builder.asUint8Array();
}

test('tflite: content shared without end is refused, not expanded', () => {
  assert.throws(() => readTflite(sharedFile()), {
    name: 'BadInputError',
    message: /shared so often/,
  });
});

const typeNames: Readonly<Record<string, string>> = { bool: 'BOOL', resource: 'RESOURCE' };

function checkTensors(
  model: TfliteModel,
  indices: readonly number[],
  listed: readonly ListedTensor[],
) {
  const tensors = indices.map((i) => model.subgraphs[0]!.tensors[i]!);
  assert.deepEqual(
    tensors.map((t) => [t.name, t.type, t.shape]),
    listed.map((t) => [t.name, typeNames[t.type] ?? t.type.toUpperCase(), t.shape]),
  );
  for (const [i, tensor] of tensors.entries()) {
    assert.deepEqual(tensor.quantization?.scale ?? [], listed[i]!.scale ?? []);
    assert.deepEqual(tensor.quantization?.zeroPoint ?? [], listed[i]!.zero_point ?? []);
  }
}

test('tflite: every real model is read as listed, written, and read again the same', {
  skip,
}, () => {
  const list: Listed[] = JSON.parse(readFileSync(join(modelsFolder, 'models.json'), 'utf8'));
  for (const name of files) {
    const model = readTflite(modelBytes(name), name);
    const listed = list.find((entry) => entry.file.endsWith(`/${name}`));
    assert.ok(listed, name);
    const [main] = model.subgraphs;
    const ops: Record<string, number> = {};
    for (const graph of model.subgraphs) {
      for (const operator of graph.operators) {
        const key = operatorName(model, operator).replace(/^CUSTOM\((.*)\)$/, 'CUSTOM:$1');
        ops[key] = (ops[key] ?? 0) + 1;
      }
    }
    assert.deepEqual(ops, listed.ops, name);
    checkTensors(model, main!.inputs, listed.inputs);
    checkTensors(model, main!.outputs, listed.outputs);
    const again = writeTflite(model);
    assert.deepEqual(readTflite(again), model, name);
    assert.deepEqual(writeTflite(readTflite(again)), again, name);
  }
});

test('tflite: damaged real models end in a typed error', { skip }, () => {
  for (const name of files) {
    const bytes = modelBytes(name);
    const effort = Math.ceil(3e6 / bytes.length);
    damage(readTflite, bytes, { cuts: effort, flips: 2 * effort, seed: bytes.length });
  }
});
