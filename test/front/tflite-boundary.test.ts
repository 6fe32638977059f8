/** Conversions at the inputs and outputs of an integer .tflite, and transposes that only means read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TfliteModelInput, writeTflite } from '../../host/format/tflite/tflite.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import { getValue } from '../../host/ir/graph.js';
import { createOracle } from '../../host/quant/interpret/interpret.js';

type Subgraph = NonNullable<TfliteModelInput['subgraphs']>[number];
type Tensor = NonNullable<Subgraph['tensors']>[number];

const quantization = { scale: [0.5], zeroPoint: [-4] };
const unsigned = { scale: [0.5], zeroPoint: [124] };

const tensor = (name: string, type: NonNullable<Tensor['type']>, rest: object = {}): Tensor => ({
  name,
  shape: [1, 4],
  type,
  ...(type === 'INT8' && { quantization }),
  ...rest,
});

/** A model whose operators name their op, inputs and outputs. */
function modelOf(
  tensors: readonly Tensor[],
  operators: readonly (readonly [string, readonly number[], readonly number[], object?])[],
  ends: Pick<Subgraph, 'inputs' | 'outputs'>,
  buffers: readonly Uint8Array[] = [],
): Uint8Array {
  const ops = [...new Set(operators.map(([op]) => op))];
  return writeTflite({
    version: 3,
    operatorCodes: ops.map((op) => ({ op, customCode: '', version: 1 })),
    buffers: [new Uint8Array(0), ...buffers],
    subgraphs: [
      {
        tensors: [...tensors],
        ...ends,
        operators: operators.map(([op, inputs, outputs, builtinOptions]) => ({
          opcodeIndex: ops.indexOf(op),
          inputs: [...inputs],
          outputs: [...outputs],
          ...(builtinOptions && { builtinOptions }),
        })),
      },
    ],
  } as TfliteModelInput);
}

/** outer -> conversion -> int8 -> RELU -> int8 -> conversion -> outer. */
const wrapped = (type: 'FLOAT32' | 'UINT8') =>
  modelOf(
    [
      tensor('in', type, type === 'UINT8' ? { quantization: unsigned } : {}),
      tensor('x', 'INT8'),
      tensor('y', 'INT8'),
      tensor('out', type, type === 'UINT8' ? { quantization: unsigned } : {}),
    ],
    [
      ['QUANTIZE', [0], [1]],
      ['RELU', [1], [2]],
      [type === 'UINT8' ? 'QUANTIZE' : 'DEQUANTIZE', [2], [3]],
    ],
    { inputs: [0], outputs: [3] },
  );

for (const type of ['FLOAT32', 'UINT8'] as const) {
  test(`${type} at both ends: the graph begins and ends with the int8 within, and says so`, () => {
    const notes: string[] = [];
    const graph = importTflite(wrapped(type), 'net', 'net', (line) => notes.push(line));
    assert.equal(graph.stage, 'int8');
    assert.deepEqual(
      graph.nodes.map(({ op }) => op),
      ['relu'],
    );
    for (const id of [...graph.inputs, ...graph.outputs]) {
      const { dtype, quant } = getValue(graph, id);
      assert.deepEqual([dtype, quant!.scale[0], quant!.zeroPoint[0]], ['s8', 0.5, -4]);
    }
    assert.deepEqual(createOracle(graph).run([Int8Array.of(-8, -4, 0, 7)]), [
      Int8Array.of(-4, -4, 0, 7),
    ]);
    assert.equal(notes.length, 2);
    assert.match(notes[0]!, /^QUANTIZE at the input 'in' .* int8 now, scale 0.5, zero point -4/);
    assert.match(notes[1]!, /at the output 'out'/);
  });
}

test('a conversion stays where the float number is used otherwise too', () => {
  const model = modelOf(
    [tensor('in', 'FLOAT32'), tensor('x', 'INT8'), tensor('r', 'FLOAT32')],
    [
      ['QUANTIZE', [0], [1]],
      ['RELU', [0], [2]],
    ],
    { inputs: [0], outputs: [1, 2] },
  );
  assert.throws(() => importTflite(model), { code: 4, message: /QUANTIZE/ });
});

const ints = (...numbers: number[]) => new Uint8Array(Int32Array.from(numbers).buffer);

/** x [1,2,3,2] transposed to [1,2,2,3], then means over the axes, one after the other. */
function transposedMeans(perm: readonly number[], axes: readonly number[], keepDims: boolean) {
  const from = [1, 2, 3, 2];
  let shape = perm.map((axis) => from[axis]!);
  const tensors = [
    tensor('x', 'INT8', { shape: from }),
    tensor('perm', 'INT32', { shape: [4], buffer: 1 }),
    tensor('t', 'INT8', { shape }),
  ];
  const operators: [string, number[], number[], object?][] = [['TRANSPOSE', [0, 1], [2]]];
  for (const [i, axis] of axes.entries()) {
    shape = keepDims
      ? shape.map((d, a) => (a === axis ? 1 : d))
      : shape.filter((_, a) => a !== axis);
    const at = tensors.length;
    tensors.push(tensor(`axis${i}`, 'INT32', { shape: [1], buffer: 2 + i }));
    tensors.push(tensor(`m${i}`, 'INT8', { shape }));
    operators.push(['MEAN', [at - 1, at], [at + 1], { type: 'ReducerOptions', keepDims }]);
  }
  const outputs = [tensors.length - 1];
  const buffers = [ints(...perm), ...axes.map((axis) => ints(axis))];
  return modelOf(tensors, operators, { inputs: [0], outputs }, buffers);
}

test('means of a transposed value are means over the axes that were meant', () => {
  const graph = importTflite(transposedMeans([0, 3, 1, 2], [3, 2], false));
  assert.deepEqual(
    graph.nodes.map((node) => [node.op, (node.attrs as { axes: readonly number[] }).axes]),
    [
      ['mean', [2]],
      ['mean', [1]],
    ],
  );
  const x = Int8Array.from({ length: 12 }, (_, i) => 6 * i - 30);
  // Channel c: mean over the row, then over the rows.
  assert.deepEqual(createOracle(graph).run([x]), [Int8Array.of(0, 6)]);
});

test('a transpose that int8 needs is refused, one that contradicts itself is bad', () => {
  for (const [perm, axes, keepDims] of [
    [[0, 3, 1, 2], [3], false],
    [[0, 3, 1, 2], [3, 2], true],
    [[0, 3, 1, 2], [], false],
  ] as const) {
    assert.throws(() => importTflite(transposedMeans(perm, axes, keepDims)), {
      code: 4,
      message: /TRANSPOSE/,
    });
  }
  assert.throws(() => importTflite(transposedMeans([0, 3, 3, 2], [3, 2], false)), { code: 3 });
});
