/** A network with every kind of layer, quantized with types of each kind. */
import { add, concat, mul, relu, softmax } from '../../host/front/elementwise.js';
import {
  avgPool2d,
  conv2d,
  dense,
  depthwiseConv2d,
  flatten,
  globalAvgPool2d,
  input,
  maxPool2d,
} from '../../host/front/layers.js';
import type { Tensor } from '../../host/front/tensor.js';
import type { Graph } from '../../host/ir/graph.js';
import { prepareForQuantization, quantizeGraph } from '../../host/quant/quantize.js';
import type { SchemeName } from '../../host/scheme/schemes.js';
import { graphOf } from './fixture.js';

/** Residual, depthwise (3x3 in place, and strided), pools, concat; odd channel counts. */
export function build(): Tensor {
  const x = input([12, 10, 3], { name: 'image' });
  const a = relu(conv2d(x, 8, 3, { padding: 'same', name: 'first' }));
  const b = depthwiseConv2d(a, 3, { padding: 'same', name: 'plane' });
  const c = conv2d(b, 8, 1, { name: 'point' });
  const sum = relu(add(a, c));
  const d = depthwiseConv2d(sum, 3, { strides: 2, padding: 'same', name: 'strided' });
  const both = concat([maxPool2d(d, 2), avgPool2d(d, 2)]);
  const gate = dense(globalAvgPool2d(both), 13, { name: 'gate' });
  return softmax(dense(mul(dense(flatten(both), 13, { name: 'wide' }), gate), 5, { name: 'last' }));
}

/** Kinds of quantization, by name: a scheme, and what some layers have instead. */
export const typings: Readonly<
  Record<string, { scheme: SchemeName; layers?: readonly (readonly [string, SchemeName])[] }>
> = {
  int16x8: { scheme: 'int16x8' },
  int8w4: { scheme: 'int8w4' },
  mixed: {
    scheme: 'int8',
    layers: [
      ['first', 'int16x8'],
      ['point', 'int8w4'],
      ['wide', 'int16x8'],
      ['last', 'int8w4'],
    ],
  },
};

/** The network with types of a kind; ranges as if calibration had found -4 to 4 everywhere. */
export function typedNetwork(name: string): Graph {
  const float = graphOf(build);
  const { scheme, layers = [] } = typings[name]!;
  const prepared = prepareForQuantization(float);
  const range = { min: -4, max: 4 };
  const ids = [...prepared.inputs, ...prepared.nodes.map(({ output }) => output)];
  const ranges = new Map(ids.map((id) => [id, range]));
  return quantizeGraph(float, ranges, { scheme, layers: new Map(layers) });
}
