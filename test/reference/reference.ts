/**
 * The reference: every float and train op in float64, as plainly as it can be written. It is the
 * oracle of the float kernels and of gradients; it is slow.
 */
import { UnsupportedError } from '../../host/core/errors.js';
import { randomUniform } from '../../host/core/random.js';
import { elements, normalizeAxis, type Shape, strides } from '../../host/core/shape.js';
import { type Graph, getValue, type Node, type ValueId } from '../../host/ir/graph.js';
import type { OpAttrs, OpName } from '../../host/ir/ops.js';
import { fakeQuantize } from '../../host/scheme/affine.js';
import * as losses from './losses.js';
import { at, byRow, fill, groups, type Tensor, total, zeros } from './tensor.js';
import * as windows from './window.js';

type Rule<O extends OpName> = (
  inputs: readonly Tensor[],
  attrs: OpAttrs<O>,
  shape: Shape,
) => Float64Array;

const kernelOf = (w: Tensor): readonly [number, number] => [w.shape[1]!, w.shape[2]!];

const map =
  (f: (x: number) => number) =>
  ([x]: readonly Tensor[]): Float64Array =>
    x!.data.map(f);

const map2 =
  (f: (a: number, b: number) => number) =>
  ([a, b]: readonly Tensor[]): Float64Array =>
    a!.data.map((value, i) => f(value, b!.data[i]!));

const broadcast =
  (f: (a: number, b: number) => number) =>
  ([a, b]: readonly Tensor[], _attrs: object, shape: Shape): Float64Array =>
    fill(shape, (index) => f(at(a!, index), at(b!, index)));

const average = (values: ArrayLike<number>): number => total(values) / values.length;

function variance(values: readonly number[]): number {
  const centre = average(values);
  return average(values.map((value) => (value - centre) ** 2));
}

const reduce =
  (of: (values: readonly number[]) => number) =>
  ([x]: readonly Tensor[], { axes }: { readonly axes: readonly number[] }): Float64Array =>
    Float64Array.from(groups(x!, axes), of);

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const seluScale = 1.0507009873554805;
const seluAlpha = 1.6732632423543772;

function batchNorm([x, gamma, beta, mean, variances]: readonly Tensor[], epsilon: number) {
  const channels = x!.shape.at(-1)!;
  return x!.data.map((value, i) => {
    const c = i % channels;
    const centred = value - mean!.data[c]!;
    return (gamma!.data[c]! * centred) / Math.sqrt(variances!.data[c]! + epsilon) + beta!.data[c]!;
  });
}

function dense([x, w, b]: readonly Tensor[], shape: Shape): Float64Array {
  return fill(shape, ([n, o]) => {
    const products = map2((a, v) => a * v)([row(x!, n!), row(w!, o!)]);
    return total(products) + (b?.data[o!] ?? 0);
  });
}

function row(x: Tensor, i: number): Tensor {
  const length = x.shape[1]!;
  return { shape: [length], data: x.data.subarray(i * length, (i + 1) * length) };
}

function matmul([a, b]: readonly Tensor[], attrs: OpAttrs<'matmul'>, shape: Shape): Float64Array {
  const inner = a!.shape.at(attrs.transposeA ? -2 : -1)!;
  return fill(shape, (index) => {
    const outer = index.slice(0, -2);
    const [i, j] = index.slice(-2) as [number, number];
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      const left = at(a!, [...outer, ...(attrs.transposeA ? [k, i] : [i, k])]);
      sum += left * at(b!, [...outer, ...(attrs.transposeB ? [j, k] : [k, j])]);
    }
    return sum;
  });
}

function concat(inputs: readonly Tensor[], attrs: OpAttrs<'concat'>, shape: Shape): Float64Array {
  const axis = normalizeAxis(attrs.axis, shape.length);
  return fill(shape, (index) => {
    let place = index[axis]!;
    let part = 0;
    while (place >= inputs[part]!.shape[axis]!) place -= inputs[part++]!.shape[axis]!;
    return at(inputs[part]!, index.with(axis, place));
  });
}

function pad([x]: readonly Tensor[], { padding }: OpAttrs<'pad'>, shape: Shape): Float64Array {
  return fill(shape, (index) => {
    const inside = index.map((k, axis) => k - padding[2 * axis]!);
    const seen = inside.every((k, axis) => k >= 0 && k < x!.shape[axis]!);
    const own = strides(x!.shape);
    return seen ? x!.data[inside.reduce((sum, k, axis) => sum + k * own[axis]!, 0)]! : 0;
  });
}

