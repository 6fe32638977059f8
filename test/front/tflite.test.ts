import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportTflite } from '../../host/emit/tflite/tflite.js';
import { readTflite, type TfliteModelInput, writeTflite } from '../../host/format/tflite/tflite.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import type { NodeOf } from '../../host/ir/graph.js';
import { print } from '../../host/ir/text.js';
import { damage, modelBytes, modelFiles, modelsFolder } from '../format/support.js';

const files = modelFiles('.tflite');
const skip = files.length === 0 && `no models in ${modelsFolder}`;

const supported: Readonly<Record<string, { readonly stage: string; readonly nodes: number }>> = {
  mlperftiny_ad01_fp32: { stage: 'float', nodes: 19 },
  mlperftiny_ad01_int8: { stage: 'int8', nodes: 10 },
  mlperftiny_ic01_resnet_fp32: { stage: 'float', nodes: 23 },
  mlperftiny_ic01_resnet_int8: { stage: 'int8', nodes: 16 },
  mlperftiny_kws_ref_fp32: { stage: 'float', nodes: 22 },
  mlperftiny_kws_ref_int8: { stage: 'int8', nodes: 13 },
  mlperftiny_sww_ref_int8: { stage: 'int8', nodes: 11 },
  mlperftiny_vww_96_fp32: { stage: 'float', nodes: 58 },
  mlperftiny_vww_96_int8: { stage: 'int8', nodes: 31 },
  tflm_hello_world_float: { stage: 'float', nodes: 5 },
  tflm_hello_world_int8: { stage: 'int8', nodes: 3 },
  tflm_person_detect_int8: { stage: 'int8', nodes: 31 },
  tinyengine_mcunet_vww: { stage: 'int8', nodes: 60 },
};

const refused: Readonly<Record<string, RegExp>> = {
  microwakeword_v2_okay_nabu: /operator CALL_ONCE/,
  mediapipe_selfie_segmentation: /operator DEQUANTIZE .* float/,
  tflm_mnist_lstm_int8: /operator UNIDIRECTIONAL_SEQUENCE_LSTM/,
  tflm_person_detect_vela: /operator CUSTOM\(ethos-u\)/,
};

test('import .tflite: the supported real models give verified graphs', { skip }, () => {
  for (const [name, { stage, nodes }] of Object.entries(supported)) {
    const graph = importTflite(modelBytes(`${name}.tflite`), name);
    assert.deepEqual([graph.stage, graph.nodes.length], [stage, nodes], name);
    assert.equal(graph.name, name);
  }
});

test('import .tflite: import, export, import gives the same graph', { skip }, () => {
  for (const [name, { stage }] of Object.entries(supported)) {
    if (stage !== 'int8') continue;
    const graph = importTflite(modelBytes(`${name}.tflite`), name);
    const bytes = exportTflite(graph);
    assert.equal(print(importTflite(bytes)), print(graph), name);
    assert.deepEqual(exportTflite(importTflite(bytes)), bytes, name);
  }
});

test('import .tflite: what the graph cannot express is refused by name', { skip }, () => {
  for (const [name, message] of Object.entries(refused)) {
    assert.throws(
      () => importTflite(modelBytes(`${name}.tflite`), name),
      { name: 'UnsupportedError', code: 4, message },
      name,
    );
  }
});

test('import .tflite: every real model is imported or refused by a typed error', { skip }, () => {
  for (const name of files) damage(importTflite, modelBytes(name), { cuts: 0, flips: 2, seed: 7 });
  const kws = modelBytes('mlperftiny_kws_ref_int8.tflite');
  damage(importTflite, kws, { cuts: 30, flips: 60, seed: 8 });
});

test('import .tflite: SAME padding and RELU become numbers', { skip }, () => {
  const graph = importTflite(modelBytes('mlperftiny_kws_ref_int8.tflite'));
  const conv = graph.nodes.find((node): node is NodeOf<'conv2d'> => node.op === 'conv2d')!;
  // 49x10, kernel 10x4, stride 2: 25 = ceil(49/2) rows need 48 + 10 - 49 = 9 rows of padding.
  assert.deepEqual(conv.attrs.pad, [4, 5, 1, 1]);
  assert.deepEqual(conv.attrs.clamp, [-128, 127]);
  const weights = graph.values.get(conv.inputs[1]!)!;
  assert.deepEqual(weights.shape, [64, 10, 4, 1]);
  assert.equal(weights.quant?.axis, 0);
  assert.equal(weights.quant?.scale.length, 64);
});

