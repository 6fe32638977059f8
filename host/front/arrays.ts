/**
 * Array operations of the model builder: parts, orders, borders, reductions, products, transforms.
 * Shapes and axes are without the batch; axes count from 0, negative ones from the back. Every
 * function throws BadInputError (exit code 3), naming the layer, when its arguments do not fit.
 */
import { elements, formatShape, type Shape, strides } from '../core/shape.js';
import { concat, equal, mul } from './elementwise.js';
import { reshape } from './layers.js';
import {
  addLayer,
  describe,
  type LayerOptions,
  layerError,
  layerName,
  requireCount,
  requireSameModel,
  requireTensor,
  type Tensor,
} from './tensor.js';

/** An axis counted from the front, the batch not counted. */
function axisOf(layer: string, { shape }: Tensor, axis: unknown, rank = shape.length): number {
  const counted = Number.isInteger(axis) ? Number(axis) + (Number(axis) < 0 ? rank : 0) : -1;
  if (counted >= 0 && counted < rank) return counted;
  const hint = 'Axes count from 0 without the batch; negative ones from the back.';
  throw layerError(layer, `axis ${describe(axis)} lies outside ${formatShape(shape)}`, hint);
}

/** One axis or several. */
export type Axes = number | readonly number[];

const axesOf = (layer: string, x: Tensor, axes: Axes): number[] =>
  [axes].flat().map((axis) => axisOf(layer, x, axis));

/** A list with one number per axis. */
function perAxis(layer: string, what: string, { shape }: Tensor, list: unknown): number[] {
  if (Array.isArray(list) && list.length === shape.length && list.every(Number.isInteger)) {
    return list;
  }
  const hint = `Give one number per axis of ${formatShape(shape)}.`;
  throw layerError(layer, `${what} is ${describe(list)}`, hint);
}

/** Fixed numbers, the same for every example; training does not change them. */
export function constant(
  like: Tensor,
  shape: Shape,
  data: ArrayLike<number>,
  options: LayerOptions = {},
): Tensor {
  requireTensor('constant', like);
  const { context } = like;
  const name = layerName(context, 'constant', options);
  if (data.length !== elements(shape)) {
    const hint = 'Give one number per element, row by row.';
    throw layerError(name, `${data.length} numbers for ${formatShape(shape)}`, hint);
  }
  const type = { shape: [1, ...shape], dtype: 'f32' } as const;
  return {
    id: context.builder.constant(type, Float32Array.from(data), { id: name }),
    shape,
    context,
  };
}

/** The part of x that begins at `begin` and has the given size; a size of -1 goes to the end. */
export function slice(
  x: Tensor,
  begin: readonly number[],
  size: readonly number[],
  options: LayerOptions = {},
): Tensor {
  requireTensor('slice', x);
  const name = layerName(x.context, 'slice', options);
  const attrs = {
    begin: [0, ...perAxis(name, 'begin', x, begin)],
    size: [-1, ...perAxis(name, 'size', x, size)],
  };
  return addLayer(x.context, 'slice', [x.id], attrs, name);
}

/** Axis i of the result is axis perm[i] of x; without perm the order of the axes turns round. */
export function transpose(
  x: Tensor,
  perm: readonly number[] = [...(x?.shape ?? [])].map((_, i, all) => all.length - 1 - i),
  options: LayerOptions = {},
): Tensor {
  requireTensor('transpose', x);
  const name = layerName(x.context, 'transpose', options);
  const axes = perAxis(name, 'perm', x, perm).map((axis) => axisOf(name, x, axis) + 1);
  return addLayer(x.context, 'transpose', [x.id], { perm: [0, ...axes] }, name);
}

/** The elements in the opposite order along axes. */
export function reverse(x: Tensor, axes: Axes, options: LayerOptions = {}): Tensor {
  requireTensor('reverse', x);
  const name = layerName(x.context, 'reverse', options);
  const attrs = { axes: axesOf(name, x, axes).map((axis) => axis + 1) };
  return addLayer(x.context, 'reverse', [x.id], attrs, name);
}

/** The tensors, of one shape, along a new axis (default 0). */
export function stack(
  tensors: readonly Tensor[],
  options: LayerOptions & { readonly axis?: number } = {},
): Tensor {
  if (!Array.isArray(tensors) || tensors.length === 0) {
    const hint = 'Give a list of tensors: stack([a, b]).';
    throw layerError('stack', `expected a list of tensors, got ${describe(tensors)}`, hint);
  }
  for (const x of tensors) requireTensor('stack', x);
  const [first] = tensors as [Tensor];
  const name = layerName(first.context, 'stack', options);
  const axis = axisOf(name, first, options.axis ?? 0, first.shape.length + 1);
  const parts = tensors.map((x: Tensor, i) => {
    const shape = [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)];
    return reshape(x, shape, { name: `${name}.part${i}` });
  });
  return concat(parts, { name, axis });
}

