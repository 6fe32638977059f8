/**
 * The ops of worked examples, as functions of the model builder. Array ops get their operands as
 * they are; a layer's first axis of x is the batch, which the builder leaves out.
 */
import type { Shape } from '../../host/core/shape.js';
import * as a from '../../host/front/arrays.js';
import * as e from '../../host/front/elementwise.js';
import * as l from '../../host/front/layers.js';
import type { Tensor as Value } from '../../host/front/tensor.js';
import { type Fields, fail, need, pick, plainName, type Tensor } from './example.js';

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
  build(x: Value, fields: Fields, name: string): Value;
}

type Attrs = Fields['attrs'];
type ArrayOp = (inputs: readonly Value[], attrs: Attrs) => Value;

const axes = ({ axes: several, axis }: Attrs) => (several ?? axis) as a.Axes | undefined;
const keep = (attrs: Attrs) => ({ keepDims: pick(attrs, 'keepDims', 'keepdims') === true });
const unary =
  (f: (x: Value) => Value): ArrayOp =>
  ([x]) =>
    f(x!);
const binary =
  (f: (x: Value, y: Value) => Value): ArrayOp =>
  ([x, y]) =>
    f(x!, y!);
const reduction =
  (f: typeof a.sum): ArrayOp =>
  ([x], attrs) =>
    f(x!, axes(attrs), keep(attrs));
const alpha = (attrs: Attrs) => (attrs.alpha === undefined ? {} : { alpha: attrs.alpha as number });

/** Over the given axis: it becomes the last one and goes back. */
function softmax(x: Value, axis: number): Value {
  const rank = x.shape.length;
  const at = axis < 0 ? axis + rank : axis;
  if (at === rank - 1) return e.softmax(x);
  const order = x.shape.map((_, i) => i);
  const swapped = order.with(at, rank - 1).with(rank - 1, at);
  return a.transpose(e.softmax(a.transpose(x, swapped)), swapped);
}

function pad(x: Value, attrs: Attrs): Value {
  const mode = plainName((attrs.mode as string | undefined) ?? 'constant') as 'constant';
  const value = (pick(attrs, 'value', 'constantValue', 'constant_values') as number) ?? 0;
  return a.pad(x, need(attrs, 'paddings', 'padding') as [number, number][], { mode, value });
}

/** Turns 0 and 1 into other values. */
function oneHot(x: Value, attrs: Attrs): Value {
  const y = a.oneHot(x, attrs.depth as number);
  const [on, off] = [(attrs.onValue as number) ?? 1, (attrs.offValue as number) ?? 0];
  const ones = a.constant(y, [1], [off]);
  return on === 1 && off === 0 ? y : e.add(e.scale(y, on - off), ones);
}

