/**
 * Array ops of worked examples, as functions of the model builder: they get their operands as they
 * are, the batch not counted.
 */
import * as a from '../../host/front/arrays.js';
import * as e from '../../host/front/elementwise.js';
import * as l from '../../host/front/layers.js';
import type { Tensor as Value } from '../../host/front/tensor.js';
import { type Fields, fail, isOn, need, numbersOf, pick, plainName } from './example.js';

type Attrs = Fields['attrs'];
/** Several results have names. */
export type ArrayOp = (
  inputs: readonly Value[],
  attrs: Attrs,
) => Value | Readonly<Record<string, Value>>;
type OneResult = (inputs: readonly Value[], attrs: Attrs) => Value;

const listOf = (value: unknown): number[] | undefined =>
  value === undefined || value === null ? undefined : numbersOf(value);

const axisOf = (attrs: Attrs): number | undefined =>
  listOf(pick(attrs, 'axis', 'dim', 'dimension', 'axes'))?.[0];

/** Axes of an op; undefined: all. */
const axes = (attrs: Attrs): number[] | undefined =>
  listOf(pick(attrs, 'axes', 'axis', 'dims', 'reductionIndices', 'reduction_indices'));

const keep = (attrs: Attrs) => ({
  keepDims: isOn(attrs, 'keepDims', 'keepdims', 'keep_dims'),
});

const unary =
  (f: (x: Value) => Value): OneResult =>
  ([x]) =>
    f(x!);
const binary =
  (f: (x: Value, y: Value) => Value): OneResult =>
  ([x, y]) =>
    f(x!, y ?? fail('the op needs two operands'));
const reduction =
  (f: typeof a.sum): OneResult =>
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

/** [before, after] per axis, of a list of pairs or of all numbers in a row. */
function paddingsOf(attrs: Attrs): [number, number][] {
  const flat = numbersOf(need(attrs, 'paddings', 'padding', 'padWidth'));
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);
}

function pad(x: Value, attrs: Attrs): Value {
  const mode = plainName((attrs.mode as string | undefined) ?? 'constant') as 'constant';
  const value = pick(attrs, 'value', 'constantValue', 'constantValues', 'constant_values') ?? 0;
  return a.pad(x, paddingsOf(attrs), { mode, value: value as number });
}

/** Turns 0 and 1 into other values, and puts the classes on another axis. */
function oneHot(x: Value, attrs: Attrs): Value {
  const y = a.oneHot(x, numbersOf(need(attrs, 'depth', 'numClasses', 'classes'))[0]!);
  const [on, off] = [
    (pick(attrs, 'onValue', 'on_value') as number) ?? 1,
    (pick(attrs, 'offValue', 'off_value') as number) ?? 0,
  ];
  const ones = a.constant(y, [1], [off]);
  const valued = on === 1 && off === 0 ? y : e.add(e.scale(y, on - off), ones);
  const axis = axisOf(attrs) ?? -1;
  if (axis === -1 || axis === y.shape.length - 1) return valued;
  const order = y.shape.map((_, i) => i);
  return a.transpose(valued, order.toSpliced(axis, 0, order.pop()!));
}

/** The part from `begin`, of a size or up to an end that is not part of it. */
function slice(x: Value, attrs: Attrs): Value {
  const begin = listOf(need(attrs, 'begin', 'start', 'starts'))!;
  const end = listOf(pick(attrs, 'end', 'ends', 'stop'));
  const size = end?.map((to, axis) => (to < 0 ? to + x.shape[axis]! : to) - begin[axis]!);
  return a.slice(x, begin, size ?? listOf(need(attrs, 'size', 'sizes'))!);
}

/** The product over the last two axes; a matrix on the right serves every matrix on the left. */
function product(left: Value, right: Value, attrs: Attrs): Value {
  const transposeA = isOn(attrs, 'transposeA', 'transpose_a', 'adjointA');
  const options = { transposeA, transposeB: isOn(attrs, 'transposeB', 'transpose_b', 'adjointB') };
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
  const kept = pick(attrs, 'keepProb', 'keep_prob', 'keep');
  return kept === undefined ? 1 - ((attrs.rate as number) ?? 0.5) : (kept as number);
}