export interface PadOptions extends LayerOptions {
  /**
   * What lies in the border: `value` ('constant', default), the elements mirrored at the edge
   * without it ('reflect') or with it ('symmetric').
   */
  readonly mode?: 'constant' | 'reflect' | 'symmetric';
  /** Default 0. */
  readonly value?: number;
}

/** x with `paddings[axis]` = [before, after] elements more per axis. */
export function pad(
  x: Tensor,
  paddings: readonly (readonly [number, number])[],
  options: PadOptions = {},
): Tensor {
  requireTensor('pad', x);
  const name = layerName(x.context, 'pad', options);
  const { mode = 'constant', value = 0 } = options;
  if (!Array.isArray(paddings) || paddings.length !== x.shape.length) {
    const hint = `Give [before, after] per axis of ${formatShape(x.shape)}.`;
    throw layerError(name, `the paddings are ${describe(paddings)}`, hint);
  }
  for (const n of paddings.flat()) requireCount(name, 'padding', n, 0);
  if (mode === 'constant') return padConstant(x, paddings, value, name);
  if (mode !== 'reflect' && mode !== 'symmetric') {
    const hint = "Use 'constant', 'reflect' or 'symmetric'.";
    throw layerError(name, `unknown mode ${describe(mode)}`, hint);
  }
  const mirrored = paddings.reduce<Tensor>(
    (y, around, axis) => mirror(y, axis, around, mode === 'reflect' ? 1 : 0, name),
    x,
  );
  return reshape(mirrored, mirrored.shape, { name });
}

type Around = readonly [number, number];

function padConstant(x: Tensor, paddings: readonly Around[], value: number, name: string): Tensor {
  const attrs = { padding: [0, 0, ...paddings.flat()] };
  if (value === 0) return addLayer(x.context, 'pad', [x.id], attrs, name);
  const y = addLayer(x.context, 'pad', [x.id], attrs, `${name}.zeros`);
  const steps = strides(y.shape);
  const border = Array.from({ length: elements(y.shape) }, (_, i) => {
    const inside = paddings.every(([before], axis) => {
      const k = Math.floor(i / steps[axis]!) % y.shape[axis]!;
      return k >= before && k < before + x.shape[axis]!;
    });
    return inside ? 0 : value;
  });
  const around = constant(x, y.shape, border, { name: `${name}.border` });
  return addLayer(x.context, 'add', [y.id, around.id], {}, name);
}

/** One axis continued by its mirror image; `skip` 1 leaves out the edge itself. */
function mirror(
  x: Tensor,
  axis: number,
  [before, after]: Around,
  skip: number,
  name: string,
): Tensor {
  const n = x.shape[axis]!;
  if (Math.max(before, after) > n - skip) {
    const hint = `The mirror image of axis ${axis} has ${n - skip} elements.`;
    throw layerError(name, `padding ${before}, ${after} of ${formatShape(x.shape)}`, hint);
  }
  const part = (from: number, count: number, which: string): Tensor => {
    const begin = x.shape.map((_, i) => (i === axis ? from : 0));
    const size = x.shape.map((_, i) => (i === axis ? count : -1));
    const piece = slice(x, begin, size, { name: `${name}.${which}${axis}` });
    return reverse(piece, axis, { name: `${name}.${which}${axis}.turned` });
  };
  const parts = [
    ...(before > 0 ? [part(skip, before, 'before')] : []),
    x,
    ...(after > 0 ? [part(n - skip - after, after, 'after')] : []),
  ];
  return parts.length === 1 ? x : concat(parts, { axis, name: `${name}.axis${axis}` });
}

/** Matrix product over the last two axes: [..., m, k], [..., k, n] -> [..., m, n]. */
export function matmul(
  a: Tensor,
  b: Tensor,
  options: LayerOptions & { readonly transposeA?: boolean; readonly transposeB?: boolean } = {},
): Tensor {
  requireTensor('matmul', a);
  requireTensor('matmul', b);
  const name = layerName(a.context, 'matmul', options);
  requireSameModel(name, a, b);
  if (a.shape.length < 2) {
    const hint = 'Reshape a vector to [1, k] or [k, 1], or use dense.';
    throw layerError(name, `the operand is ${formatShape(a.shape)}, expected a matrix`, hint);
  }
  const { transposeA = false, transposeB = false } = options;
  return addLayer(a.context, 'matmul', [a.id, b.id], { transposeA, transposeB }, name);
}

export interface ReduceOptions extends LayerOptions {
  /** Keeps the reduced axes with size 1; default false. */
  readonly keepDims?: boolean;
}

type Reduction = (x: Tensor, axes?: Axes, options?: ReduceOptions) => Tensor;

const reduction =
  (op: 'sum' | 'mean' | 'max' | 'min'): Reduction =>
  (x, axes, options = {}) => {
    requireTensor(op, x);
    const name = layerName(x.context, op, options);
    const all = axes ?? x.shape.map((_, i) => i);
    const attrs = {
      axes: axesOf(name, x, all).map((axis) => axis + 1),
      keepDims: options.keepDims ?? false,
    };
    return addLayer(x.context, op, [x.id], attrs, name);
  };

