/**
 * The format of worked examples: cases of several kinds, written by people, so that a field may
 * stand beside the case or inside `attrs`, `inputs`, `weights` or `params`. Tensors are
 * `{shape, data}`, all else are attributes.
 */
import { BadInputError } from '../../host/core/errors.js';
import { elements, type Shape } from '../../host/core/shape.js';

export interface Tensor {
  readonly shape: Shape;
  readonly data: readonly number[];
}

export type Json = Readonly<Record<string, unknown>>;

export interface Example extends Json {
  readonly name: string;
  readonly kind: string;
  readonly tolerance?: number;
}

/** A layer or a case, with its tensors and attributes apart, whatever they were nested in. */
export interface Fields {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly attrs: Json;
}

const nests = ['attrs', 'inputs', 'weights', 'params'];

export const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && 'shape' in value && 'data' in value;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Names under which bare numbers, nested or not, are a tensor. */
const tensorNames =
  /^(x|y|a|b|w|re|im|input|filter|kernel|bias|gamma|beta|mean|variance|var|depthwise|pointwise|logits|labels|targets?|upstream|dy)$/;

/** What stands beside or inside of a case or layer. */
export function fieldsOf(source: Json): Fields {
  const tensors: Record<string, Tensor> = {};
  const attrs: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(source)) {
    const isBare = Array.isArray(value) || typeof value === 'number';
    if (isTensor(value)) tensors[key] = value;
    else if (isBare && tensorNames.test(key)) tensors[key] = toTensor(value);
    else if (nests.includes(key) && isObject(value)) {
      const inner = fieldsOf(value);
      Object.assign(tensors, inner.tensors);
      Object.assign(attrs, inner.attrs);
    } else attrs[key] = value;
  }
  return { tensors, attrs };
}

export function fail(message: string): never {
  throw new BadInputError(message, { hint: 'See the kinds and ops in test/conformance.' });
}

/** The first field of some names that is there. */
export function pick<T>(from: Readonly<Record<string, T>>, ...names: string[]): T | undefined {
  const found = names.find((name) => from[name] !== undefined);
  return found === undefined ? undefined : from[found];
}

export function need<T>(from: Readonly<Record<string, T>>, ...names: string[]): T {
  return pick(from, ...names) ?? fail(`the case has no ${names.join(' or ')}`);
}

/** A tensor, or bare numbers as one: the nesting of the lists is its shape. */
export function toTensor(value: unknown): Tensor {
  if (isTensor(value)) return value;
  const shape: number[] = [];
  for (let level = value; Array.isArray(level); level = level[0]) shape.push(level.length);
  const data = [value].flat(shape.length) as number[];
  const isWhole = data.length === elements(shape) && data.every((n) => typeof n === 'number');
  return isWhole ? { shape, data } : fail('a tensor is neither {shape, data} nor numbers');
}

/** The names of ops and optimizers as they are compared: without case, '-' and '_'. */
export const plainName = (name: string): string => name.toLowerCase().replace(/[-_ ]/g, '');

/** What float32 loses beside the tolerance of a case, relative to the expected number. */
const rounding = 1e-6;
const defaultTolerance = 1e-5;

/** Raises an Error that names the first number that is too far off. */
export function compare(found: Tensor, expected: Tensor, { tolerance }: Example, what: string) {
  const shapes = [found, expected].map(({ shape }) => shape.filter((d, i) => i > 0 || d !== 1));
  if (String(shapes[0]) !== String(shapes[1]) || found.data.length !== expected.data.length) {
    throw new Error(`${what} has shape [${found.shape}], expected [${expected.shape}]`);
  }
  const limit = tolerance ?? defaultTolerance;
  expected.data.forEach((value, i) => {
    const off = Math.abs(found.data[i]! - value);
    if (off <= limit + rounding * Math.abs(value)) return;
    throw new Error(`${what}[${i}] is ${found.data[i]}, expected ${value}`);
  });
}
