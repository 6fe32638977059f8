/**
 * .tflite files as the TensorFlow converter writes them, for forms that edge-nn's own exporter does
 * not write: a file under construction, one operator after the other, with random weights.
 */
import { elements, type Shape } from '../../host/core/shape.js';
import type { TfliteType } from '../../host/format/tflite/ops.js';
import { type TfliteModelInput, writeTflite } from '../../host/format/tflite/tflite.js';
import { generator } from '../format/support.js';

type Subgraph = NonNullable<TfliteModelInput['subgraphs']>[number];
type Tensor = NonNullable<Subgraph['tensors']>[number];
type Operator = NonNullable<Subgraph['operators']>[number];
type Options = NonNullable<Operator['builtinOptions']>;
type Quantization = NonNullable<Tensor['quantization']>;

/** The index of a tensor. */
export type TensorIndex = number;

/** What weights take along which axis: a scale each, or one scale. */
export interface WeightForm {
  readonly axis?: number;
  /** Products in a sum: the scale is such that outputs fill the int8 range. */
  readonly count: number;
}

export function tfliteMaker(seed = 1) {
  const random = generator(seed);
  const tensors: Tensor[] = [];
  const buffers: Uint8Array[] = [new Uint8Array(0)];
  const codes: string[] = [];
  const operators: Operator[] = [];
  const inputs: TensorIndex[] = [];

  const tensor = (shape: Shape, type: TfliteType, rest: Partial<Tensor> = {}): TensorIndex =>
    tensors.push({ name: `t${tensors.length}`, shape: [...shape], type, ...rest }) - 1;
  const shapeOf = (at: TensorIndex): readonly number[] => tensors[at]!.shape!;
  const quantOf = (at: TensorIndex): Quantization => tensors[at]!.quantization!;
  const scaleOf = (at: TensorIndex): number => quantOf(at).scale![0]!;
  const quant = (): Quantization => ({
    scale: [Math.fround((200 + random(800)) / 10000)],
    zeroPoint: [random(256) - 128],
  });
  const constant = (shape: Shape, type: TfliteType, data: ArrayBufferView, quantization?: object) =>
    tensor(shape, type, {
      buffer: buffers.push(new Uint8Array(data.buffer)) - 1,
      ...(quantization && { quantization }),
    });
  const int8s = (shape: Shape) =>
    Int8Array.from({ length: elements(shape) }, () => random(255) - 127);

  return {
    tensor,
    shapeOf,
    quantOf,
    /** Changes a tensor or the last operator. */
    change: (at: TensorIndex, rest: Partial<Tensor>) => {
      tensors[at] = { ...tensors[at]!, ...rest };
    },
    changeLast: (rest: Partial<Operator>) => operators.push({ ...operators.pop()!, ...rest }),
    input(shape: Shape, rest: Partial<Tensor> = {}): TensorIndex {
      const at = tensor(shape, 'INT8', { quantization: quant(), ...rest });
      inputs.push(at);
      return at;
    },
    /** An int8 value, with a scale of its own unless told. */
    value: (shape: Shape, quantization = quant()): TensorIndex =>
      tensor(shape, 'INT8', { quantization }),
    ints: (numbers: readonly number[], shape: Shape = [numbers.length]): TensorIndex =>
      constant(shape, 'INT32', Int32Array.from(numbers)),
    operand: (shape: Shape): TensorIndex => constant(shape, 'INT8', int8s(shape), quant()),
    /** Weights and bias of a layer from x to y. */
    parameters(x: TensorIndex, y: TensorIndex, shape: Shape, { axis, count }: WeightForm) {
      const typical = (40 * scaleOf(y)) / (scaleOf(x) * Math.sqrt(count) * 73 * 73);
      const length = axis === undefined ? 1 : shape[axis]!;
      const scale = Array.from({ length }, () => Math.fround(typical * (0.5 + random(150) / 100)));
      const zeroPoint = scale.map(() => 0);
      const quantizedDimension = axis ?? 0;
      const w = constant(shape, 'INT8', int8s(shape), { scale, zeroPoint, quantizedDimension });
      const channels = shapeOf(y).at(-1)!;
      const sums = Int32Array.from({ length: channels }, () => random(40001) - 20000);
      const biasScale = scale.map((s) => Math.fround(s * scaleOf(x)));
      const b = constant([channels], 'INT32', sums, { scale: biasScale, zeroPoint });
      return [w, b] as const;
    },
    operator(
      op: string,
      ins: readonly TensorIndex[],
      outs: readonly TensorIndex[],
      options?: Options,
    ) {
      const known = codes.indexOf(op);
      operators.push({
        opcodeIndex: known < 0 ? codes.push(op) - 1 : known,
        inputs: [...ins],
        outputs: [...outs],
        ...(options && { builtinOptions: options }),
      });
      return outs[0]!;
    },
    finish(...outputs: TensorIndex[]): Uint8Array {
      return writeTflite({
        version: 3,
        description: 'MLIR Converted.',
        operatorCodes: codes.map((op) => ({ op, customCode: '', version: 1 })),
        buffers,
        subgraphs: [{ name: 'main', tensors, inputs, outputs, operators }],
      });
    },
  };
}

export type TfliteMaker = ReturnType<typeof tfliteMaker>;
