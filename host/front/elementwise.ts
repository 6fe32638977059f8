/**
 * Activations, arithmetic and concatenation of the model builder.
 */
import { formatShape } from '../core/shape.js';
import type { OpAttrs } from '../ir/ops.js';
import {
  addLayer,
  describe,
  type LayerOptions,
  layerError,
  layerName,
  requireNumber,
  requireSameModel,
  requireTensor,
  type Tensor,
} from './tensor.js';

type PlainActivation =
  | 'relu'
  | 'relu6'
  | 'selu'
  | 'sigmoid'
  | 'tanh'
  | 'softplus'
  | 'softsign'
  | 'hardSwish'
  | 'gelu'
  | 'softmax';

type Activation = (x: Tensor, options?: LayerOptions) => Tensor;

function plain(op: PlainActivation): Activation {
  return (x, options = {}) => {
    requireTensor(op, x);
    return addLayer(x.context, op, [x.id], {}, layerName(x.context, op, options));
  };
}

/** max(x, 0) */
export const relu = plain('relu');
/** min(max(x, 0), 6) */
export const relu6 = plain('relu6');
/** 1.0507 (x if x > 0 else 1.6733 (exp(x) - 1)): the self-normalizing unit. */
export const selu = plain('selu');
/** 1 / (1 + exp(-x)) */
export const sigmoid = plain('sigmoid');
/** tanh(x) */
export const tanh = plain('tanh');
/** log(1 + exp(x)) */
export const softplus = plain('softplus');
/** x / (1 + |x|) */
export const softsign = plain('softsign');
/** x relu6(x + 3) / 6 */
export const hardSwish = plain('hardSwish');
/** x Phi(x), Phi the normal distribution. */
export const gelu = plain('gelu');
/** exp(x) / sum exp(x), over the last axis. */
export const softmax = plain('softmax');

export interface AlphaOptions extends LayerOptions {
  readonly alpha?: number;
}

function withAlpha(op: 'leakyRelu' | 'elu', x: Tensor, options: AlphaOptions, normal: number) {
  requireTensor(op, x);
  const name = layerName(x.context, op, options);
  const attrs = { alpha: requireNumber(name, 'alpha', options.alpha ?? normal, 0) };
  return addLayer(x.context, op, [x.id], attrs, name);
}

/** x if x > 0 else alpha x; alpha defaults to 0.2. */
export const leakyRelu = (x: Tensor, options: AlphaOptions = {}): Tensor =>
  withAlpha('leakyRelu', x, options, 0.2);

/** x if x > 0 else alpha (exp(x) - 1); alpha defaults to 1. */
export const elu = (x: Tensor, options: AlphaOptions = {}): Tensor =>
  withAlpha('elu', x, options, 1);

/** The operand with leading axes of length 1, so that the batch axes of both lie together. */
function withRank(x: Tensor, rank: number, name: string): Tensor {
  if (x.shape.length >= rank) return x;
  const shape = [...new Array<number>(rank - x.shape.length).fill(1), ...x.shape];
  return addLayer(x.context, 'reshape', [x.id], { shape }, `${name}.aligned`);
}

function binary(
  op: 'add' | 'sub' | 'mul' | 'div' | 'equal',
  a: Tensor,
  b: Tensor,
  options: LayerOptions,
): Tensor {
  requireTensor(op, a);
  requireTensor(op, b);
  const name = layerName(a.context, op, options);
  requireSameModel(name, a, b);
  const rank = Math.max(a.shape.length, b.shape.length);
  const operands = [withRank(a, rank, name), withRank(b, rank, name)] as const;
  const attrs: OpAttrs<typeof op> = {};
  return addLayer(a.context, op, [operands[0].id, operands[1].id], attrs, name);
}

/** a + b, element by element; dimensions are equal or 1, shorter shapes count from the back. */
export const add = (a: Tensor, b: Tensor, options: LayerOptions = {}): Tensor =>
  binary('add', a, b, options);

/** a - b, with the broadcasting of add. */
export const sub = (a: Tensor, b: Tensor, options: LayerOptions = {}): Tensor =>
  binary('sub', a, b, options);

/** a * b, with the broadcasting of add. */
export const mul = (a: Tensor, b: Tensor, options: LayerOptions = {}): Tensor =>
  binary('mul', a, b, options);

/** a / b, with the broadcasting of add. */
export const div = (a: Tensor, b: Tensor, options: LayerOptions = {}): Tensor =>
  binary('div', a, b, options);

/** 1 where a = b, else 0, with the broadcasting of add; no gradient passes. */
export const equal = (a: Tensor, b: Tensor, options: LayerOptions = {}): Tensor =>
  binary('equal', a, b, options);

/** factor * x */
export function scale(x: Tensor, factor: number, options: LayerOptions = {}): Tensor {
  requireTensor('scale', x);
  const name = layerName(x.context, 'scale', options);
  const attrs = { factor: requireNumber(name, 'factor', factor, Number.NEGATIVE_INFINITY) };
  return addLayer(x.context, 'scale', [x.id], attrs, name);
}

/** relu(x) and relu(-x), one after the other on the last axis: [..., C] -> [..., 2 C]. */
export function crelu(x: Tensor, options: LayerOptions = {}): Tensor {
  requireTensor('crelu', x);
  const name = layerName(x.context, 'crelu', options);
  const above = relu(x, { name: `${name}.above` });
  const below = relu(scale(x, -1, { name: `${name}.turned` }), { name: `${name}.below` });
  return concat([above, below], { name });
}

export interface ConcatOptions extends LayerOptions {
  /** The axis, the batch not counted; negative ones from the back. Default -1: the channels. */
  readonly axis?: number;
}

/** The tensors one after the other along an axis; the other sizes are equal. */
export function concat(tensors: readonly Tensor[], options: ConcatOptions = {}): Tensor {
  if (!Array.isArray(tensors) || tensors.length === 0) {
    const hint = 'Give a list of tensors: concat([a, b]).';
    throw layerError('concat', `expected a list of tensors, got ${describe(tensors)}`, hint);
  }
  for (const x of tensors) requireTensor('concat', x);
  const [first, ...others] = tensors as [Tensor, ...Tensor[]];
  const name = layerName(first.context, 'concat', options);
  for (const x of others) requireSameModel(name, first, x);
  const { axis = -1 } = options;
  const rank = first.shape.length;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    const hint = 'Axes count from 0 without the batch; negative ones from the back.';
    throw layerError(name, `axis ${describe(axis)} lies outside ${formatShape(first.shape)}`, hint);
  }
  const attrs = { axis: axis < 0 ? axis + rank + 1 : axis + 1 };
  return addLayer(
    first.context,
    'concat',
    tensors.map((x) => x.id),
    attrs,
    name,
  );
}