/** The sum over axes; default: over all. */
export const sum = reduction('sum');
/** The mean over axes; default: over all. */
export const mean = reduction('mean');
/** The maximum over axes; default: over all. Its gradient is shared by all that reach it. */
export const max = reduction('max');
/** The minimum over axes; default: over all. Its gradient is shared by all that reach it. */
export const min = reduction('min');

const argument =
  (op: 'argMax' | 'argMin') =>
  (x: Tensor, axis = -1, options: LayerOptions = {}): Tensor => {
    requireTensor(op, x);
    const name = layerName(x.context, op, options);
    return addLayer(x.context, op, [x.id], { axis: axisOf(name, x, axis) + 1 }, name);
  };

/** The first index of the maximum along an axis (default: the last), as a float number. */
export const argMax = argument('argMax');
/** The first index of the minimum along an axis (default: the last), as a float number. */
export const argMin = argument('argMin');

/**
 * The values of another type. Values of a network are always float32: 'int32' drops the fraction,
 * 'bool' gives 0 or 1, 'float32' changes nothing. No gradient passes through the first two.
 */
export function cast(
  x: Tensor,
  to: 'bool' | 'int32' | 'float32',
  options: LayerOptions = {},
): Tensor {
  requireTensor('cast', x);
  const name = layerName(x.context, 'cast', options);
  if (to === 'float32') return reshape(x, x.shape, { name });
  if (to === 'bool') return addLayer(x.context, 'notZero', [x.id], {}, name);
  if (to === 'int32') return addLayer(x.context, 'truncate', [x.id], {}, name);
  const hint = "Use 'bool', 'int32' or 'float32'.";
  throw layerError(name, `unknown type ${describe(to)}`, hint);
}

/** Class numbers [...] as rows [..., depth] with a 1 at the class, else 0. */
export function oneHot(x: Tensor, depth: number, options: LayerOptions = {}): Tensor {
  requireTensor('oneHot', x);
  const name = layerName(x.context, 'onehot', options);
  requireCount(name, 'depth', depth);
  const column = reshape(x, [...x.shape, 1], { name: `${name}.column` });
  const shape = [...x.shape.map(() => 1), depth];
  const classes = Array.from({ length: depth }, (_, i) => i);
  return equal(column, constant(x, shape, classes, { name: `${name}.classes` }), { name });
}

/** Complex numbers as [..., 2]: real and imaginary parts; the imaginary ones default to 0. */
export function complex(re: Tensor, im?: Tensor, options: LayerOptions = {}): Tensor {
  requireTensor('complex', re);
  const name = layerName(re.context, 'complex', options);
  if (im) return stack([re, im], { axis: re.shape.length, name });
  const column = reshape(re, [...re.shape, 1], { name: `${name}.column` });
  return mul(column, constant(re, [2], [1, 0], { name: `${name}.parts` }), { name });
}

/** The transform along axis -2 of complex numbers [..., n, 2], under a given name. */
function transform(x: Tensor, inverse: boolean, name: string): Tensor {
  if (x.shape.length >= 2 && x.shape.at(-1) === 2) {
    return addLayer(x.context, 'fft', [x.id], { inverse }, name);
  }
  const hint = 'Make complex numbers of real ones with complex(x).';
  throw layerError(name, `the input is ${formatShape(x.shape)}, expected [..., n, 2]`, hint);
}

const fourier =
  (inverse: boolean) =>
  (x: Tensor, options: LayerOptions = {}): Tensor => {
    requireTensor('fft', x);
    return transform(x, inverse, layerName(x.context, inverse ? 'ifft' : 'fft', options));
  };

const fourier2d =
  (inverse: boolean) =>
  (x: Tensor, options: LayerOptions = {}): Tensor => {
    requireTensor('fft2d', x);
    const name = layerName(x.context, inverse ? 'ifft2d' : 'fft2d', options);
    const rank = x.shape.length;
    const axes = x.shape.map((_, i) => i);
    const perm = [...axes.slice(0, -3), rank - 2, rank - 3, rank - 1];
    const rows = transform(x, inverse, `${name}.rows`);
    const turned = transpose(rows, perm, { name: `${name}.turned` });
    const columns = transform(turned, inverse, `${name}.columns`);
    return transpose(columns, perm, { name });
  };

/**
 * The discrete Fourier transform of complex numbers [..., n, 2]: y[k] = sum x[i] e^(-2 pi j i k / n),
 * in n log n products for any n.
 */
export const fft = fourier(false);
/** The inverse of fft, 1 / n included. */
export const ifft = fourier(true);
/** fft along both axes of [..., h, w, 2]. */
export const fft2d = fourier2d(false);
/** The inverse of fft2d. */
export const ifft2d = fourier2d(true);
