/**
 * The layers of worked examples, as functions of the model builder. The first axis of x is the
 * batch, which the builder leaves out.
 */
import type { Shape } from '../../host/core/shape.js';
import * as a from '../../host/front/arrays.js';
import * as l from '../../host/front/layers.js';
import type { Tensor as Value } from '../../host/front/tensor.js';
import { oneResult } from './array-ops.js';
import { type Fields, isOn, need, numbersOf, pick, plainName, type Tensor } from './example.js';

/** Weights of a layer: where they stand in the case, in the graph, and in which order. */
export interface Weight {
  readonly names: readonly string[];
  /** The end of the value's id in the graph, after the layer's name. */
  readonly id: string;
  readonly order: WeightOrder;
  readonly optional?: true;
}

/** `out-last`: [..., in, out] there, [out, ..., in] here. */
export type WeightOrder = 'same' | 'out-last';

export interface Layer {
  readonly weights: readonly Weight[];
  /** The rank of x with its batch, and of the filter; a case may leave out axes of 1. */
  readonly ranks?: { readonly x: number; readonly w?: number };
  build(x: Value, fields: Fields, name: string): Value;
}

type Attrs = Fields['attrs'];

/** [h, w] of a number, of [h, w] or of [1, h, w, 1]. */
function pairOf(value: unknown): number | readonly [number, number] {
  const list = numbersOf(value);
  if (list.length === 4) return [list[1]!, list[2]!];
  return list.length === 2 ? [list[0]!, list[1]!] : list[0]!;
}

/** The number along one axis, of a number, of [n] or of [1, n, 1]. */
function lineOf(value: unknown): number {
  const list = numbersOf(value);
  return list.length === 3 ? list[1]! : list[0]!;
}

/** A name, or [top, bottom, left, right] of as many numbers, of one, of [h, w] or of all axes. */
function paddingOf(attrs: Attrs): 'valid' {
  const given = pick(attrs, 'padding', 'pad', 'pads', 'mode') ?? 'valid';
  if (typeof given === 'string') return plainName(given) as 'valid';
  const list = numbersOf(given);
  const [first = 0, second = first] = list;
  const around = [first, first, second, second];
  return (list.length === 8 ? list.slice(2, 6) : list.length === 4 ? list : around) as never;
}

const dilationNames = ['dilation', 'dilations', 'dilationRate', 'rate', 'rates'];

function windowOf(attrs: Attrs, strides: unknown = 1) {
  return {
    strides: pairOf(pick(attrs, 'strides', 'stride') ?? strides),
    padding: paddingOf(attrs),
    dilation: pairOf(pick(attrs, ...dilationNames) ?? 1),
  };
}

const weightNames = ['w', 'weights', 'weight', 'filter', 'filters', 'kernel', 'k'];
const w: Weight = { names: weightNames, id: 'w', order: 'out-last' };
const b: Weight = { names: ['b', 'bias', 'biases'], id: 'b', order: 'same', optional: true };
const biasOf = ({ tensors }: Fields) => ({ useBias: pick(tensors, ...b.names) !== undefined });
const shapeOf = ({ tensors }: Fields, names: readonly string[]): Shape =>
  need<Tensor>(tensors, ...names).shape;

const depthwiseNames = ['depthwise', 'depthwiseFilter', 'depthwiseKernel', 'dw'];
const pointwiseNames = ['pointwise', 'pointwiseFilter', 'pointwiseKernel', 'pw'];
const sizeNames = [
  ...['size', 'ksize', 'poolSize', 'kernelSize', 'window', 'windowShape', 'windowSize'],
  ...['filterSize', 'kernel', 'filter'],
];

/** The window of a pool; `kernel` and `filter` may have been taken for a tensor. */
const sizeOf = ({ attrs, tensors }: Fields): unknown =>
  need({ ...tensors, ...attrs } as Attrs, ...sizeNames);

const pool = (f: typeof l.maxPool2d): Layer => ({
  weights: [],
  ranks: { x: 4 },
  build(x, fields, name) {
    const { attrs } = fields;
    const size = pairOf(sizeOf(fields));
    const { dilation: _, ...window } = windowOf(attrs, [size].flat());
    return f(x, size, { ...window, name });
  },
});

const pool1d = (f: typeof l.maxPool1d): Layer => ({
  weights: [],
  ranks: { x: 3 },
  build(x, fields, name) {
    const { attrs } = fields;
    const size = lineOf(sizeOf(fields));
    const padding = paddingOf(attrs);
    return f(x, size, { stride: lineOf(pick(attrs, 'strides', 'stride') ?? size), padding, name });
  },
});

