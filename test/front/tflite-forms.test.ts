/**
 * Forms of operators that the TensorFlow converter writes and edge-nn's exporter does not. What they
 * compute is compared with TensorFlow Lite's own interpreter.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elements } from '../../host/core/shape.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import { getValue } from '../../host/ir/graph.js';
import { createOracle } from '../../host/quant/interpret/interpret.js';
import { loadTfliteInterpreter } from '../emit/tfjs-tflite.js';
import { generator } from '../format/support.js';
import { type TensorIndex, type TfliteMaker, tfliteMaker } from './tflite-maker.js';

const unit = { strideH: 1, strideW: 1 } as const;

function conv(m: TfliteMaker, x: TensorIndex, outs: number, axis: 0 | undefined = 0): TensorIndex {
  const [, h, w, c] = m.shapeOf(x) as [number, number, number, number];
  const y = m.value([1, h, w, outs]);
  const inputs = m.parameters(x, y, [outs, 3, 3, c], { ...(axis === 0 && { axis }), count: 9 * c });
  const options = { type: 'Conv2DOptions', padding: 'SAME', ...unit } as const;
  return m.operator('CONV_2D', [x, ...inputs], [y], options);
}

function dense(
  m: TfliteMaker,
  x: TensorIndex,
  outs: number,
  shape: readonly number[] = [1, outs],
): TensorIndex {
  const width = elements(m.shapeOf(x).slice(1));
  const y = m.value(shape);
  const inputs = m.parameters(x, y, [outs, width], { count: width });
  const keepNumDims = shape.length > 2;
  const options = { type: 'FullyConnectedOptions', keepNumDims } as const;
  return m.operator('FULLY_CONNECTED', [x, ...inputs], [y], options);
}

/** The dimensions of x from `first` to `end`, as SHAPE and STRIDED_SLICE compute them. */
function slicedShape(
  m: TfliteMaker,
  x: TensorIndex,
  [first, end, step]: readonly [number, number, number],
  masks: { beginMask?: number; endMask?: number; shrinkAxisMask?: number },
  shape: readonly number[],
): TensorIndex {
  const all = m.tensor([m.shapeOf(x).length], 'INT32');
  m.operator('SHAPE', [x], [all], { type: 'ShapeOptions', outType: 'INT32' });
  const sliced = m.tensor(shape, 'INT32');
  const bounds = [first, end, step].map((n) => m.ints([n]));
  const options = { type: 'StridedSliceOptions', ...masks } as const;
  return m.operator('STRIDED_SLICE', [all, ...bounds], [sliced], options);
}

/** Keras' Flatten or Reshape where the batch is not fixed: the batch, then `rest`. */
function reshapeToBatch(m: TfliteMaker, x: TensorIndex, rest: readonly number[]): TensorIndex {
  const batch = slicedShape(m, x, [0, 1, 1], { shrinkAxisMask: 1 }, []);
  const parts = rest.map((n) => m.ints([n], []));
  const packed = m.tensor([rest.length + 1], 'INT32');
  m.operator('PACK', [batch, ...parts], [packed], {
    type: 'PackOptions',
    valuesCount: rest.length + 1,
  });
  const y = m.value([1, ...rest], m.quantOf(x));
  m.change(y, { shapeSignature: [-1, ...rest] });
  return m.operator('RESHAPE', [x, packed], [y], { type: 'ReshapeOptions' });
}

const forms: Readonly<Record<string, (m: TfliteMaker) => Uint8Array>> = {
  'a batch that is not fixed: SHAPE, STRIDED_SLICE, PACK, RESHAPE': (m) => {
    const x = m.input([1, 20], { shapeSignature: [-1, 20] });
    const image = reshapeToBatch(m, x, [5, 4, 1]);
    return m.finish(dense(m, reshapeToBatch(m, conv(m, image, 6), [120]), 7));
  },
  'FULLY_CONNECTED over four axes': (m) => m.finish(dense(m, conv(m, m.input([1, 4, 3, 2]), 5), 8)),
  'FULLY_CONNECTED that keeps the axes of its input': (m) =>
    m.finish(conv(m, dense(m, m.input([1, 1, 1, 30]), 8, [1, 1, 1, 8]), 9)),
  'weights of CONV_2D with one scale': (m) =>
    m.finish(conv(m, m.input([1, 6, 5, 3]), 7, undefined)),
  'operators without options: the defaults of the schema': (m) => {
    const x = dense(m, m.input([1, 20]), 9);
    m.changeLast({ builtinOptions: undefined });
    return m.finish(m.operator('ADD', [x, m.operand([9])], [m.value([1, 9])]));
  },
  'operands that are broadcast': (m) => {
    const x = conv(m, m.input([1, 6, 5, 3]), 4);
    const operands = [m.operand([4]), m.operand([1, 1, 1, 4]), m.operand([]), m.operand([6, 5, 4])];
    return m.finish(
      operands.reduce((y, operand, i) => {
        const fusedActivationFunction = i % 2 === 0 ? 'NONE' : 'RELU';
        const options = { type: 'AddOptions', fusedActivationFunction } as const;
        return m.operator('ADD', [operand, y], [m.value([1, 6, 5, 4])], options);
      }, x),
    );
  },
};

