/**
 * Random one-node int8 graphs with inputs: every op that has an integer kernel.
 */
import { elements, type Pair, type Shape, windowLength } from '../../host/core/shape.js';
import { borderClasses } from '../../host/ir/border.js';
import { buildGraph, type GraphBuilder } from '../../host/ir/build-graph.js';
import type { Graph, ValueId } from '../../host/ir/graph.js';
import {
  type Choice,
  choices,
  clampAttr,
  factorExponents,
  tensorQuant,
  zeroPoint,
} from './fuzz-random.js';

export interface FuzzCase {
  readonly seed: number;
  readonly index: number;
  readonly graph: Graph;
  readonly inputs: readonly (Int8Array | Int16Array)[];
  /** The kernel computes into its first operand. */
  readonly inPlace: boolean;
}

interface Draft {
  readonly g: GraphBuilder;
  readonly c: Choice;
  readonly inputs: Int8Array[];
  readonly deadChannels?: boolean;
}

function input({ g, c, inputs }: Draft, shape: Shape, scale: number, zero = zeroPoint(c)): ValueId {
  inputs.push(c.bytes(elements(shape)));
  return g.input({ shape, dtype: 's8' }, { quant: tensorQuant(scale, zero) });
}

/** The output's quantization, so that `product` of the operands' scales is rescaled as drawn. */
function outputQuant({ c }: Draft, product: number) {
  const factor = c.scale(...factorExponents(c));
  return { quant: tensorQuant(Math.fround(product / factor), zeroPoint(c)) };
}

const inScale = (c: Choice): number => c.scale(-10, 2);

/** One axis of a sliding window: a size in which at least one window fits. */
function windowAxis(c: Choice, largest: number, kernel: number, dilation: number, pads: number) {
  const least = Math.max(1, (kernel - 1) * dilation + 1 - pads);
  return c.int(least, Math.max(least, largest));
}

function windowOf(c: Choice, maxKernel: number, largest: number) {
  const kernel: Pair = [c.int(1, maxKernel), c.int(1, maxKernel)];
  const stride: Pair = [c.int(1, 3), c.int(1, 3)];
  const dilation: Pair = c.chance(0.7) ? [1, 1] : [c.int(1, 3), c.int(1, 3)];
  const edge = () => (c.chance(0.5) ? 0 : c.int(0, 4));
  const pad = [edge(), edge(), edge(), edge()] as const;
  const height = windowAxis(c, largest, kernel[0], dilation[0], pad[0] + pad[1]);
  const width = windowAxis(c, largest, kernel[1], dilation[1], pad[2] + pad[3]);
  return { kernel, stride, dilation, pad, height, width };
}

/** Sets the weights of some channels to zero, as training with regularization leaves them. */
function clearChannels(c: Choice, w: Int8Array, shape: Shape, axis: number): void {
  const inner = elements(shape.slice(axis + 1));
  const dead = Array.from({ length: shape[axis]! }, () => c.chance(0.5));
  for (let i = 0; i < w.length; i++) if (dead[Math.floor(i / inner) % dead.length]) w[i] = 0;
}

/** Scales of weights: one, or one per channel. */
function weights(d: Draft, shape: Shape, axis: number): { id: ValueId; scale: number } {
  const { g, c } = d;
  const channels = shape[axis]!;
  const count = c.chance(0.3) ? 1 : channels;
  const scale = Float32Array.from({ length: count }, () => c.scale(-12, 0));
  const quant = {
    scheme: 'tflite',
    scale,
    zeroPoint: new Int32Array(count),
    ...(count === channels && channels > 1 && { axis }),
  };
  const data = c.bytes(elements(shape));
  if (d.deadChannels) clearChannels(c, data, shape, axis);
  const id = g.constant({ shape, dtype: 's8' }, data, { quant });
  return { id, scale: Math.max(...scale) };
}

/** A bias, or none; as large as int32 allows beside `taps` products. */
function bias({ g, c }: Draft, channels: number, taps: number): ValueId[] {
  if (c.chance(0.2)) return [];
  const limit = c.chance(0.3) ? 2 ** 31 - 1 - 32640 * taps : 2 ** c.int(4, 20);
  const data = Int32Array.from({ length: channels }, () => c.int(-limit, limit));
  return [g.constant({ shape: [channels], dtype: 's32' }, data)];
}

