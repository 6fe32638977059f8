/**
 * Ops of float networks that have no int8 form.
 */
import { inferBroadcast, inferFirst, inferReduce, requireBias } from './infer.js';
import { floatOnly, op, unary } from './op-spec.js';

export const floatOps = {
  batchNorm: op({
    summary: 'y = gamma (x - mean) / sqrt(variance + epsilon) + beta, per channel (last axis)',
    inputs: ['x', 'gamma', 'beta', 'mean', 'variance'],
    attrs: { epsilon: 'float' },
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
  dropout: unary('in training x * mask / (1 - rate), else x', ['float'], { rate: 'float' }),
} as const;
