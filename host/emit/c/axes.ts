/**
 * Shapes of any rank in the few loops that the kernels have: neighbouring axes that are treated
 * alike become one.
 */
import { UnsupportedError } from '../../core/errors.js';
import { normalizeAxis, type Shape, strides } from '../../core/shape.js';
import type { Value } from '../../ir/graph.js';

const kernelRank = 4;

function refuse(value: Value, message: string): never {
  throw new UnsupportedError(`%${value.id}: ${message}`, {
    hint: 'Reshape the operands first, so that axes treated alike are neighbours.',
    where: `%${value.id}`,
  });
}

/** A list filled up in front to the kernels' rank. */
const inFront = (list: readonly number[], fill: number): number[] => [
  ...new Array<number>(kernelRank - list.length).fill(fill),
  ...list,
];

const aligned = (shape: Shape, rank: number): number[] => [
  ...new Array<number>(rank - shape.length).fill(1),
  ...shape,
];

/** The axes of a broadcast op, joined where both operands either run or stand still. */
function joinedAxes(a: Shape, b: Shape, y: Shape): { dims: number[]; a: boolean[]; b: boolean[] } {
  const out = { dims: [] as number[], a: [] as boolean[], b: [] as boolean[] };
  y.forEach((length, i) => {
    if (length === 1) return;
    const [runsA, runsB] = [a[i] !== 1, b[i] !== 1];
    const last = out.dims.length - 1;
    if (last >= 0 && out.a[last] === runsA && out.b[last] === runsB) {
      out.dims[last]! *= length;
      return;
    }
    out.dims.push(length);
    out.a.push(runsA);
    out.b.push(runsB);
  });
  return out;
}

/** Strides over joined axes; 0 where the operand stands still. */
function runStrides(dims: readonly number[], runs: readonly boolean[]): number[] {
  const own = strides(dims.map((length, i) => (runs[i] ? length : 1)));
  return own.map((stride, i) => (runs[i] ? stride : 0));
}

/** dims, a_stride and b_stride of add and mul. */
export function broadcastFields(a: Value, b: Value, y: Value) {
  const rank = y.shape.length;
  const joined = joinedAxes(aligned(a.shape, rank), aligned(b.shape, rank), y.shape);
  if (joined.dims.length > kernelRank) refuse(y, 'broadcasts along too many separate axes');
  return {
    dims: inFront(joined.dims, 1),
    a_stride: inFront(runStrides(joined.dims, joined.a), 0),
    b_stride: inFront(runStrides(joined.dims, joined.b), 0),
  };
}

/** [outer][reduce0][middle][reduce1][inner] of a mean over axes. */
export function meanFields(x: Value, axes: readonly number[]) {
  const reduced = new Set(axes.map((axis) => normalizeAxis(axis, x.shape.length)));
  // Even places hold kept axes, odd ones reduced axes.
  const groups = [1];
  x.shape.forEach((length, i) => {
    if (length === 1) return;
    if (reduced.has(i) !== (groups.length % 2 === 0)) groups.push(1);
    groups[groups.length - 1]! *= length;
  });
  // What is kept behind the only reduced axes is the innermost, where kernels take it together.
  if (groups.length === 3) groups.splice(2, 0, 1, 1);
  if (groups.length > 5) refuse(x, `a mean over axes ${axes.join(', ')} has too many groups`);
  const [outer = 1, reduce0 = 1, middle = 1, reduce1 = 1, inner = 1] = groups;
  return { outer, reduce0, middle, reduce1, inner };
}

/** in, before and out of a pad; leading axes without padding are joined. */
export function padFields(x: Value, y: Value, padding: readonly number[]) {
  const axes = x.shape.map((length, i) => ({
    in: length,
    before: padding[2 * i]!,
    out: y.shape[i]!,
  }));
  while (axes.length > kernelRank) {
    const [first, second, ...rest] = axes;
    if (first!.in !== first!.out || second!.in !== second!.out) refuse(x, 'pads too many axes');
    const length = first!.in * second!.in;
    axes.splice(0, axes.length, { in: length, before: 0, out: length }, ...rest);
  }
  return {
    in: inFront(
      axes.map((axis) => axis.in),
      1,
    ),
    before: inFront(
      axes.map((axis) => axis.before),
      0,
    ),
    out: inFront(
      axes.map((axis) => axis.out),
      1,
    ),
  };
}
