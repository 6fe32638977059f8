/**
 * Ops that a device can run: they have an int8 form beside the float one. `clamp` bounds the integer
 * output and stands for a fused activation; it exists from stage int8 on.
 */
import { elements, formatShape } from '../core/shape.js';
import {
  inferBroadcast,
  inferConcat,
  inferConv2d,
  inferDepthwise,
  inferPool2d,
  inferReduce,
  inferTo,
  requireBias,
} from './infer.js';
import {
  demand,
  everywhere,
  integerOnly,
  op,
  poolAttrs,
  requireRank,
  unary,
  windowAttrs,
  windowMacs,
} from './op-spec.js';

export const integerOps = {
  conv2d: op({
    summary: 'y[n,i,j,o] = sum x[n, i*s+u*d-p, j*s+v*d-p, c] w[o,u,v,c] + b[o]',
    inputs: ['x', 'w', 'b?'],
    attrs: { ...windowAttrs, border: 'quad?', clamp: 'range?' },
    loweredAttrs: ['border'],
    stages: everywhere,
    infer: inferConv2d,
    macs: ([, w], y) => windowMacs(elements(w!.shape.slice(1)), y),
  }),
  depthwiseConv2d: op({
    summary: 'y[n,i,j,c*M+m] = sum x[n, i*s+u*d-p, j*s+v*d-p, c] w[0,u,v,c*M+m] + b[c*M+m]',
    inputs: ['x', 'w', 'b?'],
    attrs: { ...windowAttrs, clamp: 'range?' },
    stages: everywhere,
    infer: inferDepthwise,
    macs: ([, w], y) => windowMacs(w!.shape[1]! * w!.shape[2]!, y),
  }),
  dense: op({
    summary: 'y[n,o] = sum x[n,i] w[o,i] + b[o]',
    inputs: ['x', 'w', 'b?'],
    attrs: { clamp: 'range?' },
    stages: everywhere,
    infer([x, w, b]) {
      requireRank('x', x!, 2);
      requireRank('w', w!, 2);
      demand(
        x!.shape[1] === w!.shape[1],
        `weights expect ${w!.shape[1]} inputs, x has ${x!.shape[1]}`,
        'Weights are [out, in].',
      );
      requireBias(b, w!.shape[0]!);
      return { shape: [x!.shape[0]!, w!.shape[0]!], dtype: x!.dtype };
    },
    macs: ([, w], y) => windowMacs(w!.shape[1]!, y),
  }),
  maxPool2d: op({
    summary: 'the maximum of each window; padding never wins',
    inputs: ['x'],
    attrs: { ...poolAttrs, clamp: 'range?' },
    stages: everywhere,
    infer: inferPool2d,
  }),
  avgPool2d: op({
    summary: 'the mean of each window, over the elements inside the image',
    inputs: ['x'],
    attrs: { ...poolAttrs, clamp: 'range?' },
    stages: everywhere,
    infer: inferPool2d,
  }),
  mean: op({
    summary: 'the mean over axes',
    inputs: ['x'],
    attrs: { axes: 'ints', keepDims: 'bool' },
    stages: everywhere,
    infer: inferReduce,
  }),
  add: op({
    summary: 'a + b',
    inputs: ['a', 'b'],
    attrs: { clamp: 'range?' },
    stages: everywhere,
    infer: inferBroadcast,
  }),
  mul: op({
    summary: 'a * b',
    inputs: ['a', 'b'],
    attrs: { clamp: 'range?' },
    stages: everywhere,
    infer: inferBroadcast,
  }),
  relu: unary('max(x, 0)', everywhere, {}),
  relu6: unary('min(max(x, 0), 6)', everywhere, {}),
  softmax: unary('exp(x - max) / sum exp(x - max), over the last axis', everywhere, {}),
  reshape: op({
    summary: 'the same elements as [N, ...shape]; the batch stays',
    inputs: ['x'],
    attrs: { shape: 'ints' },
    stages: everywhere,
    infer([x], { shape }) {
      const target = [x!.shape[0]!, ...shape];
      demand(
        elements(target) === elements(x!.shape),
        `cannot reshape ${formatShape(x!.shape)} to ${formatShape(target)}`,
        'The number of elements must stay the same.',
      );
      return inferTo(target, x!);
    },
  }),
  concat: op({
    summary: 'the inputs one after the other along axis',
    inputs: ['x...'],
    attrs: { axis: 'int', clamp: 'range?' },
    stages: everywhere,
    infer: inferConcat,
  }),
  pad: op({
    summary: 'x inside a border of zeros; padding = [before, after] of axis 0, of axis 1, ...',
    inputs: ['x'],
    attrs: { padding: 'ints' },
    stages: everywhere,
    infer([x], { padding }) {
      demand(
        padding.length === 2 * x!.shape.length && Math.min(...padding) >= 0,
        `padding ${formatShape(padding)} does not fit shape ${formatShape(x!.shape)}`,
        'Give two numbers of 0 or more per axis.',
      );
      return inferTo(
        x!.shape.map((d, i) => d + padding[2 * i]! + padding[2 * i + 1]!),
        x!,
      );
    },
  }),
  requantize: op({
    summary: 'the same real numbers with another scale and zero point, in 8 or 16 bits if asked',
    inputs: ['x'],
    attrs: { bits: 'int?' },
    stages: integerOnly,
    infer([x], { bits }) {
      demand(
        bits === undefined || bits === 8 || bits === 16,
        `a requantize to ${bits} bits`,
        'Integers of activations have 8 or 16 bits.',
      );
      return { shape: x!.shape, dtype: bits === undefined ? x!.dtype : bits === 8 ? 's8' : 's16' };
    },
  }),
} as const;