export const arrayOps: Readonly<Record<string, ArrayOp>> = {
  cast: ([x], attrs) => a.cast(x!, castTo(need(attrs, 'to', 'dtype', 'type') as string)),
  slice: ([x], { begin, size }) => a.slice(x!, begin as number[], size as number[]),
  transpose: ([x], attrs) => a.transpose(x!, pick(attrs, 'perm', 'axes') as number[] | undefined),
  reshape: ([x], { shape }) => l.reshape(x!, shape as number[]),
  reducesum: reduction(a.sum),
  sum: reduction(a.sum),
  reducemean: reduction(a.mean),
  mean: reduction(a.mean),
  reducemax: reduction(a.max),
  max: reduction(a.max),
  reducemin: reduction(a.min),
  min: reduction(a.min),
  argmax: ([x], { axis }) => a.argMax(x!, (axis as number) ?? 0),
  argmin: ([x], { axis }) => a.argMin(x!, (axis as number) ?? 0),
  add: binary(e.add),
  sub: binary(e.sub),
  subtract: binary(e.sub),
  mul: binary(e.mul),
  multiply: binary(e.mul),
  div: binary(e.div),
  divide: binary(e.div),
  equal: binary(e.equal),
  matmul: ([x, y], { transposeA, transposeB }) =>
    a.matmul(x!, y!, { transposeA: transposeA === true, transposeB: transposeB === true }),
  concat: (inputs, { axis }) => e.concat(inputs, { axis: (axis as number) ?? -1 }),
  stack: (inputs, { axis }) => a.stack(inputs, { axis: (axis as number) ?? 0 }),
  pad: ([x], attrs) => pad(x!, attrs),
  reverse: ([x], attrs) => a.reverse(x!, axes(attrs) ?? 0),
  onehot: ([x], attrs) => oneHot(x!, attrs),
  fft: unary(a.fft),
  ifft: unary(a.ifft),
  fft2d: unary(a.fft2d),
  ifft2d: unary(a.ifft2d),
  fft2: unary(a.fft2d),
  ifft2: unary(a.ifft2d),
  sigmoid: unary(e.sigmoid),
  tanh: unary(e.tanh),
  relu: unary(e.relu),
  relu6: unary(e.relu6),
  leakyrelu: ([x], attrs) => e.leakyRelu(x!, alpha(attrs)),
  elu: ([x], attrs) => e.elu(x!, alpha(attrs)),
  selu: unary(e.selu),
  crelu: unary(e.crelu),
  softplus: unary(e.softplus),
  softsign: unary(e.softsign),
  hardswish: unary(e.hardSwish),
  gelu: unary(e.gelu),
  softmax: ([x], { axis }) => softmax(x!, (axis as number) ?? -1),
};

function castTo(type: string): 'bool' | 'int32' | 'float32' {
  if (type.startsWith('bool')) return 'bool';
  return /^u?int/.test(type) ? 'int32' : 'float32';
}

/** [h, w] of a number, of [h, w] or of [1, h, w, 1]. */
function pairOf(value: unknown): number | readonly [number, number] {
  const list = value as readonly number[];
  return Array.isArray(value) && list.length === 4 ? [list[1]!, list[2]!] : (value as number);
}

const first = (value: unknown): number => [value].flat()[0] as number;

function windowOf(attrs: Attrs, strides: unknown = 1) {
  return {
    strides: pairOf(pick(attrs, 'strides', 'stride') ?? strides),
    padding: Array.isArray(attrs.padding)
      ? (attrs.padding as never)
      : (plainName((attrs.padding as string) ?? 'valid') as 'valid'),
    dilation: pairOf(pick(attrs, 'dilation', 'dilations', 'rate') ?? 1),
  };
}

const weightNames = ['w', 'weights', 'filter', 'filters', 'kernel'];
const w: Weight = { names: weightNames, id: 'w', order: 'out-last' };
const b: Weight = { names: ['b', 'bias', 'biases'], id: 'b', order: 'same', optional: true };
const biasOf = ({ tensors }: Fields) => ({ useBias: pick(tensors, ...b.names) !== undefined });
const shapeOf = ({ tensors }: Fields, names: readonly string[]): Shape =>
  need<Tensor>(tensors, ...names).shape;

const depthwiseNames = ['depthwise', 'depthwiseFilter', 'dw'];
const pointwiseNames = ['pointwise', 'pointwiseFilter', 'pw'];

const pool = (f: typeof l.maxPool2d): Layer => ({
  weights: [],
  build(x, { attrs }, name) {
    const size = pairOf(
      need(attrs, 'size', 'ksize', 'poolSize', 'window'),
    ) as l.PoolOptions['strides'];
    const { dilation: _, ...window } = windowOf(attrs, size);
    return f(x, size!, { ...window, name });
  },
});

const normStates: readonly Weight[] = ['gamma', 'beta', 'mean', 'variance'].map((id) => ({
  ...{ names: [id, id === 'variance' ? 'var' : id], id, order: 'same', optional: true },
}));

