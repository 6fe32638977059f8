/**
 * Array ops of worked examples, as functions of the model builder: they get their operands as they
 * are, the batch not counted.
 */
import * as a from '../../host/front/arrays.js';
import * as e from '../../host/front/elementwise.js';
import * as l from '../../host/front/layers.js';
import type { Tensor as Value } from '../../host/front/tensor.js';
import { axes, axisOf, listOf } from './axes.js';
import {
  type ArrayOp,
  type Attrs,
  binary,
  comparisons,
  derived,
  type OneResult,
  ofTruth,
  unary,
} from './derived-ops.js';
import { fail, isOn, need, numbersOf, pick, plainName } from './example.js';
import { gather, slice, split, tile, unstack } from './parts.js';
import { transforms } from './transforms.js';

const keep = (attrs: Attrs) => ({ keepDims: isOn(attrs, 'keepDims') });

const reduction =
  (f: typeof a.sum): OneResult =>
  ([x], attrs) =>
    f(x!, axes(attrs), keep(attrs));
function alpha(attrs: Attrs): { readonly alpha?: number } {
  const given = pick(attrs, 'alpha', 'slope', 'negativeSlope', 'leak', 'a');
  return given === undefined ? {} : { alpha: numbersOf(given)[0]! };
}

/** Over the given axis: it becomes the last one and goes back. */
function softmax(x: Value, axis: number): Value {
  const rank = x.shape.length;
  const at = axis < 0 ? axis + rank : axis;
  if (at === rank - 1) return e.softmax(x);
  const order = x.shape.map((_, i) => i);
  const swapped = order.with(at, rank - 1).with(rank - 1, at);
  return a.transpose(e.softmax(a.transpose(x, swapped)), swapped);
}

/** [before, after] per axis, of a list of pairs or of all numbers in a row. */
function paddingsOf(attrs: Attrs): [number, number][] {
  const flat = numbersOf(need(attrs, 'paddings', 'padding', 'padWidth', 'pads', 'pad'));
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);
}

function pad(x: Value, attrs: Attrs): Value {
  const mode = plainName(String(pick(attrs, 'mode', 'type', 'method') ?? 'constant'));
  const names = ['value', 'constantValue', 'constantValues', 'padValue', 'constant', 'fill'];
  const value = numbersOf(pick(attrs, ...names) ?? 0)[0]!;
  return a.pad(x, paddingsOf(attrs), { mode: mode as 'constant', value });
}

/** Turns 0 and 1 into other values, and puts the classes on another axis. */
function oneHot(x: Value, attrs: Attrs): Value {
  const y = a.oneHot(x, numbersOf(need(attrs, 'depth', 'numClasses', 'classes'))[0]!);
  const [on, off] = [
    (pick(attrs, 'onValue', 'on') as number) ?? 1,
    (pick(attrs, 'offValue', 'off') as number) ?? 0,
  ];
  const ones = a.constant(y, [1], [off]);
  const valued = on === 1 && off === 0 ? y : e.add(e.scale(y, on - off), ones);
  const axis = axisOf(attrs) ?? -1;
  if (axis === -1 || axis === y.shape.length - 1) return valued;
  const order = y.shape.map((_, i) => i);
  return a.transpose(valued, order.toSpliced(axis, 0, order.pop()!));
}

/** The product over the last two axes; a matrix on the right serves every matrix on the left. */
function product(left: Value, right: Value, attrs: Attrs): Value {
  const transposeA = isOn(attrs, 'transposeA', 'adjointA');
  const options = { transposeA, transposeB: isOn(attrs, 'transposeB', 'adjointB') };
  if (left.shape.length === 2 && right.shape.length > 2) {
    const batch = right.shape.slice(0, -2);
    const size = batch.reduce((n, d) => n * d, 1);
    const ones = a.constant(left, [...batch, 1, 1], new Array<number>(size).fill(1));
    return a.matmul(e.mul(left, ones), right, options);
  }
  if (left.shape.length <= right.shape.length || right.shape.length !== 2 || transposeA) {
    return a.matmul(left, right, options);
  }
  const rows = l.reshape(left, [-1, left.shape.at(-1)!]);
  const columns = right.shape[options.transposeB ? 0 : 1]!;
  return l.reshape(a.matmul(rows, right, options), [...left.shape.slice(0, -1), columns]);
}