function conv(d: Draft): ValueId {
  const { g, c } = d;
  const { kernel, stride, dilation, pad, height, width } = windowOf(c, 5, 9);
  const [inC, outC] = [c.int(1, 9), c.int(1, 7)];
  const scale = inScale(c);
  const x = input(d, [1, height, width, inC], scale);
  const w = weights(d, [outC, ...kernel, inC], 0);
  const b = bias(d, outC, kernel[0] * kernel[1] * inC);
  const attrs = { stride, pad, dilation, ...clampAttr(c) };
  return g.add('conv2d', [x, w.id, ...b], attrs, outputQuant(d, scale * w.scale));
}

function depthwise(d: Draft): ValueId {
  const { g, c } = d;
  const { kernel, stride, dilation, pad, height, width } = windowOf(c, 5, 10);
  const inC = c.int(1, 9);
  const outC = inC * c.pick([1, 1, 1, 2, 3]);
  const scale = inScale(c);
  const x = input(d, [1, height, width, inC], scale);
  const w = weights(d, [1, ...kernel, outC], 3);
  const b = bias(d, outC, kernel[0] * kernel[1]);
  const attrs = { stride, pad, dilation, ...clampAttr(c) };
  return g.add('depthwiseConv2d', [x, w.id, ...b], attrs, outputQuant(d, scale * w.scale));
}

function dense(d: Draft): ValueId {
  const { g, c } = d;
  const [inputs, outputs] = [c.int(1, 90), c.int(1, 20)];
  const scale = inScale(c);
  const x = input(d, [1, inputs], scale);
  const w = weights(d, [outputs, inputs], 0);
  const b = bias(d, outputs, inputs);
  return g.add('dense', [x, w.id, ...b], clampAttr(c), outputQuant(d, scale * w.scale));
}

const pool =
  (op: 'maxPool2d' | 'avgPool2d') =>
  (d: Draft): ValueId => {
    const { g, c } = d;
    const size: Pair = [c.int(1, 5), c.int(1, 5)];
    const stride: Pair = [c.int(1, 4), c.int(1, 4)];
    const pads = (kernel: number) => (c.chance(0.5) ? 0 : c.int(0, kernel - 1));
    const pad = [pads(size[0]), pads(size[0]), pads(size[1]), pads(size[1])] as const;
    const height = windowAxis(c, 11, size[0], 1, pad[0] + pad[1]);
    const width = windowAxis(c, 11, size[1], 1, pad[2] + pad[3]);
    const quant = tensorQuant(inScale(c), zeroPoint(c));
    const x = input(d, [1, height, width, c.int(1, 8)], quant.scale[0]!, quant.zeroPoint[0]!);
    return g.add(op, [x], { size, stride, pad, ...clampAttr(c) }, { quant });
  };

const shapeOf = (c: Choice, least: number, largest: number): number[] =>
  Array.from({ length: c.int(least, 4) }, () => c.int(1, largest));

function mean(d: Draft): ValueId {
  const { g, c } = d;
  const shape = shapeOf(c, 1, 9);
  const axes = shape.map((_, i) => i).filter(() => c.chance(0.5));
  if (axes.length === 0) axes.push(c.int(0, shape.length - 1));
  const scale = inScale(c);
  const x = input(d, shape, scale);
  const signed = c.chance(0.2) ? axes.map((axis) => axis - shape.length) : axes;
  return g.add('mean', [x], { axes: signed, keepDims: c.chance(0.5) }, outputQuant(d, scale));
}

