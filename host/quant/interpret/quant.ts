/**
 * Access to the scales and zero points of integer values, with the checks that the integer semantics
 * rests on.
 */
import { type DType, isStoredType, storedRanges } from '../../core/dtype.js';
import { BadInputError, UnsupportedError } from '../../core/errors.js';
import { elements, formatShape } from '../../core/shape.js';
import { type Graph, getData, getValue, type NodeHead, type Value } from '../../ir/graph.js';
import { channelAxis, type LayerHead } from '../quant-rules.js';

/** Scale and zero point of a value that has one of each. */
export interface PerTensor {
  readonly scale: number;
  readonly zero: number;
}

/** What an integer value holds, lowest and highest. */
export function storedRange({ dtype }: Value): readonly [number, number] {
  if (isStoredType(dtype)) return storedRanges[dtype];
  throw new Error(`${dtype} holds no quantized numbers`);
}

const typeOf = (value: Value) => `${value.dtype}${formatShape(value.shape)}`;

function checkScheme(value: Value, types: readonly DType[]): NonNullable<Value['quant']> {
  const { quant } = value;
  if (!types.includes(value.dtype) || quant?.scheme !== 'tflite') {
    throw new UnsupportedError(
      `%${value.id} is ${typeOf(value)} of scheme ${quant?.scheme ?? 'none'}`,
      {
        hint: `The integer kernels compute ${types.join(' and ')} of scheme tflite here.`,
        where: `%${value.id}`,
      },
    );
  }
  return quant;
}

/**
 * Scale and zero point of an activation.
 *
 * @throws UnsupportedError when it is not s8 or s16 of scheme tflite, has several scales, or is s16
 *   with a zero point other than 0
 */
export function perTensor(value: Value): PerTensor {
  const quant = checkScheme(value, ['s8', 's16']);
  if (value.dtype === 's16' && quant.zeroPoint.some((zero) => zero !== 0)) {
    throw new UnsupportedError(`%${value.id} is s16 with the zero point ${quant.zeroPoint[0]}`, {
      hint: 'Values of 16 bits are symmetric: their zero point is 0.',
      where: `%${value.id}`,
    });
  }
  if (quant.scale.length !== 1) {
    throw new UnsupportedError(`%${value.id} has ${quant.scale.length} scales, expected one`, {
      hint: 'Only weights may have a scale per channel.',
      where: `%${value.id}`,
    });
  }
  return { scale: quant.scale[0]!, zero: quant.zeroPoint[0]! };
}

/**
 * The scales of weights: one, or one per output channel.
 *
 * @throws UnsupportedError for a zero point other than 0, or a scale per another axis
 */
export function weightScales(value: Value, channelAxis: number): Float32Array {
  const quant = checkScheme(value, ['s8', 's4']);
  if (quant.zeroPoint.some((zero) => zero !== 0)) {
    throw new UnsupportedError(`weights %${value.id} have a zero point other than 0`, {
      hint: 'Quantize weights symmetrically.',
      where: `%${value.id}`,
    });
  }
  const channels = value.shape[channelAxis];
  const perChannel = quant.axis === channelAxis && quant.scale.length === channels;
  if (quant.scale.length !== 1 && !perChannel) {
    throw new UnsupportedError(
      `weights %${value.id} have ${quant.scale.length} scales along axis ${quant.axis}`,
      {
        hint: `Quantize weights as a whole, or per axis ${channelAxis}.`,
        where: `%${value.id}`,
      },
    );
  }
  return quant.scale;
}

/** TensorFlow Lite Micro's tolerance between scales that it takes as one; converters write such. */
const sameScale = 1e-6;

/** Scale and zero point that the input and output of a node share, because it only moves or picks. */
export function sharedQuantization(graph: Graph, node: NodeHead): PerTensor {
  const output = perTensor(getValue(graph, node.output));
  const input = perTensor(getValue(graph, node.inputs[0]!));
  if (Math.abs(input.scale - output.scale) > sameScale || input.zero !== output.zero) {
    throw new BadInputError(
      `${node.op} %${node.output} changes scale or zero point: (${input.scale}, ${input.zero}) to (${output.scale}, ${output.zero})`,
      { hint: 'Insert a requantize before or after it.', where: `%${node.output}` },
    );
  }
  return output;
}

/** The weights of a node, which must be constant; those of 4 bits one to a byte. */
export function weightsOf(graph: Graph, node: NodeHead): Int8Array {
  return constantOf(graph, node, node.inputs[1]!) as Int8Array;
}

/** w[taps][channels] as [channels][taps]. */
export function channelsFirst(w: Int8Array, channels: number): Int8Array {
  const taps = w.length / channels;
  return Int8Array.from(w, (_, i) => w[(i % taps) * channels + Math.floor(i / taps)]!);
}

/** The weights of a layer as [channels][taps], wherever its output channels lie. */
export function weightRows(graph: Graph, node: LayerHead): Int8Array {
  const weights = weightsOf(graph, node);
  if (channelAxis(node.op) === 0) return weights;
  return channelsFirst(weights, getValue(graph, node.output).shape.at(-1)!);
}

/** The type of the bias that goes with an activation's type. */
const biasTypes: Partial<Record<DType, DType>> = { s8: 's32', s16: 's64' };

/**
 * The bias of a node; zeros where it has none. It has 32 bits, or 64 bits beside int16 activations,
 * of which kernels take 32.
 *
 * @throws UnsupportedError for another type, and for a number that does not fit int32
 */
export function biasOf(graph: Graph, node: NodeHead, channels: number): Int32Array {
  const id = node.inputs[2];
  if (id === undefined) return new Int32Array(channels);
  const value = getValue(graph, id);
  const expected = biasTypes[getValue(graph, node.inputs[0]!).dtype];
  if (value.dtype !== expected) {
    throw new UnsupportedError(
      `bias %${id} is ${typeOf(value)}, expected ${expected}[${channels}]`,
      {
        hint: 'A layer of int8 has an int32 bias, a layer of int16 an int64 bias.',
        where: `%${id}`,
      },
    );
  }
  const data = constantOf(graph, node, id) as Int32Array | BigInt64Array;
  return data instanceof BigInt64Array ? narrowed(data, id) : data;
}

function narrowed(data: BigInt64Array, id: string): Int32Array {
  return Int32Array.from(data, (wide, channel) => {
    if (BigInt.asIntN(32, wide) === wide) return Number(wide);
    throw new UnsupportedError(`bias %${id}: channel ${channel} is ${wide}, beyond 32 bits`, {
      hint: 'Quantize this layer with larger scales of its weights, or to int8.',
      where: `%${id}`,
    });
  });
}

function constantOf(graph: Graph, node: NodeHead, id: string): ArrayLike<unknown> {
  if (getValue(graph, id).kind !== 'const') {
    throw new UnsupportedError(`${node.op} %${node.output}: %${id} is computed, not constant`, {
      hint: 'The integer kernels need constant weights.',
      where: `%${node.output}`,
    });
  }
  return getData(graph, id);
}

/** Requires a batch of 1 on the first axis of a value. */
export function requireBatchOfOne(value: Value): void {
  if (value.shape[0] !== 1) {
    throw new UnsupportedError(`%${value.id} has a batch of ${value.shape[0]}, expected 1`, {
      hint: 'An integer graph computes one image at a time; rebatch the model to 1.',
      where: `%${value.id}`,
    });
  }
}

export const elementsOf = (value: Value): number => elements(value.shape);