/** A vector on the left is a row, on the right a column, as in linear algebra. */
function matmul([x, y]: readonly Value[], attrs: Attrs): Value {
  const [left, right] = [x!, y ?? fail('matmul needs two operands')];
  const row = left.shape.length === 1 ? l.reshape(left, [1, ...left.shape]) : left;
  const column = right.shape.length === 1 ? l.reshape(right, [...right.shape, 1]) : right;
  const z = product(row, column, attrs);
  if (row === left && column === right) return z;
  const shape = [
    ...(row === left ? z.shape.slice(0, -1) : []),
    ...(column === right ? z.shape.slice(-1) : []),
  ];
  return l.reshape(z, shape.length ? shape : [1]);
}

/** With a new axis of 1, or without axes of 1. */
function expandDims(x: Value, attrs: Attrs): Value {
  const axis = axisOf(attrs) ?? 0;
  const at = axis < 0 ? axis + x.shape.length + 1 : axis;
  return l.reshape(x, x.shape.toSpliced(at, 0, 1));
}

function squeeze(x: Value, attrs: Attrs): Value {
  const given = axes(attrs)?.map((axis) => (axis < 0 ? axis + x.shape.length : axis));
  const shape = x.shape.filter((d, i) => !(given ? given.includes(i) : d === 1));
  return l.reshape(x, shape.length > 0 ? shape : [1]);
}

/** Mean and population variance over axes. */
function moments(x: Value, attrs: Attrs): Readonly<Record<string, Value>> {
  const over = axes(attrs);
  const centre = a.mean(x, over, { keepDims: true });
  const off = e.sub(x, centre);
  const { keepDims } = keep(attrs);
  const mean = keepDims ? centre : a.mean(x, over);
  return { mean, variance: a.mean(e.mul(off, off), over, { keepDims }) };
}

/** The part of the elements that dropout keeps. */
function keptPart(attrs: Attrs): number {
  const kept = pick(attrs, 'keepProb', 'keep');
  return kept === undefined ? 1 - ((pick(attrs, 'rate', 'p') as number) ?? 0.5) : (kept as number);
}

/**
 * x mask / keepProb; where nothing is dropped, x. The case gives the mask, or numbers from 0 up to 1
 * that were drawn for it: keepProb + u, without its fraction, is the mask of u (TensorFlow 1).
 */
function dropout([x, given]: readonly Value[], attrs: Attrs): Value {
  const kept = keptPart(attrs);
  const isTraining = pick(attrs, 'training', 'isTraining') !== false;
  if (!isTraining || (kept === 1 && !given)) return a.cast(x!, 'float32');
  const drawn = given ?? fail('dropout draws at random: the case needs a mask');
  const isMask = !/uniform|noise|random|draw/i.test(drawn.id);
  const sum = isMask ? drawn : e.add(drawn, a.constant(drawn, [1], [kept]));
  const mask = isMask ? drawn : a.cast(sum, 'int32');
  return e.scale(e.mul(x!, mask), 1 / kept);
}

/** The op has its two halves along the last axis. */
const crelu = (x: Value, axis: number | undefined): Value =>
  axis === undefined ? e.crelu(x) : e.concat([e.relu(x), e.relu(e.scale(x, -1))], { axis });

const square = (x: Value): Value => e.mul(x, x);

