/**
 * Access to the scales and zero points of int8 values, with the checks that the integer semantics
 * rests on.
 */
import { BadInputError, UnsupportedError } from '../core/errors.js';
import { elements, formatShape } from '../core/shape.js';
import { type Graph, getData, getValue, type Node, type Value } from '../ir/graph.js';

/** Scale and zero point of a value that has one of each. */
export interface PerTensor {
  readonly scale: number;
  readonly zero: number;
}

export const int8Range = [-128, 127] as const;

const typeOf = (value: Value) => `${value.dtype}${formatShape(value.shape)}`;

function checkScheme(value: Value): NonNullable<Value['quant']> {
  const { quant } = value;
  if (value.dtype !== 's8' || quant?.scheme !== 'tflite') {
    throw new UnsupportedError(
      `%${value.id} is ${typeOf(value)} of scheme ${quant?.scheme ?? 'none'}`,
      { hint: 'The integer kernels compute int8 values of scheme tflite.', where: `%${value.id}` },
    );
  }
  return quant;
}

/**
 * Scale and zero point of an int8 activation.
 *
 * @throws UnsupportedError when it is not s8 of scheme tflite, or has several scales
 */
export function perTensor(value: Value): PerTensor {
  const quant = checkScheme(value);
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
  const quant = checkScheme(value);
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
export function sharedQuantization(graph: Graph, node: Node): PerTensor {
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

/** The weights of a node, which must be constant. */
export function weightsOf(graph: Graph, node: Node): Int8Array {
  return constantOf(graph, node, node.inputs[1]!) as Int8Array;
}

/** The bias of a node; zeros where it has none. */
export function biasOf(graph: Graph, node: Node, channels: number): Int32Array {
  const id = node.inputs[2];
  if (id === undefined) return new Int32Array(channels);
  const value = getValue(graph, id);
  if (value.dtype !== 's32') {
    throw new UnsupportedError(`bias %${id} is ${typeOf(value)}, expected s32[${channels}]`, {
      hint: 'An int8 layer has an int32 bias.',
      where: `%${id}`,
    });
  }
  return constantOf(graph, node, id) as Int32Array;
}

function constantOf(graph: Graph, node: Node, id: string): ArrayLike<unknown> {
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