/** Names of the parameters and statistics of batch normalization. */
export const normNames: Readonly<Record<'gamma' | 'beta' | 'mean' | 'variance', string[]>> = {
  gamma: ['gamma', 'scale'],
  beta: ['beta', 'offset'],
  mean: ['mean', 'movingMean', 'runningMean'],
  variance: ['variance', 'var', 'movingVariance', 'movingVar', 'runningVariance', 'runningVar'],
};

const layers: Readonly<Record<string, Layer>> = {
  conv1d: {
    ranks: { x: 3, w: 3 },
    weights: [
      { ...w, id: 'conv.w' },
      { ...b, id: 'conv.b' },
    ],
    build(x, fields, name) {
      const [taps, , filters] = shapeOf(fields, weightNames);
      const padding = paddingOf(fields.attrs);
      const number = (...names: string[]) => lineOf(pick(fields.attrs, ...names) ?? 1);
      const window = {
        stride: number('strides', 'stride'),
        dilation: number(...dilationNames),
        padding,
      };
      return l.conv1d(x, filters!, taps!, { ...window, ...biasOf(fields), name });
    },
  },
  conv2d: {
    ranks: { x: 4, w: 4 },
    weights: [w, b],
    build(x, fields, name) {
      const [h, width, , filters] = shapeOf(fields, weightNames);
      const options = { ...windowOf(fields.attrs), ...biasOf(fields), name };
      return l.conv2d(x, filters!, [h!, width!], options);
    },
  },
  depthwiseconv2d: {
    ranks: { x: 4, w: 4 },
    weights: [{ ...w, names: [...weightNames, ...depthwiseNames], order: 'same' }, b],
    build(x, fields, name) {
      const [h, width, , multiplier] = shapeOf(fields, [...weightNames, ...depthwiseNames]);
      const options = { ...windowOf(fields.attrs), ...biasOf(fields), multiplier: multiplier! };
      return l.depthwiseConv2d(x, [h!, width!], { ...options, name });
    },
  },
  separableconv2d: {
    ranks: { x: 4 },
    weights: [
      { names: depthwiseNames, id: 'depthwise.w', order: 'same' },
      { names: pointwiseNames, id: 'w', order: 'out-last' },
      b,
    ],
    build(x, fields, name) {
      const [h, width, , multiplier] = shapeOf(fields, depthwiseNames);
      const filters = shapeOf(fields, pointwiseNames).at(-1)!;
      const options = { ...windowOf(fields.attrs), ...biasOf(fields), multiplier: multiplier! };
      return l.separableConv2d(x, filters, [h!, width!], { ...options, name });
    },
  },
  dense: {
    weights: [w, b],
    build: (x, fields, name) =>
      l.dense(x, shapeOf(fields, weightNames)[1]!, { ...biasOf(fields), name }),
  },
  maxpool2d: pool(l.maxPool2d),
  avgpool2d: pool(l.avgPool2d),
  maxpool1d: pool1d(l.maxPool1d),
  avgpool1d: pool1d(l.avgPool1d),
  globalavgpool2d: {
    weights: [],
    build: (x, { attrs }, name) =>
      l.globalAvgPool2d(x, {
        keepDims: isOn(attrs, 'keepDims'),
        name,
      }),
  },
  globalmaxpool2d: { weights: [], build: (x) => a.max(x, [0, 1]) },
  flatten: { weights: [], build: (x, _, name) => l.flatten(x, { name }) },
  batchnorm: {
    weights: Object.entries(normNames).map(([id, names]) => ({
      ...{ names, id, order: 'same', optional: true },
    })),
    build(x, { attrs }, name) {
      const epsilon = pick(attrs, 'epsilon', 'eps', 'varianceEpsilon');
      const momentum = pick(attrs, 'momentum', 'decay') as number | undefined;
      return l.batchNorm(x, {
        // The builder wants one above 0; in float32 this one is none.
        ...{ epsilon: Math.max((epsilon as number | undefined) ?? 1e-3, 1e-30), name },
        ...(momentum !== undefined && { momentum }),
      });
    },
  },
};

/** The full convolution, which the convolution theorem gives. */
const full = (layer: Layer): Layer => ({
  ...layer,
  build: (x, { tensors, attrs }, name) =>
    layer.build(x, { tensors, attrs: { padding: 'full', ...attrs } }, name),
});
const theorem: Readonly<Record<string, Layer>> = {
  fftconv1d: full(layers.conv1d!),
  fftconv2d: full(layers.conv2d!),
};
const byName = { ...layers, ...theorem };