const binary =
  (op: 'add' | 'mul') =>
  (d: Draft): ValueId => {
    const { g, c } = d;
    const shape = shapeOf(c, 1, 7);
    const same = c.chance(0.4);
    const other = same ? shape : shape.slice(c.chance(0.3) ? c.int(0, shape.length - 1) : 0);
    const thin = (from: readonly number[]) => from.map((n) => (!same && c.chance(0.3) ? 1 : n));
    const [scaleA, scaleB] = [inScale(c), c.chance(0.2) ? c.scale(-25, 5) : inScale(c)];
    const [a, b] = [input(d, thin(shape), scaleA), input(d, thin(other), scaleB)];
    const order = c.chance(0.5) ? [a, b] : [b, a];
    const product = op === 'add' ? Math.max(scaleA, scaleB) / 2 ** 12 : scaleA * scaleB;
    return g.add(op, order, clampAttr(c), outputQuant(d, product));
  };

const rescaling =
  (op: 'relu' | 'relu6' | 'requantize') =>
  (d: Draft): ValueId => {
    const { g, c } = d;
    const scale = inScale(c);
    const x = input(d, shapeOf(c, 1, 8), scale);
    const factor = c.chance(0.3) ? 1 : c.chance(0.7) ? c.scale(-4, 3) : c.scale(-36, 27);
    const quant = tensorQuant(Math.fround(scale / factor), zeroPoint(c));
    return g.add(op, [x], {}, { quant });
  };

function concat(d: Draft): ValueId {
  const { g, c } = d;
  const shape = shapeOf(c, 1, 6);
  const axis = c.int(0, shape.length - 1);
  const quant = tensorQuant(inScale(c), zeroPoint(c));
  const parts = Array.from({ length: c.int(1, 4) }, () => {
    const own = shape.map((n, i) => (i === axis ? c.int(1, 6) : n));
    return c.chance(0.5)
      ? input(d, own, quant.scale[0]!, quant.zeroPoint[0]!)
      : input(d, own, inScale(c));
  });
  const signed = c.chance(0.3) ? axis - shape.length : axis;
  return g.add('concat', parts, { axis: signed, ...clampAttr(c) }, { quant });
}

function pad(d: Draft): ValueId {
  const { g, c } = d;
  const shape = shapeOf(c, 1, 6);
  const padding = shape.flatMap(() => (c.chance(0.4) ? [0, 0] : [c.int(0, 3), c.int(0, 3)]));
  const quant = tensorQuant(inScale(c), zeroPoint(c));
  const x = input(d, shape, quant.scale[0]!, quant.zeroPoint[0]!);
  return g.add('pad', [x], { padding }, { quant });
}

function reshape(d: Draft): ValueId {
  const { g, c } = d;
  const shape = [1, c.int(1, 6), c.int(1, 6), c.int(1, 6)];
  const quant = tensorQuant(inScale(c), zeroPoint(c));
  const x = input(d, shape, quant.scale[0]!, quant.zeroPoint[0]!);
  return g.add('reshape', [x], { shape: [elements(shape)] }, { quant });
}

function softmax(d: Draft): ValueId {
  const { g, c } = d;
  // From 512 nearly equal classes on, every output rounds to 0.
  const many = c.chance(0.1);
  const classes = many ? c.int(400, 800) : c.int(1, 40);
  const shape = many || c.chance(0.5) ? [1, classes] : [1, c.int(1, 4), classes];
  const scale = many ? c.scale(-25, -5) : c.chance(0.7) ? c.scale(-7, 0) : c.scale(-25, 10);
  return g.add('softmax', [input(d, shape, scale)], {}, { quant: tensorQuant(1 / 256, -128) });
}

/** Kinds of case, the frequent ones several times. */
const kinds = [
  ...[conv, conv, conv, conv, depthwise, depthwise, depthwise, dense, dense],
  ...[pool('maxPool2d'), pool('avgPool2d'), pool('avgPool2d'), mean, mean],
  ...[binary('add'), binary('add'), binary('mul'), concat, concat, pad, reshape],
  ...[softmax, softmax, rescaling('relu'), rescaling('relu6'), rescaling('requantize')],
];

/** A window of stride 1 whose output has its input's size. */
function sameWindow(c: Choice, kernel: Pair) {
  const split = (total: number) => {
    const before = c.int(0, total);
    return [before, total - before] as const;
  };
  const pad = [...split(kernel[0] - 1), ...split(kernel[1] - 1)] as const;
  return { stride: [1, 1] as const, dilation: [1, 1] as const, pad };
}

