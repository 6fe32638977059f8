/**
 * The kernel table of the WASM engine: for every op, the kernels that compute it.
 *
 * Parameter structs are lists of 32-bit words in the order of the C struct that the kernel's
 * header declares.
 */
import { UnsupportedError } from '../../core/errors.js';
import { elements } from '../../core/shape.js';
import type { Value } from '../../ir/graph.js';
import type { OpName } from '../../ir/ops.js';
import {
  alias,
  type FakeKernel,
  f32,
  type KernelCall,
  type KernelPlan,
  type KernelRule,
  type MapKernel,
  operand,
  optional,
  output,
  type Site,
  scratch,
  type TableKernel,
} from './kernel-call.js';
import {
  argExtreme,
  binary,
  broadcastTo,
  concat,
  extreme,
  fft,
  pad,
  reduce,
  reverse,
  slice,
  transpose,
} from './strided.js';
import * as windows from './window.js';

/** An element-by-element kernel (`enn_f32_map`); the first `same` operands have the output's shape. */
function map(kernel: MapKernel, { inputs, output: y }: Operands, factor = 0, same = inputs.length) {
  const args = [...inputs.map((_, i) => operand(i)), output()];
  return {
    calls: [{ kernel, params: [elements(y.shape), f32(factor)], args }],
    inPlace: Array.from({ length: same }, (_, i) => i),
  };
}

interface Operands {
  readonly inputs: readonly Value[];
  readonly output: Value;
}

