/**
 * The format of worked examples: cases of several kinds, written by people, so that a field may
 * stand beside the case or inside `attrs`, `inputs`, `weights` or `params`. Tensors are
 * `{shape, data}` or bare numbers; complex ones `{shape, re, im}`, or have pairs for numbers.
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

const nests = ['attrs', 'attributes', 'inputs', 'weights', 'params', 'options'];

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Names of the parts of complex numbers. */
export const partNames = {
  re: ['re', 'real', 'r'],
  im: ['im', 'imag', 'imaginary', 'i'],
} as const;

const isComplexTensor = (value: Json): boolean =>
  pick(value, ...partNames.re) !== undefined && pick(value, ...partNames.im) !== undefined;

/** The numbers of a tensor, without which it is none. */
const dataOf = (value: Json): unknown =>
  value.data ?? ('shape' in value ? value.values : undefined);

export const isTensor = (value: unknown): value is Tensor =>
  isObject(value) && (dataOf(value) !== undefined || isComplexTensor(value));

/** Names under which bare numbers, nested or not, are a tensor. */
const tensorNames =
  /^(x|y|a|b|w|re|im|input|filter|kernel|bias(es)?|gamma|beta|offset|mean|variance|var|moving_?(mean|variance)|depthwise(_?filter)?|pointwise(_?filter)?|mask|logits|labels|targets?|upstream(_?gradient)?|dy|dout|gy|grad(_?output)?)$/i;

/** Attributes that a case may write as tensors. */
const attributeNames =
  /^(paddings|axis|axes|perm|begin|size|shape|depth|strides?|ksize|keepProb|dims|multiples)$/;

/** An upstream gradient that is named as the result that it belongs to: {y: tensor}. */
const onlyTensor = (value: unknown): unknown =>
  isObject(value) && !isTensor(value) ? Object.values(value).find(isTensor) : undefined;

/** What stands beside or inside of a case or layer. */
export function fieldsOf(source: Json): Fields {
  const tensors: Record<string, Tensor> = {};
  const attrs: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(source)) {
    const isBare = Array.isArray(value) ? !value.some(isTensor) : typeof value === 'number';
    if (isTensor(value) && attributeNames.test(key)) attrs[key] = toTensor(value).data;
    else if (isTensor(value)) tensors[key] = toTensor(value);
    else if (upstreamNames.includes(key) && onlyTensor(value)) {
      tensors[key] = toTensor(onlyTensor(value));
    } else if (isBare && tensorNames.test(key)) tensors[key] = toTensor(value);
    else if (nests.includes(key) && isObject(value)) {
      const inner = fieldsOf(value);
      Object.assign(tensors, inner.tensors);
      Object.assign(attrs, inner.attrs);
    } else attrs[key] = value;
  }
  return { tensors, attrs };
}

/** Names of the gradient of what comes behind. */
export const upstreamNames = [
  ...['upstream', 'dy', 'dout', 'gradient', 'gy', 'grad', 'gradOutput', 'grad_output'],
  ...['upstreamGradient', 'upstream_gradient'],
];

/** Tensors of a case that are no operands. */
const results = new Set(['expect', 'expected', ...upstreamNames]);

/** An operand; a list of tensors is one each. */
function operand(name: string, value: unknown): [string, Tensor][] {
  const isList = Array.isArray(value) && value.length > 0 && value.every(isTensor);
  if (!isList) return [[name, toTensor(value)]];
  return value.map((tensor, i) => [`${name}${i}`, toTensor(tensor)]);
}

/** The tensors of a case that are operands, in order; in `inputs` any numbers are. */
export function operandsOf(example: Example): [string, Tensor][] {
  const { inputs, ...others } = example;
  const isNumbers = (value: unknown): boolean =>
    isTensor(value) || Array.isArray(value) || typeof value === 'number';
  const beside = Object.entries(fieldsOf(others).tensors);
  const entries =
    typeof inputs === 'object' && inputs !== null
      ? [
          ...Object.entries(inputs).filter(([, value]) => isNumbers(value)),
          ...beside.filter(([name]) => name === 'mask'),
        ]
      : beside;
  return entries
    .filter(([name]) => !results.has(name) && !attributeNames.test(name))
    .flatMap(([name, value]) => operand(name, value));
}

export function fail(message: string): never {
  throw new BadInputError(message, { hint: 'See the kinds and ops in test/conformance.' });
}

/** The key of the first of some names that is there, written so or in other case or with `_`. */
export function keyOf(from: Json, ...names: readonly string[]): string | undefined {
  const exact = names.find((name) => from[name] !== undefined);
  if (exact !== undefined) return exact;
  const plain = new Set(names.map(plainName));
  return Object.keys(from).find((key) => from[key] !== undefined && plain.has(plainName(key)));
}

/** The first field of some names that is there. */
export function pick<T>(from: Readonly<Record<string, T>>, ...names: string[]): T | undefined {
  const key = keyOf(from, ...names);
  return key === undefined ? undefined : from[key];
}