function slice([x]: readonly Tensor[], { begin }: OpAttrs<'slice'>, shape: Shape): Float64Array {
  const own = strides(x!.shape);
  return fill(
    shape,
    (index) => x!.data[index.reduce((sum, k, i) => sum + (k + begin[i]!) * own[i]!, 0)]!,
  );
}

/** The element of x at an index, without broadcasting. */
const elementAt = (x: Tensor, index: readonly number[]): number => {
  const own = strides(x.shape);
  return x.data[index.reduce((sum, k, i) => sum + k * own[i]!, 0)]!;
};

const transpose = ([x]: readonly Tensor[], { perm }: OpAttrs<'transpose'>, shape: Shape) =>
  fill(shape, (index) =>
    elementAt(
      x!,
      x!.shape.map((_, axis) => index[perm.indexOf(axis)]!),
    ),
  );

function reverse([x]: readonly Tensor[], attrs: OpAttrs<'reverse'>, shape: Shape): Float64Array {
  const axes = attrs.axes.map((axis) => normalizeAxis(axis, shape.length));
  const turned = (k: number, axis: number) => (axes.includes(axis) ? shape[axis]! - 1 - k : k);
  return fill(shape, (index) => elementAt(x!, index.map(turned)));
}

function fft([x]: readonly Tensor[], { inverse }: OpAttrs<'fft'>, shape: Shape): Float64Array {
  const n = shape.at(-2)!;
  const turn = ((inverse ? 2 : -2) * Math.PI) / n;
  return fill(shape, (index) => {
    const [k, part] = index.slice(-2) as [number, number];
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const [re, im] = [0, 1].map((p) => elementAt(x!, [...index.slice(0, -2), i, p])) as [
        number,
        number,
      ];
      const [cos, sin] = [Math.cos(turn * i * k), Math.sin(turn * i * k)];
      sum += part === 0 ? re * cos - im * sin : re * sin + im * cos;
    }
    return inverse ? sum / n : sum;
  });
}

/** 2 / sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (1 * 3 * ... * (2n+1)): all terms of one sign. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const normal = (x: number): number => (1 + erf(x / Math.SQRT2)) / 2;
const normalDensity = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

function dropoutMask([x, key]: readonly Tensor[], attrs: OpAttrs<'dropoutMask'>): Float64Array {
  const [seed, epoch, step] = key!.data as unknown as [number, number, number];
  const random = { seed, epoch, step, purpose: 'dropout', stream: attrs.stream } as const;
  return x!.data.map((_, i) =>
    randomUniform(random, i) < Math.fround(attrs.rate) ? 0 : 1 / (1 - attrs.rate),
  );
}

/** The share of each tap in the gradient of max: all of it to the first maximum. */
function firstMaximum(seen: readonly number[]): number[] {
  const first = seen.indexOf(Math.max(...seen));
  return seen.map((_, i) => (i === first ? 1 : 0));
}

/** Fake quantization element by element, with the scale of each. */
function fake(
  [x, scale, limits]: readonly Tensor[],
  axis: number | undefined,
  part: (result: ReturnType<typeof fakeQuantize>, i: number) => number,
): Float64Array {
  const [low, high] = limits!.data as unknown as [number, number];
  const run = axis === undefined ? x!.data.length : elements(x!.shape.slice(axis + 1));
  return x!.data.map((value, i) => {
    const channel = Math.floor(i / run) % scale!.data.length;
    return part(fakeQuantize(value, scale!.data[channel]!, { low, high }), i);
  });
}

const squares = map2((x, target) => (x - target) ** 2);
const crossEntropies = map2((x, target) => softplus(x) - x * target);
const scalar = (value: number): Float64Array => Float64Array.of(value);