function depthwiseSame(d: Draft): ValueId {
  const { g, c } = d;
  const kernel: Pair = c.chance(0.8) ? [3, 3] : [c.int(1, 5), c.int(1, 5)];
  const channels = c.int(1, 11);
  const scale = inScale(c);
  const x = input(d, [1, c.int(1, 14), c.int(1, 14), channels], scale);
  const w = weights(d, [1, ...kernel, channels], 3);
  const b = bias(d, channels, kernel[0] * kernel[1]);
  const attrs = { ...sameWindow(c, kernel), ...clampAttr(c) };
  return g.add('depthwiseConv2d', [x, w.id, ...b], attrs, outputQuant(d, scale * w.scale));
}

/** Strides, and edges of every kind; 3x3 mostly. */
function depthwiseStrided(d: Draft): ValueId {
  const { g, c } = d;
  const kernel: Pair = c.chance(0.7) ? [3, 3] : [c.int(1, 5), c.int(1, 5)];
  const pads = (k: number) => c.int(0, k - 1);
  const pad = [pads(kernel[0]), pads(kernel[0]), pads(kernel[1]), pads(kernel[1])] as const;
  const height = windowAxis(c, 13, kernel[0], 1, pad[0] + pad[1]);
  const width = windowAxis(c, 13, kernel[1], 1, pad[2] + pad[3]);
  const channels = c.int(1, 14);
  const scale = inScale(c);
  const x = input(d, [1, height, width, channels], scale);
  const w = weights(d, [1, ...kernel, channels], 3);
  const b = bias(d, channels, kernel[0] * kernel[1]);
  const stride: Pair = [c.int(1, 3), c.int(1, 3)];
  const attrs = { stride, pad, dilation: [1, 1] as const, ...clampAttr(c) };
  return g.add('depthwiseConv2d', [x, w.id, ...b], attrs, outputQuant(d, scale * w.scale));
}

/** Many channels, whole words of them mostly; pointwise mostly. */
function deepConv(d: Draft): ValueId {
  const { g, c } = d;
  const kernel: Pair = c.chance(0.6) ? [1, 1] : [c.int(1, 3), c.int(1, 3)];
  const inC = c.chance(0.7) ? 4 * c.int(1, 12) : c.int(1, 40);
  const outC = c.int(1, 19);
  const scale = inScale(c);
  const x = input(d, [1, c.int(1, 5), c.int(1, 5), inC], scale);
  const w = weights(d, [outC, ...kernel, inC], 0);
  const b = bias(d, outC, kernel[0] * kernel[1] * inC);
  const attrs = { ...sameWindow(c, kernel), ...clampAttr(c) };
  return g.add('conv2d', [x, w.id, ...b], attrs, outputQuant(d, scale * w.scale));
}

/** Rows of many pixels whose windows hold whole vectors, or less than one. */
function wideConv(d: Draft): ValueId {
  const { g, c } = d;
  const kernel: Pair = [c.int(1, 3), c.int(1, 4)];
  const [inC, outC] = [c.pick([1, 3, 16, 32]), c.int(1, 9)];
  const scale = inScale(c);
  const x = input(d, [1, c.int(3, 6), c.int(8, 16), inC], scale);
  const w = weights(d, [outC, ...kernel, inC], 0);
  const b = bias(d, outC, kernel[0] * kernel[1] * inC);
  const edge = () => c.int(0, 1);
  const pad = [edge(), edge(), edge(), edge()] as const;
  const stride: Pair = [c.int(1, 2), c.int(1, 2)];
  const attrs = { stride, pad, dilation: [1, 1] as const, ...clampAttr(c) };
  return g.add('conv2d', [x, w.id, ...b], attrs, outputQuant(d, scale * w.scale));
}