test('import .tflite: int8 weights of a float model become the numbers they stand for', {
  skip,
}, () => {
  const bytes = modelBytes('mlperftiny_kws_ref_fp32.tflite');
  const graph = importTflite(bytes);
  const model = readTflite(bytes);
  const { tensors } = model.subgraphs[0]!;
  // Small weights stay float32 in such a model: take the first that did not.
  const tensor = tensors.find(({ type, shape }) => type === 'INT8' && shape.length === 4)!;
  const weights = [...graph.values.values()].find(({ name }) => name === tensor.name)!;
  assert.deepEqual([weights.dtype, weights.trainable, weights.quant], ['f32', true, undefined]);
  const stored = new Int8Array(model.buffers[tensor.buffer]!.buffer);
  const { scale } = tensor.quantization!;
  const perFilter = stored.length / weights.shape[0]!;
  const expected = Float32Array.from(stored, (q, i) => {
    return q * scale[scale.length === 1 ? 0 : Math.floor(i / perFilter)]!;
  });
  assert.deepEqual(graph.data.get(weights.id), expected);
});

/** x -> one operator -> y, all int8 with scale 0.5. */
function oneOperator(change: object = {}, output: object = {}): Uint8Array {
  const quantization = { scale: [0.5], zeroPoint: [-4] };
  const model: TfliteModelInput = {
    version: 3,
    operatorCodes: [{ op: 'AVERAGE_POOL_2D', customCode: '', version: 2 }],
    buffers: [new Uint8Array(0)],
    subgraphs: [
      {
        tensors: [
          { name: 'x', shape: [1, 4, 4, 2], type: 'INT8', quantization, ...change },
          { name: 'y', shape: [1, 2, 2, 2], type: 'INT8', quantization, ...output },
        ],
        inputs: [0],
        outputs: [1],
        operators: [
          {
            inputs: [0],
            outputs: [1],
            builtinOptions: {
              type: 'Pool2DOptions',
              padding: 'VALID',
              strideW: 2,
              strideH: 2,
              filterWidth: 2,
              filterHeight: 2,
              fusedActivationFunction: 'RELU6',
            },
          },
        ],
      },
    ],
  };
  return writeTflite(model);
}

test('import .tflite: RELU6 is a clamp on the scale of the output', () => {
  const graph = importTflite(oneOperator());
  assert.match(print(graph), /avgPool2d\(%x\) \{size=\[2,2\], .* clamp=\[-4,8\]\}/);
  assert.equal(print(importTflite(exportTflite(graph))), print(graph));
  const [operator] = readTflite(exportTflite(graph)).subgraphs[0]!.operators;
  assert.deepEqual(operator?.builtinOptions, {
    type: 'Pool2DOptions',
    padding: 'VALID',
    strideW: 2,
    strideH: 2,
    filterWidth: 2,
    filterHeight: 2,
    fusedActivationFunction: 'RELU6',
  });
});

test('import .tflite: types, dynamic shapes, variables and contradictions are refused', () => {
  const throws = (bytes: Uint8Array, code: number, message: RegExp) =>
    assert.throws(() => importTflite(bytes), { code, message });
  throws(oneOperator({ type: 'UINT8' }), 4, /'x' has the type UINT8/);
  throws(oneOperator({ type: 'BFLOAT16' }), 4, /'x' has the type BFLOAT16/);
  throws(
    oneOperator({ shapeSignature: [1, -1, 4, 2] }),
    4,
    /'x' has the dynamic shape \[1,-1,4,2\]/,
  );
  throws(oneOperator({ shape: [2, 4, 4, 2] }), 4, /'x' has the shape \[2,4,4,2\]/);
  throws(oneOperator({ isVariable: true }), 4, /'x' is a variable/);
  const beyond = { scale: [0.5], zeroPoint: [128] };
  throws(oneOperator({ quantization: beyond }), 3, /%x: the zero point 128 is no s8/);
  throws(oneOperator({ quantization: undefined }), 3, /%x: s8 without scale/);
  throws(oneOperator({}, { shape: [1, 3, 2, 2] }), 3, /AVERAGE_POOL_2D .* gives \[1,2,2,2\]/);
  throws(oneOperator({}, { quantization: { scale: [1, 2, 3] } }), 3, /has 3 scales/);
});

test('import .tflite: a batch of unknown size becomes 1', () => {
  const graph = importTflite(oneOperator({ shapeSignature: [-1, 4, 4, 2] }));
  assert.deepEqual(graph.values.get('x')?.shape, [1, 4, 4, 2]);
});

test('import .tflite: an operator without outputs is named by itself', () => {
  const tensor = { name: 'x', shape: [1, 4], type: 'FLOAT32' } as const;
  const bytes = writeTflite({
    version: 3,
    operatorCodes: [{ op: 'CALL_ONCE', customCode: '', version: 1 }],
    buffers: [new Uint8Array(0)],
    subgraphs: [{ tensors: [tensor], inputs: [0], outputs: [0], operators: [{}] }],
  });
  const message = 'tflite: operator CALL_ONCE is not supported';
  assert.throws(() => importTflite(bytes), { code: 4, message });
});