for (const [name, make] of Object.entries(forms)) {
  test(`import .tflite: ${name}`, async () => {
    const bytes = make(tfliteMaker(3));
    const graph = importTflite(bytes);
    const random = generator(4);
    const inputs = graph.inputs.map((id) =>
      Int8Array.from({ length: elements(getValue(graph, id).shape) }, () => random(256) - 128),
    );
    const theirs = (await loadTfliteInterpreter())(bytes).run(inputs);
    // Its kernels round once where the contract rounds twice: single steps may differ, and what
    // the next layer makes of them.
    createOracle(graph)
      .run(inputs)
      .forEach((output, k) => {
        const ours = output as Int8Array;
        const far = ours.findIndex((q, i) => Math.abs(q - theirs[k]![i]!) > 1);
        assert.equal(far, -1, `element ${far}: ${ours[far]}, TFLite ${theirs[k]![far]}`);
        assert.ok(new Set(ours).size > 3, 'the outputs are all alike');
      });
  });
}

/** The mean of a value of [1,3,2,2] over axes that are a slice of that shape. */
function meanOver(
  bounds: readonly [number, number, number],
  masks: Parameters<typeof slicedShape>[3],
  left: readonly number[],
): unknown {
  const m = tfliteMaker(5);
  const x = m.input([1, 3, 2, 2]);
  const axes = slicedShape(m, x, bounds, masks, masks.shrinkAxisMask ? [] : [4 - left.length]);
  const y = m.operator('MEAN', [x, axes], [m.value(left)], { type: 'ReducerOptions' });
  return importTflite(m.finish(y)).nodes.map(({ attrs }) => ('axes' in attrs ? attrs.axes : []));
}

test('import .tflite: slices of a shape by masks, backwards and over its ends', () => {
  assert.deepEqual(meanOver([1, 3, 1], {}, [1, 3]), [[3, 2]]);
  assert.deepEqual(meanOver([9, 2, 1], { beginMask: 1 }, [1, 2]), [[1, 3]]);
  assert.deepEqual(meanOver([0, 0, 2], { endMask: 1 }, [1, 2]), [[1, 2]]);
  assert.deepEqual(meanOver([-3, 99, 2], {}, [1, 3]), [[3, 2]]);
  assert.deepEqual(meanOver([-1, -9, -2], {}, [1, 3]), [[2, 3]]);
  assert.deepEqual(meanOver([2, 0, -1], {}, [1, 3]), [[2, 3]]);
  assert.deepEqual(meanOver([-3, 0, 1], { shrinkAxisMask: 1 }, [1, 3, 2]), [[3]]);
});

test('import .tflite: what is no shape, and groups of channels, are refused by name', () => {
  const m = tfliteMaker(6);
  const x = m.input([1, 8]);
  const bounds = [0, 4, 1].map((n) => m.ints([n]));
  m.operator('STRIDED_SLICE', [x, ...bounds], [m.value([1, 4])], { type: 'StridedSliceOptions' });
  const slice = { code: 4, message: /STRIDED_SLICE \(tensor 't4'\) takes 't0' of type INT8/ };
  assert.throws(() => importTflite(m.finish(4)), slice);
  const g = tfliteMaker(7);
  const image = g.input([1, 6, 6, 8]);
  const y = g.value([1, 6, 6, 8]);
  const inputs = g.parameters(image, y, [8, 3, 3, 2], { axis: 0, count: 18 });
  const options = { type: 'Conv2DOptions', padding: 'SAME', ...unit } as const;
  g.operator('CONV_2D', [image, ...inputs], [y], options);
  const groups = { code: 4, message: /CONV_2D \(tensor 't1'\) has 4 groups of channels/ };
  assert.throws(() => importTflite(g.finish(y)), groups);
});

test('import .tflite: a CONCATENATION of nothing is bad', () => {
  const m = tfliteMaker(8);
  m.input([1, 4]);
  const y = m.value([1, 4]);
  m.operator('CONCATENATION', [], [y], { type: 'ConcatenationOptions', axis: 1 });
  assert.throws(() => importTflite(m.finish(y)), {
    code: 3,
    message: /concat %t1: there is nothing/,
  });
});
