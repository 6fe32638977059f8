/**
 * Weights and bias of one layer as integers.
 */
import { BadInputError, UnsupportedError } from '../core/errors.js';
import {
  type Graph,
  getData,
  getValue,
  type Node,
  type Quantization,
  type Value,
} from '../ir/graph.js';
import { int32, quantizeInto, quantizeS64 } from '../scheme/affine.js';
import type { ScaleFloor, Scheme } from '../scheme/schemes.js';

/** A parameter of a layer, ready to be added to a graph. */
export interface Parameter<T> {
  readonly source: Value;
  readonly quant: Quantization;
  readonly data: T;
}

export interface LayerParameters {
  readonly weights: Parameter<Int8Array>;
  readonly bias?: Parameter<Int32Array | BigInt64Array>;
}

/** A bias of at most half of int32 leaves the other half to the products. */
const mostBias = 2 ** 30;

/** A layer of zeros computes its bias alone: 256 steps of it make one of the output. */
const biasSteps = 256;

/** From this factor on the multiplier has no fixed-point form. */
const mostFactor = 2 ** 30;

function constantInput(graph: Graph, node: Node, index: number, role: string): Value {
  const value = getValue(graph, node.inputs[index]!);
  if (value.kind === 'const') return value;
  throw new UnsupportedError(
    `${node.op} (%${node.output}) has ${role} %${value.id} that are computed, which has no int8 form`,
    {
      hint: 'Layers have constant weights; use mul and mean for products of activations.',
      where: `%${node.output}`,
    },
  );
}

/** The factor from a sum of products to the output must have a fixed-point form. */
function requireFactor(node: Node, x: Quantization, w: Quantization, y: Quantization): void {
  const factor = (Math.max(...w.scale) * x.scale[0]!) / y.scale[0]!;
  if (factor < mostFactor) return;
  throw new BadInputError(
    `${node.op} (%${node.output}): its outputs are ${factor.toExponential(1)} times smaller than its products`,
    {
      hint: 'The layer outputs next to nothing for this data: calibrate with more samples, or train it again.',
      where: `%${node.output}`,
    },
  );
}

/**
 * Quantizes weights and bias.
 *
 * @param axis of the output channels, or undefined for one scale
 * @param x quantization of the layer's input
 * @param y quantization of the layer's output
 * @param trained quantization of the weights, where training chose it
 */
export function quantizeLayer(
  graph: Graph,
  node: Node,
  scheme: Scheme,
  axis: number | undefined,
  x: Quantization,
  y: Quantization,
  trained?: Quantization,
): LayerParameters {
  const w = constantInput(graph, node, 1, 'weights');
  const b = node.inputs.length > 2 ? constantInput(graph, node, 2, 'biases') : undefined;
  const biases = b && (getData(graph, b.id) as Float32Array);
  const xScale = x.scale[0]!;
  const largest = biases ? Math.max(...biases.map(Math.abs)) : 0;
  const weights = getData(graph, w.id) as Float32Array;
  const floor: ScaleFloor = {
    empty: y.scale[0]! / (xScale * biasSteps),
    least: (channel) =>
      (axis === undefined ? largest : Math.abs(biases?.[channel] ?? 0)) / (xScale * mostBias),
  };
  const quant = trained ?? scheme.weight(weights, w.shape, axis, floor);
  requireFactor(node, x, quant, y);
  const data = quantizeInto(new Int8Array(weights.length), weights, quant, w.shape, scheme.weights);
  const quantized: Parameter<Int8Array> = { source: w, quant, data };
  if (!b || !biases) return { weights: quantized };
  const biasQuant = scheme.bias(x, quant);
  const bias =
    scheme.types.bias === 's64'
      ? quantizeS64(biases, biasQuant, b.shape)
      : quantizeInto(new Int32Array(biases.length), biases, biasQuant, b.shape, int32);
  return { weights: quantized, bias: { source: b, quant: biasQuant, data: bias } };
}