const rules = {
  conv2d: ([x, w, b], attrs, y) =>
    windows.forward(windows.eachConvProduct, { x: x!.shape, y, kernel: kernelOf(w!), attrs }, [
      x!.data,
      w!.data,
      b?.data,
    ]),
  depthwiseConv2d: ([x, w, b], attrs, y) =>
    windows.forward(windows.eachDepthwiseProduct, { x: x!.shape, y, kernel: kernelOf(w!), attrs }, [
      x!.data,
      w!.data,
      b?.data,
    ]),
  dense: (inputs, _attrs, shape) => dense(inputs, shape),
  batchNorm: (inputs, { epsilon }) => batchNorm(inputs, epsilon),
  maxPool2d: ([x], attrs, y) =>
    windows.pool({ x: x!.shape, y, kernel: attrs.size, attrs }, x!.data, (v) => Math.max(...v)),
  avgPool2d: ([x], attrs, y) =>
    windows.pool({ x: x!.shape, y, kernel: attrs.size, attrs }, x!.data, average),
  mean: reduce(average),
  sum: reduce(total),
  variance: reduce(variance),
  max: reduce((values) => Math.max(...values)),
  min: reduce((values) => Math.min(...values)),
  argMax: (inputs, { axis }) =>
    reduce((values) => values.indexOf(Math.max(...values)))(inputs, { axes: [axis] }),
  argMin: (inputs, { axis }) =>
    reduce((values) => values.indexOf(Math.min(...values)))(inputs, { axes: [axis] }),
  fft,
  equal: broadcast((a, b) => (a === b ? 1 : 0)),
  notZero: map((x) => (x === 0 ? 0 : 1)),
  truncate: map(Math.trunc),
  hardSwish: map((x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6),
  gelu: map((x) => x * normal(x)),
  add: broadcast((a, b) => a + b),
  sub: broadcast((a, b) => a - b),
  mul: broadcast((a, b) => a * b),
  div: broadcast((a, b) => a / b),
  scale: (inputs, { factor }) => map((x) => factor * x)(inputs),
  rsqrt: (inputs, { epsilon }) => map((x) => 1 / Math.sqrt(x + epsilon))(inputs),
  relu: map((x) => Math.max(x, 0)),
  relu6: map((x) => Math.min(Math.max(x, 0), 6)),
  leakyRelu: (inputs, { alpha }) => map((x) => (x > 0 ? x : alpha * x))(inputs),
  elu: (inputs, { alpha }) => map((x) => (x > 0 ? x : alpha * Math.expm1(x)))(inputs),
  selu: map((x) => seluScale * (x > 0 ? x : seluAlpha * Math.expm1(x))),
  sigmoid: map(sigmoid),
  tanh: map(Math.tanh),
  softplus: map(softplus),
  softsign: map((x) => x / (1 + Math.abs(x))),
  softmax: ([x]) => byRow(x!, losses.softmax),
  reshape: ([x]) => x!.data.slice(),
  concat,
  pad,
  slice,
  transpose,
  reverse,
  broadcastTo: ([x], _attrs, shape) => fill(shape, (index) => at(x!, index)),
  requantize: () => {
    throw new UnsupportedError('requantize exists in integer graphs only', {
      hint: 'Run integer graphs with the integer interpreter (createOracle).',
    });
  },
  dropout: ([x]) => x!.data.slice(),
  dropoutMask,
  softmaxCrossEntropy: losses.softmaxCrossEntropy,
  softCrossEntropy: losses.softCrossEntropy,
  sigmoidCrossEntropy: (inputs) => scalar(average(crossEntropies(inputs))),
  meanSquares: (inputs) => scalar(average(squares(inputs))),
  sumSquares: (inputs) => scalar(total(squares(inputs))),
  matmul,
  conv2dGradInput: ([dy, w], attrs) => {
    const window = { x: attrs.inputShape, y: dy!.shape, kernel: kernelOf(w!), attrs };
    return windows.gradInput(windows.eachConvProduct, window, dy!.data, w!.data);
  },
  conv2dGradWeights: ([x, dy], attrs, shape) => {
    const window = { x: x!.shape, y: dy!.shape, kernel: attrs.kernel, attrs };
    return windows.gradWeights(windows.eachConvProduct, window, shape, x!.data, dy!.data);
  },
  depthwiseConv2dGradInput: ([dy, w], attrs) => {
    const window = { x: attrs.inputShape, y: dy!.shape, kernel: kernelOf(w!), attrs };
    return windows.gradInput(windows.eachDepthwiseProduct, window, dy!.data, w!.data);
  },
  depthwiseConv2dGradWeights: ([x, dy], attrs, shape) => {
    const window = { x: x!.shape, y: dy!.shape, kernel: attrs.kernel, attrs };
    return windows.gradWeights(windows.eachDepthwiseProduct, window, shape, x!.data, dy!.data);
  },
  maxPool2dGrad: ([x, dy], attrs) => {
    const window = { x: x!.shape, y: dy!.shape, kernel: attrs.size, attrs };
    return windows.poolGrad(window, x!.data, dy!.data, firstMaximum);
  },
  avgPool2dGrad: ([dy], attrs) => {
    const window = { x: attrs.inputShape, y: dy!.shape, kernel: attrs.size, attrs };
    const evenly = (seen: readonly number[]) => seen.map(() => 1 / seen.length);
    return windows.poolGrad(window, undefined, dy!.data, evenly);
  },
  reluGrad: map2((y, dy) => (y > 0 ? dy : 0)),
  relu6Grad: map2((y, dy) => (y > 0 && y < 6 ? dy : 0)),
  leakyReluGrad: (inputs, { alpha }) => map2((x, dy) => (x > 0 ? dy : alpha * dy))(inputs),
  eluGrad: (inputs, { alpha }) => map2((y, dy) => dy * (y > 0 ? 1 : y + alpha))(inputs),
  seluGrad: map2((y, dy) => dy * (y > 0 ? seluScale : y + seluScale * seluAlpha)),
  sigmoidGrad: map2((y, dy) => dy * y * (1 - y)),
  tanhGrad: map2((y, dy) => dy * (1 - y * y)),
  softplusGrad: map2((x, dy) => dy * sigmoid(x)),
  softsignGrad: map2((x, dy) => dy / (1 + Math.abs(x)) ** 2),
  hardSwishGrad: map2((x, dy) => (x > 3 ? dy : x < -3 ? 0 : dy * (x / 3 + 0.5))),
  geluGrad: map2((x, dy) => dy * (normal(x) + x * normalDensity(x))),
  softmaxGrad: losses.softmaxGrad,
  softmaxCrossEntropyGrad: losses.softmaxCrossEntropyGrad,
  softCrossEntropyGrad: losses.softCrossEntropyGrad,
  sigmoidCrossEntropyGrad: ([x, target, dloss]) =>
    x!.data.map((v, i) => (dloss!.data[0]! * (sigmoid(v) - target!.data[i]!)) / x!.data.length),
  fakeQuantize: (inputs, { axis }) => fake(inputs, axis, ({ y }) => y),
  fakeQuantizeGrad: (inputs, { axis }) =>
    fake(inputs, axis, ({ passes }, i) => (passes ? inputs[3]!.data[i]! : 0)),
  fakeQuantizeSlope: (inputs, { axis }) => fake(inputs, axis, ({ slope }) => slope),
  gradientScale: ([x]) => x!.data.slice(),
  scaleAdd: (inputs, { factor }) => map2((a, b) => factor * a + b)(inputs),
  ema: (inputs, { decay }) => map2((a, b) => decay * a + (1 - decay) * b)(inputs),
  descend: ([w, g, rate]) => w!.data.map((v, i) => v - rate!.data[0]! * g!.data[i]!),
  adaptiveDescend: ([w, m, v, rate], { epsilon }) =>
    w!.data.map((x, i) => x - (rate!.data[0]! * m!.data[i]!) / (Math.sqrt(v!.data[i]!) + epsilon)),
} satisfies { readonly [O in OpName]: Rule<O> };

function compute(graph: Graph, node: Node, values: ReadonlyMap<ValueId, Float64Array>) {
  const inputs = node.inputs.map((id) => ({
    shape: getValue(graph, id).shape,
    data: values.get(id)!,
  }));
  const rule = rules[node.op] as unknown as Rule<OpName>;
  const result = rule(inputs, node.attrs as OpAttrs<OpName>, getValue(graph, node.output).shape);
  const expected = zeros(getValue(graph, node.output).shape).length;
  if (result.length !== expected) {
    throw new Error(`reference: ${node.op} %${node.output} gave ${result.length} of ${expected}`);
  }
  return result;
}

/**
 * All values of a graph of stage float or train, in float64. States keep their old contents; what
 * they become stands under their update's id.
 *
 * @param feeds contents of inputs; consts and states too, where they differ from the graph's data
 */
export function reference(
  graph: Graph,
  feeds: ReadonlyMap<ValueId, ArrayLike<number>>,
): ReadonlyMap<ValueId, Float64Array> {
  const values = new Map<ValueId, Float64Array>();
  for (const [id, data] of graph.data) values.set(id, Float64Array.from(data as ArrayLike<number>));
  for (const [id, data] of feeds) values.set(id, Float64Array.from(data));
  for (const id of graph.inputs) {
    if (!values.has(id)) throw new Error(`reference: input %${id} was not fed`);
  }
  for (const node of graph.nodes) values.set(node.output, compute(graph, node, values));
  return values;
}