export function need<T>(from: Readonly<Record<string, T>>, ...names: string[]): T {
  return pick(from, ...names) ?? fail(`the case has no ${names.join(' or ')}`);
}

/** Whether the first of some switches that is there is on. */
export const isOn = (attrs: Json, ...names: string[]): boolean => isYes(pick(attrs, ...names));

export const isYes = (value: unknown): boolean => value === true || value === 1 || value === 'true';

/** Numbers that JSON cannot write, and truth. */
const wordNumbers: Readonly<Record<string, number>> = {
  ...{ true: 1, false: 0, nan: Number.NaN, inf: Number.POSITIVE_INFINITY },
  ...{ infinity: Number.POSITIVE_INFINITY },
};

/** A number, a truth value, or the word for one; undefined for anything else. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return Number(value);
  if (typeof value !== 'string') return undefined;
  const [, sign, word] = /^([+-]?)(.*)$/.exec(value.trim().toLowerCase())!;
  const size = wordNumbers[word!] ?? (word === '' ? Number.NaN : Number(word));
  if (Number.isNaN(size) && word !== 'nan') return undefined;
  return sign === '-' ? -size : size;
}

/** All numbers of a list, or undefined where one is none. */
function allNumbers(values: readonly unknown[]): number[] | undefined {
  const numbers = values.map(numberOf);
  return numbers.includes(undefined) ? undefined : (numbers as number[]);
}

/** One number, a list or nested lists, or a tensor, as numbers in a row. */
export const numbersOf = (value: unknown): number[] => [...toTensor(value).data];

type Pair = readonly [number, number];

/** A number, or a complex one written as a pair, as {re, im} or as "1-2j". */
function complexOf(value: unknown): Pair | undefined {
  if (Array.isArray(value) && value.length === 2) return value as unknown as Pair;
  if (isObject(value)) {
    const [re, im] = [pick(value, 're', 'real'), pick(value, 'im', 'imag')];
    return re === undefined ? undefined : [Number(re), Number(im ?? 0)];
  }
  const size = String.raw`(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?`;
  const sum = new RegExp(`^\\(?([+-]?${size})\\s*([+-]\\s*${size})[ij]\\)?$`, 'i');
  const match = typeof value === 'string' ? sum.exec(value.trim()) : null;
  return match ? [Number(match[1]), Number(match[2]!.replace(/\s/g, ''))] : undefined;
}

/** Real and imaginary parts, as tensors or as lists, as numbers along a last axis of 2. */
function fromParts(value: Json): Tensor {
  const parts = [pick(value, ...partNames.re) ?? value.data, pick(value, ...partNames.im)];
  const [re, im] = parts.map(toTensor);
  if (re!.data.length !== im!.data.length) fail('there are more real parts than imaginary ones');
  const shape = (value.shape as Shape | undefined) ?? re!.shape;
  if (elements(shape) !== re!.data.length) fail(`no [${shape}] of ${re!.data.length} numbers`);
  return { shape: [...shape, 2], data: re!.data.flatMap((v, i) => [v, im!.data[i]!]) };
}

/** The numbers of `{shape, data}`; a complex one counts as two along a last axis of 2. */
function fromObject(value: Json): Tensor {
  const data = dataOf(value);
  if (data === undefined || pick(value, ...partNames.im) !== undefined) return fromParts(value);
  const shape = (value.shape as Shape | undefined) ?? toTensor(data).shape;
  const size = elements(shape);
  const list = Array.isArray(data) ? data : [data];
  const flat = allNumbers(list.flat(9));
  if (flat?.length === size) return { shape, data: flat };
  const pairs = list.map(complexOf);
  if (list.length === size && !pairs.includes(undefined)) {
    return { shape: [...shape, 2], data: (pairs as Pair[]).flat() };
  }
  if (flat?.length === 2 * size) return { shape: [...shape, 2], data: flat };
  return fail(`a tensor of shape [${shape}] holds other than ${size} numbers`);
}

/** A tensor, or bare numbers as one: the nesting of the lists is its shape. */
export function toTensor(value: unknown): Tensor {
  if (isTensor(value)) return fromObject(value as unknown as Json);
  const shape: number[] = [];
  for (let level = value; Array.isArray(level); level = level[0]) shape.push(level.length);
  const data = allNumbers([value].flat(shape.length + 1));
  if (data?.length === elements(shape)) return { shape, data };
  return fail('a tensor is neither {shape, data} nor numbers');
}

/** The names of ops and optimizers as they are compared: without module, case, '-' and '_'. */
export const plainName = (name: string): string =>
  name.replace(/^.*\./, '').toLowerCase().replace(/[-_ ]/g, '');

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
    if (Object.is(found.data[i], value)) return;
    const off = Number.isFinite(value) ? Math.abs(found.data[i]! - value) : Infinity;
    if (off <= limit + rounding * Math.abs(value)) return;
    throw new Error(`${what}[${i}] is ${found.data[i]}, expected ${value}`);
  });
}