/** `enn_f32_matmul`: y[m][n] = a[m][k] b[k][n] + bias[n] */
interface Product {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

function product(p: Product, inputs: readonly Value[], count = 1): KernelPlan {
  const { m, k, n, transposeA, transposeB } = p;
  const a = transposeA ? [1, m] : [k, 1];
  const b = transposeB ? [1, k] : [n, 1];
  // With a transposed and b not, k is the first axis of both: the batch, in a weight gradient.
  const sharded = transposeA && !transposeB && inputs[0]!.shape.length === 2 ? 1 : 0;
  const params = [m, k, n, ...a, ...b, sharded];
  const call = (i: number): KernelCall => ({
    kernel: 'matmul',
    params,
    args: [
      operand(0, i * m * k),
      operand(1, i * k * n),
      optional(inputs, 2),
      scratch,
      output(i * m * n),
    ],
    scratch: 'matmul_scratch',
  });
  return { calls: Array.from({ length: count }, (_, i) => call(i)) };
}

function dense({ inputs }: Site<'dense'>): KernelPlan {
  const [m, k] = inputs[0]!.shape;
  const n = inputs[1]!.shape[0]!;
  return product({ m: m!, k: k!, n, transposeA: false, transposeB: true }, inputs);
}

function matmul({ inputs, output: y, attrs }: Site<'matmul'>): KernelPlan {
  const [m, n] = y.shape.slice(-2);
  const k = inputs[0]!.shape.at(attrs.transposeA ? -2 : -1)!;
  return product({ m: m!, k, n: n!, ...attrs }, inputs, elements(y.shape.slice(0, -2)));
}

function batchNorm({ inputs, output: y, attrs }: Site<'batchNorm'>): KernelPlan {
  const channels = y.shape.at(-1)!;
  const params = [elements(y.shape) / channels, channels, f32(attrs.epsilon)];
  const args = [...inputs.map((_, i) => operand(i)), output()];
  return { calls: [{ kernel: 'batch_norm', params, args }], inPlace: [0] };
}

/** Fake quantization (kernels/c/enn_f32_fake.h): one scale, or one for each index of an axis. */
function fake(
  kernel: FakeKernel,
  { inputs, output: y }: Operands,
  axis: number | undefined,
): KernelPlan {
  const args = [...inputs.map((_, i) => operand(i)), output()];
  const n = elements(y.shape);
  const inPlace = [0, 3].filter((i) => i < inputs.length);
  if (axis === undefined) return { calls: [{ kernel, params: [n, f32(0)], args }], inPlace };
  const params = [n, elements(y.shape.slice(axis + 1)), y.shape[axis]!];
  return { calls: [{ kernel: `${kernel}_axis`, params, args }], inPlace };
}

function dropoutMask({ output: y, attrs }: Site<'dropoutMask'>): KernelPlan {
  const kept = 1 / (1 - attrs.rate);
  const params = [elements(y.shape), f32(attrs.rate), f32(kept), attrs.stream];
  return { calls: [{ kernel: 'dropout_mask', params, args: [operand(1), output()] }] };
}

/** A kernel over rows (`enn_f32_table`): all dimensions but the last, or the batch. */
interface Rows {
  readonly rows: number;
  /** What a sum is divided by. */
  readonly count?: number;
  readonly inPlace?: readonly number[];
  readonly scratch?: string;
}

function table(kernel: TableKernel, { inputs }: Operands, options: Rows): KernelPlan {
  const { rows, count = 1, inPlace = [], scratch: size } = options;
  const params = [rows, elements(inputs[0]!.shape) / rows, f32(count)];
  const args = [...inputs.map((_, i) => operand(i)), ...(size ? [scratch] : []), output()];
  return { calls: [{ kernel, params, args, ...(size && { scratch: size }) }], inPlace };
}

const lastAxisRows = ({ output: y }: Operands): number => elements(y.shape) / y.shape.at(-1)!;
const batchOf = ({ inputs }: Operands): number => inputs[0]!.shape[0] ?? 1;
const sizeOf = ({ inputs }: Operands): number => elements(inputs[0]!.shape);

function integerOnly({ output: y }: Operands): never {
  throw new UnsupportedError(`%${y.id}: requantize exists in integer graphs only`, {
    hint: 'Run integer graphs with the integer interpreter (createOracle).',
    where: `%${y.id}`,
  });
}

const rules = {
  conv2d: windows.conv2d,
  depthwiseConv2d: windows.depthwiseConv2d,
  dense,
  batchNorm,
  maxPool2d: windows.maxPool2d,
  avgPool2d: windows.avgPool2d,
  mean: ({ inputs, output: y, attrs }) => reduce('mean', inputs, y, attrs.axes),
  sum: ({ inputs, output: y, attrs }) => reduce('sum', inputs, y, attrs.axes),
  variance: ({ inputs, output: y, attrs }) => reduce('variance', inputs, y, attrs.axes),
  max: ({ inputs, output: y, attrs }) => extreme('max_over', inputs, y, attrs.axes),
  min: ({ inputs, output: y, attrs }) => extreme('min_over', inputs, y, attrs.axes),
  argMax: ({ inputs, attrs }) => argExtreme('arg_max', inputs, attrs.axis),
  argMin: ({ inputs, attrs }) => argExtreme('arg_min', inputs, attrs.axis),
  fft,
  add: ({ inputs, output: y }) => binary('add', inputs, y),
  sub: ({ inputs, output: y }) => binary('sub', inputs, y),
  mul: ({ inputs, output: y }) => binary('mul', inputs, y),
  div: ({ inputs, output: y }) => binary('div', inputs, y),
  equal: ({ inputs, output: y }) => binary('equal', inputs, y),
  notZero: (site) => map('not_zero', site),
  truncate: (site) => map('truncate', site),
  hardSwish: (site) => map('hard_swish', site),
  gelu: (site) => map('gelu', site),
  scale: (site) => map('scale', site, site.attrs.factor),
  rsqrt: (site) => map('rsqrt', site, site.attrs.epsilon),
  relu: (site) => map('relu', site),
  relu6: (site) => map('relu6', site),
  leakyRelu: (site) => map('leaky_relu', site, site.attrs.alpha),
  elu: (site) => map('elu', site, site.attrs.alpha),
  selu: (site) => map('selu', site),
  sigmoid: (site) => map('sigmoid', site),
  tanh: (site) => map('tanh', site),
  softplus: (site) => map('softplus', site),
  softsign: (site) => map('softsign', site),
  softmax: (site) => table('softmax', site, { rows: lastAxisRows(site), inPlace: [0] }),
  reshape: () => alias,
  concat,
  pad,
  slice,
  transpose,
  reverse,
  broadcastTo,
  requantize: integerOnly,
  dropout: () => alias,
  dropoutMask,
  softmaxCrossEntropy: (site) =>
    table('softmax_cross_entropy', site, {
      rows: batchOf(site),
      count: batchOf(site),
      scratch: 'softmax_cross_entropy_scratch',
    }),
  softCrossEntropy: (site) =>
    table('soft_cross_entropy', site, {
      rows: batchOf(site),
      count: batchOf(site),
      scratch: 'soft_cross_entropy_scratch',
    }),
  sigmoidCrossEntropy: (site) =>
    table('sigmoid_cross_entropy', site, { rows: batchOf(site), count: sizeOf(site) }),
  meanSquares: (site) => table('squares', site, { rows: batchOf(site), count: sizeOf(site) }),
  sumSquares: (site) => table('squares', site, { rows: batchOf(site) }),
  matmul,
  conv2dGradInput: windows.conv2dGradInput,
  conv2dGradWeights: windows.conv2dGradWeights,
  depthwiseConv2dGradInput: windows.depthwiseConv2dGradInput,
  depthwiseConv2dGradWeights: windows.depthwiseConv2dGradWeights,
  maxPool2dGrad: windows.maxPool2dGrad,
  avgPool2dGrad: windows.avgPool2dGrad,
  reluGrad: (site) => map('relu_grad', site),
  relu6Grad: (site) => map('relu6_grad', site),
  leakyReluGrad: (site) => map('leaky_relu_grad', site, site.attrs.alpha),
  eluGrad: (site) => map('elu_grad', site, site.attrs.alpha),
  seluGrad: (site) => map('selu_grad', site),
  sigmoidGrad: (site) => map('sigmoid_grad', site),
  tanhGrad: (site) => map('tanh_grad', site),
  softplusGrad: (site) => map('softplus_grad', site),
  softsignGrad: (site) => map('softsign_grad', site),
  hardSwishGrad: (site) => map('hard_swish_grad', site),
  geluGrad: (site) => map('gelu_grad', site),
  softmaxGrad: (site) => table('softmax_grad', site, { rows: lastAxisRows(site), inPlace: [0, 1] }),
  softmaxCrossEntropyGrad: (site) =>
    table('softmax_cross_entropy_grad', site, {
      rows: batchOf(site),
      count: batchOf(site),
      inPlace: [0],
    }),
  softCrossEntropyGrad: (site) =>
    table('soft_cross_entropy_grad', site, {
      rows: batchOf(site),
      count: batchOf(site),
      inPlace: [0],
    }),
  sigmoidCrossEntropyGrad: (site) =>
    table('sigmoid_cross_entropy_grad', site, {
      rows: batchOf(site),
      count: sizeOf(site),
      inPlace: [0, 1],
    }),
  fakeQuantize: (site) => fake('fake_quantize', site, site.attrs.axis),
  fakeQuantizeGrad: (site) => fake('fake_quantize_grad', site, site.attrs.axis),
  fakeQuantizeSlope: (site) => fake('fake_quantize_slope', site, site.attrs.axis),
  gradientScale: () => alias,
  scaleAdd: (site) => map('scale_add', site, site.attrs.factor),
  ema: (site) => map('ema', site, site.attrs.decay),
  descend: (site) => map('descend', site, 0, 2),
  adaptiveDescend: (site) => map('adaptive_descend', site, site.attrs.epsilon, 3),
} satisfies { readonly [O in OpName]: KernelRule<O> };

/** The rule of an op, for code that serves every op. */
export const kernelRule = (op: OpName): KernelRule<OpName> =>
  rules[op] as unknown as KernelRule<OpName>;