/** Other names of layers. */
const aliases: Readonly<Record<string, string>> = {
  ...{ fullyconnected: 'dense', linear: 'dense', affine: 'dense', fc: 'dense', xwplusb: 'dense' },
  ...{ conv: 'conv2d', convolution: 'conv2d', convolution2d: 'conv2d', convolution1d: 'conv1d' },
  ...{ atrousconv2d: 'conv2d', dilatedconv2d: 'conv2d', atrousconv1d: 'conv1d' },
  ...{ depthwise: 'depthwiseconv2d', depthwiseconv2dnative: 'depthwiseconv2d' },
  ...{ depthwiseconv: 'depthwiseconv2d', separable: 'separableconv2d' },
  ...{ separableconv: 'separableconv2d', maxpool: 'maxpool2d', maxpooling2d: 'maxpool2d' },
  ...{ avgpool: 'avgpool2d', averagepool: 'avgpool2d', averagepool2d: 'avgpool2d' },
  ...{ averagepooling2d: 'avgpool2d', meanpool2d: 'avgpool2d', maxpooling1d: 'maxpool1d' },
  ...{ avgpooling2d: 'avgpool2d', meanpool: 'avgpool2d', avgpooling1d: 'avgpool1d' },
  ...{ maxpooling: 'maxpool2d', averagepooling: 'avgpool2d', avgpooling: 'avgpool2d' },
  ...{ averagepool1d: 'avgpool1d', averagepooling1d: 'avgpool1d', meanpool1d: 'avgpool1d' },
  ...{ globalaveragepool: 'globalavgpool2d', globalavgpool: 'globalavgpool2d' },
  ...{ globalaveragepool2d: 'globalavgpool2d', globalaveragepooling2d: 'globalavgpool2d' },
  ...{ globalmaxpool: 'globalmaxpool2d', globalmaxpooling2d: 'globalmaxpool2d' },
  ...{ batchnormalization: 'batchnorm', batchnorm2d: 'batchnorm', bn: 'batchnorm' },
  ...{ conv1dfft: 'fftconv1d', fftconvolution1d: 'fftconv1d', fftconvolve: 'fftconv1d' },
  ...{ conv2dfft: 'fftconv2d', fftconvolution2d: 'fftconv2d', fftconvolve2d: 'fftconv2d' },
  ...{ convolve: 'fftconv1d', convolve2d: 'fftconv2d', convolutiontheorem: 'fftconv1d' },
  ...{ fusedbatchnorm: 'batchnorm', batchnorm1d: 'batchnorm', batchnormalize: 'batchnorm' },
};

/** The layer of a name, or undefined. */
export function layerOf(op: string): Layer | undefined {
  const name = plainName(op);
  const known = aliases[name] ?? name;
  return Object.hasOwn(byName, known) ? byName[known] : undefined;
}

/** [-1] is all numbers of an example too. */
const shapeWithoutBatch = (shape: readonly number[]) =>
  shape.length === 1 ? shape : shape.slice(1);

/** Attributes of an array op inside a network, where axes and shapes count the batch. */
function withoutBatch(attrs: Attrs): Attrs {
  const less = (axis: unknown) => (Number(axis) > 0 ? Number(axis) - 1 : axis);
  return {
    ...attrs,
    ...(attrs.axis !== undefined && { axis: [attrs.axis].flat().map(less) }),
    ...(attrs.axes !== undefined && { axes: [attrs.axes].flat().map(less) }),
    ...(attrs.shape !== undefined && { shape: shapeWithoutBatch(numbersOf(attrs.shape)) }),
    ...(attrs.perm !== undefined && { perm: (attrs.perm as number[]).slice(1).map((k) => k - 1) }),
    ...(attrs.paddings !== undefined && { paddings: numbersOf(attrs.paddings).slice(2) }),
  };
}

/** An array op on one value and the tensors of its layer, as a layer. */
const asLayer = (op: string): Layer => ({
  weights: [],
  build(x, { attrs, tensors }) {
    const others = Object.values(tensors).map(({ shape, data }) => a.constant(x, shape, data));
    return oneResult(op)([x, ...others], withoutBatch({ training: false, ...attrs }));
  },
});

/** A layer followed by the activation that it names. */
const withActivation = (layer: Layer): Layer => ({
  ...layer,
  build(x, fields, name) {
    const y = layer.build(x, fields, name);
    const { activation } = fields.attrs;
    const plain = typeof activation === 'string' ? plainName(activation) : 'none';
    return ['none', 'linear', 'identity'].includes(plain)
      ? y
      : oneResult(plain)([y], { alpha: fields.attrs.alpha });
  },
});

/** The activation that a layer of that name says. */
function activationLayer({ attrs }: Fields): Layer {
  const name = need(attrs, 'activation', 'function', 'fn', 'name') as string;
  return asLayer(name);
}

/** One layer of a network: a layer with weights, or an array op; a product with weights is dense. */
export function networkLayer(op: string, fields: Fields): Layer {
  if (plainName(op) === 'activation') return activationLayer(fields);
  const layer = layerOf(/^(matmul|dot)$/.test(plainName(op)) ? 'dense' : op);
  if (layer) return withActivation(layer);
  oneResult(op);
  return asLayer(op);
}