/** x mask / keepProb with the mask of the case; where nothing is dropped, x. */
function dropout([x, mask]: readonly Value[], attrs: Attrs): Value {
  const kept = keptPart(attrs);
  if (mask) return e.scale(e.mul(x!, mask), 1 / kept);
  const isTraining = pick(attrs, 'training', 'isTraining', 'is_training') !== false;
  if (isTraining && kept !== 1) fail('dropout draws at random: the case needs a mask');
  return a.cast(x!, 'float32');
}

/** The op has its two halves along the last axis. */
const crelu = (x: Value, axis: number | undefined): Value =>
  axis === undefined ? e.crelu(x) : e.concat([e.relu(x), e.relu(e.scale(x, -1))], { axis });

const square = (x: Value): Value => e.mul(x, x);

const arrays: Readonly<Record<string, ArrayOp>> = {
  cast: ([x], attrs) => a.cast(x!, castTo(need(attrs, 'to', 'dtype', 'type') as string)),
  slice: ([x], attrs) => slice(x!, attrs),
  transpose: ([x], attrs) => a.transpose(x!, listOf(pick(attrs, 'perm', 'axes'))),
  reshape: ([x], attrs) => {
    const shape = numbersOf(need(attrs, 'shape', 'newShape', 'new_shape'));
    return l.reshape(x!, shape.length ? shape : [1]);
  },
  expanddims: ([x], attrs) => expandDims(x!, attrs),
  squeeze: ([x], attrs) => squeeze(x!, attrs),
  sum: reduction(a.sum),
  mean: reduction(a.mean),
  max: reduction(a.max),
  min: reduction(a.min),
  moments: ([x], attrs) => moments(x!, attrs),
  argmax: ([x], attrs) => a.argMax(x!, axisOf(attrs) ?? 0),
  argmin: ([x], attrs) => a.argMin(x!, axisOf(attrs) ?? 0),
  add: (inputs) => inputs.reduce((x, y) => e.add(x, y)),
  sub: binary(e.sub),
  mul: binary(e.mul),
  div: binary(e.div),
  negative: ([x]) => e.scale(x!, -1),
  square: unary(square),
  squareddifference: binary((x, y) => square(e.sub(x, y))),
  l2loss: ([x]) => e.scale(a.sum(square(x!)), 0.5),
  equal: binary(e.equal),
  matmul,
  concat: (inputs, attrs) => e.concat(inputs, { axis: axisOf(attrs) ?? -1 }),
  stack: (inputs, attrs) => a.stack(inputs, { axis: axisOf(attrs) ?? 0 }),
  pad: ([x], attrs) => pad(x!, attrs),
  reverse: ([x], attrs) => a.reverse(x!, axes(attrs) ?? 0),
  onehot: ([x], attrs) => oneHot(x!, attrs),
  fft: unary(a.fft),
  ifft: unary(a.ifft),
  fft2d: unary(a.fft2d),
  ifft2d: unary(a.ifft2d),
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
  swish: ([x]) => e.mul(x!, e.sigmoid(x!)),
  softmax: ([x], attrs) => softmax(x!, axisOf(attrs) ?? -1),
  dropout,
  identity: ([x]) => a.cast(x!, 'float32'),
};

const aliases: Readonly<Record<string, string>> = {
  ...{ reducesum: 'sum', reducemean: 'mean', reducemax: 'max', reducemin: 'min' },
  ...{ subtract: 'sub', multiply: 'mul', divide: 'div', realdiv: 'div', truediv: 'div' },
  ...{ biasadd: 'add', addn: 'add', neg: 'negative', concatenate: 'concat', pack: 'stack' },
  ...{ dot: 'matmul', batchmatmul: 'matmul', fft1d: 'fft', ifft1d: 'ifft', fft2: 'fft2d' },
  ...{
    ifft2: 'ifft2d',
    lrelu: 'leakyrelu',
    hswish: 'hardswish',
    silu: 'swish',
    logistic: 'sigmoid',
  },
  ...{ reversev2: 'reverse', mirrorpad: 'pad', flip: 'reverse' },
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
