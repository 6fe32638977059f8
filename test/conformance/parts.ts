/** Parts of arrays: slices, rows by number, repetitions, pieces along an axis. */
import * as a from '../../host/front/arrays.js';
import * as e from '../../host/front/elementwise.js';
import * as l from '../../host/front/layers.js';
import type { Tensor as Value } from '../../host/front/tensor.js';
import { axisOf, listOf } from './axes.js';
import type { Attrs } from './derived-ops.js';
import { need, numbersOf, pick } from './example.js';

/** Parts of x of length 1 along an axis, joined. */
export function picked(x: Value, indices: readonly number[], axis: number): Value {
  const parts = indices.map((i) => {
    const begin = x.shape.map((_, at) => (at === axis ? i : 0));
    return a.slice(
      x,
      begin,
      x.shape.map((_, at) => (at === axis ? 1 : -1)),
    );
  });
  return e.concat(parts, { axis });
}

/** The part from `begin`, of a size or up to an end that is not part of it; every n-th of it. */
export function slice(x: Value, attrs: Attrs): Value {
  const begin = listOf(need(attrs, 'begin', 'start', 'starts'))!;
  const end = listOf(pick(attrs, 'end', 'ends', 'stop'));
  const steps = listOf(pick(attrs, 'strides', 'steps', 'step'));
  if (end && steps?.some((step) => step !== 1)) return strided(x, begin, end, steps);
  const from = begin.map((at, axis) => (at < 0 ? at + x.shape[axis]! : at));
  const size = end?.map((to, axis) => (to < 0 ? to + x.shape[axis]! : to) - from[axis]!);
  return a.slice(x, from, size ?? listOf(need(attrs, 'size', 'sizes'))!);
}

function strided(x: Value, begin: number[], end: number[], steps: number[]): Value {
  return steps.reduce((y, step, axis) => {
    const n = x.shape[axis]!;
    const [from, to] = [begin[axis]!, end[axis]!].map((at) => (at < 0 ? at + n : at));
    const count = Math.ceil((Math.max(Math.min(to!, n), -1) - from!) / step);
    return picked(
      y,
      Array.from({ length: count }, (_, i) => from! + i * step),
      axis,
    );
  }, x);
}

/** Rows of x along an axis, by their numbers. */
export function gather(x: Value, attrs: Attrs): Value {
  const axis = axisOf(attrs) ?? 0;
  return picked(x, numbersOf(need(attrs, 'indices')), axis < 0 ? axis + x.shape.length : axis);
}

/** x repeated along its axes. */
export function tile(x: Value, attrs: Attrs): Value {
  const times = numbersOf(need(attrs, 'multiples', 'repeats', 'reps'));
  return times.reduce((y, n, axis) => e.concat(new Array<Value>(n).fill(y), { axis }), x);
}

/** The parts of x along an axis: as many as said, or of the sizes that are said. */
export function split(x: Value, attrs: Attrs): Readonly<Record<string, Value>> {
  const at = axisOf(attrs) ?? 0;
  const axis = at < 0 ? at + x.shape.length : at;
  const n = x.shape[axis]!;
  const given = numbersOf(need(attrs, 'num', 'numOrSizeSplits', 'numSplits', 'parts', 'sizes'));
  const sizes = given.length > 1 ? given : new Array<number>(given[0]!).fill(n / given[0]!);
  const parts = sizes.map((size, i) => {
    const from = sizes.slice(0, i).reduce((sum, v) => sum + v, 0);
    return picked(
      x,
      Array.from({ length: size }, (_, k) => from + k),
      axis,
    );
  });
  return Object.fromEntries(parts.map((part, i) => [`y${i}`, part]));
}

/** The parts of x along an axis, without it. */
export function unstack(x: Value, attrs: Attrs): Readonly<Record<string, Value>> {
  const at = axisOf(attrs) ?? 0;
  const axis = at < 0 ? at + x.shape.length : at;
  const shape = x.shape.toSpliced(axis, 1);
  return Object.fromEntries(
    Array.from({ length: x.shape[axis]! }, (_, i) => [
      `y${i}`,
      l.reshape(picked(x, [i], axis), shape.length ? shape : [1]),
    ]),
  );
}