export const layers: Readonly<Record<string, Layer>> = {
  conv1d: {
    weights: [
      { ...w, id: 'conv.w' },
      { ...b, id: 'conv.b' },
    ],
    build(x, fields, name) {
      const [taps, , filters] = shapeOf(fields, weightNames);
      const { strides, padding, dilation } = windowOf(fields.attrs);
      const window = { stride: first(strides), padding, dilation: first(dilation) };
      return l.conv1d(x, filters!, taps!, { ...window, ...biasOf(fields), name });
    },
  },
  conv2d: {
    weights: [w, b],
    build(x, fields, name) {
      const [h, width, , filters] = shapeOf(fields, weightNames);
      const options = { ...windowOf(fields.attrs), ...biasOf(fields), name };
      return l.conv2d(x, filters!, [h!, width!], options);
    },
  },
  depthwiseconv2d: {
    weights: [{ ...w, order: 'same' }, b],
    build(x, fields, name) {
      const [h, width, , multiplier] = shapeOf(fields, weightNames);
      const options = { ...windowOf(fields.attrs), ...biasOf(fields), multiplier: multiplier! };
      return l.depthwiseConv2d(x, [h!, width!], { ...options, name });
    },
  },
  separableconv2d: {
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
  globalavgpool2d: { weights: [], build: (x, _, name) => l.globalAvgPool2d(x, { name }) },
  flatten: { weights: [], build: (x, _, name) => l.flatten(x, { name }) },
  batchnorm: {
    weights: normStates,
    build: (x, { attrs }, name) =>
      l.batchNorm(x, { epsilon: (attrs.epsilon as number) ?? 1e-3, name }),
  },
};

/** Other names of layers. */
const aliases: Readonly<Record<string, string>> = {
  fullyconnected: 'dense',
  linear: 'dense',
  affine: 'dense',
  depthwise: 'depthwiseconv2d',
  separable: 'separableconv2d',
  maxpool: 'maxpool2d',
  maxpooling2d: 'maxpool2d',
  avgpool: 'avgpool2d',
  averagepool2d: 'avgpool2d',
  averagepooling2d: 'avgpool2d',
  globalaveragepool: 'globalavgpool2d',
  globalavgpool: 'globalavgpool2d',
  globalaveragepooling2d: 'globalavgpool2d',
  batchnormalization: 'batchnorm',
  batchnorm2d: 'batchnorm',
};

/** The layer of a name, or undefined. */
export function layerOf(op: string): Layer | undefined {
  const name = plainName(op);
  return layers[aliases[name] ?? name];
}

/** Attributes of an array op inside a network, where axes and shapes count the batch. */
function withoutBatch(attrs: Attrs): Attrs {
  const less = (axis: unknown) => (Number(axis) > 0 ? Number(axis) - 1 : axis);
  return {
    ...attrs,
    ...(attrs.axis !== undefined && { axis: less(attrs.axis) }),
    ...(attrs.axes !== undefined && { axes: [attrs.axes].flat().map(less) }),
    ...(attrs.shape !== undefined && { shape: (attrs.shape as number[]).slice(1) }),
    ...(attrs.perm !== undefined && { perm: (attrs.perm as number[]).slice(1).map((k) => k - 1) }),
  };
}

/** An array op on one value and the tensors of its layer, as a layer. */
const asLayer = (array: ArrayOp): Layer => ({
  weights: [],
  build(x, { attrs, tensors }) {
    const others = Object.values(tensors).map(({ shape, data }) => a.constant(x, shape, data));
    return array([x, ...others], withoutBatch(attrs));
  },
});

/** A layer followed by the activation that it names. */
const withActivation = (layer: Layer): Layer => ({
  weights: layer.weights,
  build(x, fields, name) {
    const y = layer.build(x, fields, name);
    const { activation } = fields.attrs;
    if (typeof activation !== 'string' || plainName(activation) === 'none') return y;
    const f = arrayOps[plainName(activation)] ?? fail(`there is no activation ${activation}`);
    return f([y], {});
  },
});

/** One layer of a network: a layer with weights, or an array op; a product with weights is dense. */
export function networkLayer(op: string): Layer {
  const name = plainName(op);
  const layer = layerOf(name === 'matmul' ? 'dense' : op);
  if (layer) return withActivation(layer);
  return asLayer(arrayOps[name] ?? fail(`there is no op ${op}`));
}