const arrays: Readonly<Record<string, ArrayOp>> = {
  ...derived,
  ...comparisons,
  ...transforms,
  cast: ([x], attrs) => a.cast(x!, castTo(String(need(attrs, 'to', 'dtype', 'type', 'DstT')))),
  tofloat: ([x]) => a.cast(x!, 'float32'),
  toint32: ([x]) => a.cast(x!, 'int32'),
  tobool: ([x]) => a.cast(x!, 'bool'),
  slice: ([x], attrs) => slice(x!, attrs),
  transpose: ([x], attrs) => a.transpose(x!, listOf(pick(attrs, 'perm', 'axes', 'permutation'))),
  gather: ([x], attrs) => gather(x!, attrs),
  tile: ([x], attrs) => tile(x!, attrs),
  split: ([x], attrs) => split(x!, attrs),
  unstack: ([x], attrs) => unstack(x!, attrs),
  reshape: ([x], attrs) => {
    const shape = numbersOf(need(attrs, 'shape', 'newShape', 'dims', 'size'));
    return l.reshape(x!, shape.length ? shape : [1]);
  },
  expanddims: ([x], attrs) => expandDims(x!, attrs),
  squeeze: ([x], attrs) => squeeze(x!, attrs),
  sum: reduction(a.sum),
  mean: reduction(a.mean),
  max: reduction(a.max),
  min: reduction(a.min),
  all: reduction(ofTruth(a.min)),
  any: reduction(ofTruth(a.max)),
  moments: ([x], attrs) => moments(x!, attrs),
  argmax: ([x], attrs) => a.argMax(x!, axisOf(attrs) ?? 0),
  argmin: ([x], attrs) => a.argMin(x!, axisOf(attrs) ?? 0),
  add: (inputs) => inputs.reduce((x, y) => e.add(x, y)),
  sub: binary(e.sub),
  mul: binary(e.mul),
  div: binary(e.div),
  squareddifference: binary((x, y) => square(e.sub(x, y))),
  l2loss: ([x]) => e.scale(a.sum(square(x!)), 0.5),
  equal: binary(e.equal),
  matmul,
  concat: (inputs, attrs) => e.concat(inputs, { axis: axisOf(attrs) ?? -1 }),
  stack: (inputs, attrs) => a.stack(inputs, { axis: axisOf(attrs) ?? 0 }),
  pad: ([x], attrs) => pad(x!, attrs),
  reverse: ([x], attrs) => a.reverse(x!, axes(attrs) ?? 0),
  onehot: ([x], attrs) => oneHot(x!, attrs),
  padreflect: ([x], attrs) => pad(x!, { ...attrs, mode: 'reflect' }),
  padsymmetric: ([x], attrs) => pad(x!, { ...attrs, mode: 'symmetric' }),
  sigmoid: unary(e.sigmoid),
  tanh: unary(e.tanh),
  relu: unary(e.relu),
  relu6: unary(e.relu6),
  leakyrelu: ([x], attrs) => e.leakyRelu(x!, alpha(attrs)),
  elu: ([x], attrs) => e.elu(x!, alpha(attrs)),
  selu: unary(e.selu),
  crelu: ([x], attrs) => crelu(x!, axisOf(attrs)),
  softplus: unary(e.softplus),
  softsign: unary(e.softsign),
  hardswish: unary(e.hardSwish),
  gelu: unary(e.gelu),
  softmax: ([x], attrs) => softmax(x!, axisOf(attrs) ?? -1),
  dropout,
  identity: ([x]) => a.cast(x!, 'float32'),
};

const aliases: Readonly<Record<string, string>> = {
  ...{ reduceall: 'all', reduceany: 'any' },
  ...{ reducesum: 'sum', reducemean: 'mean', reducemax: 'max', reducemin: 'min' },
  ...{ subtract: 'sub', multiply: 'mul', divide: 'div', realdiv: 'div', truediv: 'div' },
  ...{ biasadd: 'add', addn: 'add', neg: 'negative', concatenate: 'concat', pack: 'stack' },
  ...{ dot: 'matmul', mm: 'matmul', batchmatmul: 'matmul', addv2: 'add', plus: 'add' },
  ...{ fft1d: 'fft', dft: 'fft', ifft1d: 'ifft', idft: 'ifft', fft2: 'fft2d', dft2d: 'fft2d' },
  ...{ ifft2: 'ifft2d', idft2d: 'ifft2d', rfft2: 'rfft2d', rfft1d: 'rfft', irfft1d: 'irfft' },
  ...{ lrelu: 'leakyrelu', hswish: 'hardswish', silu: 'swish', logistic: 'sigmoid' },
  ...{
    reversev2: 'reverse',
    mirrorpad: 'pad',
    padv2: 'pad',
    flip: 'reverse',
    tofloat32: 'tofloat',
  },
  ...{ toint: 'toint32', toint64: 'toint32', todouble: 'tofloat', stridedslice: 'slice' },
  ...{ toboolean: 'tobool', concatv2: 'concat' },
};

/** The op of a name, or undefined. */
export function arrayOp(name: string): ArrayOp | undefined {
  const plain = plainName(name);
  const known = aliases[plain] ?? plain;
  return Object.hasOwn(arrays, known) ? arrays[known] : undefined;
}

/** An op that must be there, with one result. */
export function oneResult(name: string): OneResult {
  const op = arrayOp(name) ?? fail(`there is no op ${name}`);
  return (inputs, attrs) => {
    const result = op(inputs, attrs);
    return 'context' in result ? (result as Value) : fail(`${name} has several results`);
  };
}

function castTo(type: string): 'bool' | 'int32' | 'float32' {
  const name = plainName(type);
  if (name.startsWith('bool')) return 'bool';
  if (/^u?int/.test(name)) return 'int32';
  return /^(float|double|half)/.test(name) ? 'float32' : fail(`there is no cast to ${type}`);
}
