/**
 * Ops of float networks that have no int8 form.
 */
import { formatShape } from '../core/shape.js';
import {
  inferBroadcast,
  inferFirst,
  inferMatmul,
  inferOverAxis,
  inferReduce,
  inferTo,
  requireAxes,
  requireBias,
} from './infer.js';
import { demand, floatOnly, op, unary, windowMacs } from './op-spec.js';

export const floatOps = {
  batchNorm: op({
    summary:
      'y = gamma (x - mean) / sqrt(variance + epsilon) + beta, per channel (last axis); momentum: of the moving statistics, in training',
    inputs: ['x', 'gamma', 'beta', 'mean', 'variance'],
    attrs: { epsilon: 'float', momentum: 'float?' },
    stages: floatOnly,
    infer([x, ...parameters]) {
      for (const parameter of parameters) requireBias(parameter, x!.shape.at(-1)!);
      return inferFirst([x!]);
    },
  }),
  sum: op({
    summary: 'the sum over axes',
    inputs: ['x'],
    attrs: { axes: 'ints', keepDims: 'bool' },
    stages: floatOnly,
    infer: inferReduce,
  }),
  variance: op({
    summary: 'the population variance over axes: mean((x - mean(x))^2)',
    inputs: ['x'],
    attrs: { axes: 'ints', keepDims: 'bool' },
    stages: floatOnly,
    infer: inferReduce,
  }),
  max: op({
    summary: 'the maximum over axes',
    inputs: ['x'],
    attrs: { axes: 'ints', keepDims: 'bool' },
    stages: floatOnly,
    infer: inferReduce,
  }),
  min: op({
    summary: 'the minimum over axes',
    inputs: ['x'],
    attrs: { axes: 'ints', keepDims: 'bool' },
    stages: floatOnly,
    infer: inferReduce,
  }),
  argMax: op({
    summary: 'the first index of the maximum along axis, as a number of the dtype of x',
    inputs: ['x'],
    attrs: { axis: 'int' },
    stages: floatOnly,
    infer: inferOverAxis,
  }),
  argMin: op({
    summary: 'the first index of the minimum along axis, as a number of the dtype of x',
    inputs: ['x'],
    attrs: { axis: 'int' },
    stages: floatOnly,
    infer: inferOverAxis,
  }),
  matmul: op({
    summary: 'a b over the last two axes, each operand transposed first if asked',
    inputs: ['a', 'b'],
    attrs: { transposeA: 'bool', transposeB: 'bool' },
    stages: floatOnly,
    infer: inferMatmul,
    macs: ([a], y, { transposeA }) => windowMacs(a!.shape.at(transposeA ? -2 : -1)!, y),
  }),
  slice: op({
    summary: 'the part of x that begins at begin and has the given size; -1: up to the end',
    inputs: ['x'],
    attrs: { begin: 'ints', size: 'ints' },
    stages: floatOnly,
    infer([x], { begin, size }) {
      const sizes = x!.shape.map((d, i) => (size[i] === -1 ? d - begin[i]! : size[i]!));
      const fits = x!.shape.every(
        (d, i) => begin[i]! >= 0 && sizes[i]! >= 1 && begin[i]! + sizes[i]! <= d,
      );
      const rank = x!.shape.length;
      demand(
        fits && begin.length === rank && size.length === rank,
        `slice ${formatShape(begin)} + ${formatShape(size)} lies outside ${formatShape(x!.shape)}`,
        'Give begin and size per axis.',
      );
      return inferTo(sizes, x!);
    },
  }),
  transpose: op({
    summary: 'axis i of y is axis perm[i] of x',
    inputs: ['x'],
    attrs: { perm: 'ints' },
    stages: floatOnly,
    infer([x], { perm }) {
      const sorted = [...perm].sort((a, b) => a - b);
      demand(
        perm.length === x!.shape.length && sorted.every((axis, i) => axis === i),
        `perm ${formatShape(perm)} does not order the axes of ${formatShape(x!.shape)}`,
        'Name every axis once.',
      );
      return inferTo(
        perm.map((axis) => x!.shape[axis]!),
        x!,
      );
    },
  }),
  reverse: op({
    summary: 'x with the order of its elements turned round along axes',
    inputs: ['x'],
    attrs: { axes: 'ints' },
    stages: floatOnly,
    infer([x], { axes }) {
      requireAxes(axes, x!.shape.length);
      return inferFirst([x!]);
    },
  }),
  fft: op({
    summary:
      'y[k] = sum x[i] exp(-2 pi j i k / n) along axis -2; the last axis is [real, imaginary]; inverse: +, and / n',
    inputs: ['x'],
    attrs: { inverse: 'bool' },
    stages: floatOnly,
    infer([x]) {
      demand(
        x!.shape.length >= 2 && x!.shape.at(-1) === 2,
        `x has shape ${formatShape(x!.shape)}, expected [..., n, 2]`,
        'The last axis holds the real and the imaginary part.',
      );
      return inferFirst([x!]);
    },
  }),
  equal: op({
    summary: '1 where a = b, else 0',
    inputs: ['a', 'b'],
    attrs: {},
    stages: floatOnly,
    infer: inferBroadcast,
  }),
  notZero: unary('1 where x is not 0, else 0', floatOnly, {}),
  truncate: unary('x without its fraction: rounded towards 0', floatOnly, {}),
  sub: op({
    summary: 'a - b',
    inputs: ['a', 'b'],
    attrs: {},
    stages: floatOnly,
    infer: inferBroadcast,
  }),
  div: op({
    summary: 'a / b',
    inputs: ['a', 'b'],
    attrs: {},
    stages: floatOnly,
    infer: inferBroadcast,
  }),
  scale: unary('factor * x', floatOnly, { factor: 'float' }),
  rsqrt: unary('1 / sqrt(x + epsilon)', floatOnly, { epsilon: 'float' }),
  leakyRelu: unary('x if x > 0 else alpha x', floatOnly, { alpha: 'float' }),
  elu: unary('x if x > 0 else alpha (exp(x) - 1)', floatOnly, { alpha: 'float' }),
  selu: unary(
    '1.0507009873554805 (x if x > 0 else 1.6732632423543772 (exp(x) - 1))',
    floatOnly,
    {},
  ),
  sigmoid: unary('1 / (1 + exp(-x))', floatOnly, {}),
  tanh: unary('tanh(x)', floatOnly, {}),
  softplus: unary('log(1 + exp(x))', floatOnly, {}),
  softsign: unary('x / (1 + |x|)', floatOnly, {}),
  hardSwish: unary('x min(max(x + 3, 0), 6) / 6', floatOnly, {}),
  gelu: unary('x Phi(x) with Phi(x) = (1 + erf(x / sqrt 2)) / 2', floatOnly, {}),
  dropout: unary(
    'in training x * mask / (1 - rate), else x; noise: the shape of the mask without the batch',
    floatOnly,
    { rate: 'float', noise: 'ints?' },
  ),
} as const;
