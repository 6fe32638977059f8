/** Ops of worked examples that the model builder has no function for, made of those that it has. */
import * as a from '../../host/front/arrays.js';
import * as e from '../../host/front/elementwise.js';
import { addLayer, layerName, type Tensor as Value } from '../../host/front/tensor.js';
import { type Fields, fail } from './example.js';

export type Attrs = Fields['attrs'];
/** Several results have names. */
export type ArrayOp = (
  inputs: readonly Value[],
  attrs: Attrs,
) => Value | Readonly<Record<string, Value>>;
export type OneResult = (inputs: readonly Value[], attrs: Attrs) => Value;

export const unary =
  (f: (x: Value) => Value): OneResult =>
  ([x]) =>
    f(x!);
export const binary =
  (f: (x: Value, y: Value) => Value): OneResult =>
  ([x, y]) =>
    f(x!, y ?? fail('the op needs two operands'));

const number = (like: Value, value: number): Value => a.constant(like, [1], [value]);
const not = (x: Value): Value => e.sub(number(x, 1), a.cast(x, 'bool'));
/** 1 where x > y: their difference is 0 only where they are equal. */
const greater = (x: Value, y: Value): Value => a.cast(e.relu(e.sub(x, y)), 'bool');

/** 1 where it holds, else 0. */
export const comparisons: Readonly<Record<string, OneResult>> = {
  notequal: binary((x, y) => not(e.equal(x, y))),
  greater: binary(greater),
  less: binary((x, y) => greater(y, x)),
  greaterequal: binary((x, y) => not(greater(y, x))),
  lessequal: binary((x, y) => not(greater(x, y))),
  logicaland: binary((x, y) => e.mul(a.cast(x, 'bool'), a.cast(y, 'bool'))),
  logicalor: binary((x, y) => a.cast(e.add(a.cast(x, 'bool'), a.cast(y, 'bool')), 'bool')),
  logicalnot: unary(not),
};

/** Over axes: whether all of x, or any, is not 0. */
export const ofTruth =
  (f: typeof a.max): typeof a.max =>
  (x, over, keep) =>
    f(a.cast(x, 'bool'), over, keep);

/** The second operand where the first is not 0, else the third. */
const where: OneResult = ([condition, x, y]) =>
  e.add(e.mul(a.cast(condition!, 'bool'), x!), e.mul(not(condition!), y!));

/** The greater: a + max(b - a, 0). */
const maximum = (x: Value, y: Value): Value => e.add(x, e.relu(e.sub(y, x)));
const minimum = (x: Value, y: Value): Value => e.sub(x, e.relu(e.sub(x, y)));
const turned = (x: Value): Value => e.scale(x, -1);

/** sqrt(x) = 1 / rsqrt(x); what optimizers divide by. */
function sqrt(x: Value): Value {
  const inverse = addLayer(
    x.context,
    'rsqrt',
    [x.id],
    { epsilon: 0 },
    layerName(x.context, 'rsqrt', {}),
  );
  return e.div(number(x, 1), inverse);
}

/** e^x: the odds of the logit x. */
const exp = (x: Value): Value => e.div(e.sigmoid(x), e.sigmoid(turned(x)));

export const derived: Readonly<Record<string, OneResult>> = {
  where,
  maximum: binary(maximum),
  minimum: binary(minimum),
  abs: unary((x) => maximum(x, turned(x))),
  sqrt: unary(sqrt),
  rsqrt: unary((x) => e.div(number(x, 1), sqrt(x))),
  exp: unary(exp),
  expm1: unary((x) => e.sub(exp(x), number(x, 1))),
  negative: ([x]) => e.scale(x!, -1),
  square: unary((x) => e.mul(x, x)),
  reciprocal: unary((x) => e.div(number(x, 1), x)),
  sign: unary((x) => e.sub(a.cast(e.relu(x), 'bool'), a.cast(e.relu(e.scale(x, -1)), 'bool'))),
  swish: unary((x) => e.mul(x, e.sigmoid(x))),
  hardsigmoid: unary((x) => e.scale(e.relu6(e.add(x, number(x, 3))), 1 / 6)),
};