/** Outputs near the edges have a bias of their own, as behind channels that lowering dropped. */
function borderConv(d: Draft): ValueId {
  const { g, c } = d;
  const { kernel, stride, dilation, pad, height, width } = windowOf(c, 3, 9);
  const [inC, outC] = [c.int(1, 9), c.int(1, 7)];
  const scale = inScale(c);
  const x = input(d, [1, height, width, inC], scale);
  const w = weights(d, [outC, ...kernel, inC], 0);
  const edges = (size: number, k: number, axis: 0 | 1) => {
    const pads = pad[2 * axis]! + pad[2 * axis + 1]!;
    const length = windowLength(size, k, stride[axis], pads, dilation[axis]);
    const first = c.int(0, length - 1);
    return [first, c.int(0, length - 1 - first)] as const;
  };
  const border = [...edges(height, kernel[0], 0), ...edges(width, kernel[1], 1)] as const;
  const shape = [...borderClasses(border), outC];
  const limit = 2 ** c.int(4, 24);
  const data = Int32Array.from({ length: elements(shape) }, () => c.int(-limit, limit));
  const b = g.constant({ shape, dtype: 's32' }, data);
  const attrs = { stride, pad, dilation, border, ...clampAttr(c) };
  return g.add('conv2d', [x, w.id, b], attrs, outputQuant(d, scale * w.scale));
}

function addSame(d: Draft): ValueId {
  const { g, c } = d;
  const shape = shapeOf(c, 1, 7);
  const scaleA = inScale(c);
  const scaleB = c.chance(0.3) ? scaleA : c.chance(0.3) ? c.scale(-25, 5) : inScale(c);
  const operands = [input(d, shape, scaleA), input(d, shape, scaleB)];
  return g.add('add', operands, clampAttr(c), outputQuant(d, Math.max(scaleA, scaleB)));
}

/** What the kernels for one core are made for, and random layers rarely are. */
const favourites = [
  depthwiseSame,
  depthwiseSame,
  depthwiseStrided,
  depthwiseStrided,
  deepConv,
  deepConv,
  addSame,
  borderConv,
  wideConv,
];

const mayRunInPlace = new Set(['requantize', 'relu', 'relu6', 'softmax', 'reshape']);

/** Planes of many lines, of which kernels keep a part at a time. */
function tallPlane(d: Draft): ValueId {
  const { g, c } = d;
  const kernel: Pair = c.chance(0.6) ? [3, 3] : [c.int(1, 4), c.int(1, 4)];
  const [stride, dilation] = [c.int(1, 3), c.chance(0.8) ? 1 : 2];
  const pads = (k: number) => c.int(0, k - 1);
  const pad = [pads(kernel[0]), pads(kernel[0]), pads(kernel[1]), pads(kernel[1])] as const;
  const height = c.int(18, 24 * stride);
  const width = height + c.int(-1, 6);
  const channels = c.int(1, 3);
  const scale = inScale(c);
  const x = input(d, [1, height, width, channels], scale);
  const w = weights(d, [1, ...kernel, channels], 3);
  const b = bias(d, channels, kernel[0] * kernel[1]);
  const attrs = {
    ...{ stride: [stride, stride] as const, dilation: [dilation, 1] as const },
    ...{ pad, ...clampAttr(c) },
  };
  return g.add('depthwiseConv2d', [x, w.id, ...b], attrs, outputQuant(d, scale * w.scale));
}

/** Seeds from here on are the favourites' own. */
const favouriteSeeds = 2 ** 24;

/** Case `index` of a seed. */
export function fuzzCase(seed: number, index: number): FuzzCase {
  const c = choices(seed, index);
  const g = buildGraph({ name: `fuzz-${seed}-${index}`, stage: 'lowered' });
  // Choices of their own, so that cases which were found earlier stay what they were.
  const own = choices(seed + favouriteSeeds, index);
  const rare = choices(seed + 2 * favouriteSeeds, index).chance(0.03) ? tallPlane : undefined;
  const favourite = own.chance(0.3) ? own.pick(favourites) : rare;
  const d: Draft = favourite
    ? { g, c: own, inputs: [], deadChannels: own.chance(0.3) }
    : { g, c, inputs: [] };
  const output = (favourite ?? c.pick(kinds))(d);
  const graph = g.finish([output]);
  const inPlace = mayRunInPlace.has(graph.nodes[0]!.op) && c.chance(0.5);
  return { seed, index, graph, inputs: d.inputs, inPlace };
}
