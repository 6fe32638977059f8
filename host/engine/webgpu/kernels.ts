/**
 * The kernel table of the WebGPU engine: for every kernel of the engines, the WGSL shaders that
 * compute it.
 */
import {
  type FakeKernel,
  f32,
  type KernelName,
  type MapKernel,
  type TableKernel,
} from '../kernels/kernel-call.js';
import {
  combine,
  type GpuRule,
  none,
  type Places,
  type Shader,
  simple,
  threads,
} from './dispatch.js';
import { conv2d, conv2dGradInput, conv2dGradWeights, matmul } from './gemm.js';
import { argExtremes, binaries, copy, extremes, fft, reductions } from './strided.js';
import {
  depthwiseConv2d,
  depthwiseConv2dGradInput,
  depthwiseConv2dGradWeights,
  pools,
} from './window.js';

/** A function of map.wgsl with so many operands of the output's shape, then scalars. */
function map(
  kernel: MapKernel | 'zero' | 'sigmoid_cross_entropy_grad',
  arrays: number,
  scalars = 0,
): GpuRule {
  const args = [
    ...Array.from({ length: arrays }, (_, i) => `load(p.x[${i}] + i)`),
    ...Array.from({ length: scalars }, (_, i) => `load(p.x[${arrays + i}])`),
  ];
  const code = `fn apply(i: u32) -> f32 { return ${kernel}(${args.join(', ')}); }`;
  const shader = { files: ['math', 'map'], code, entry: 'main' };
  return ([n, factor]) =>
    simple(({ inputs, output }) => {
      const places = Array.from({ length: 4 }, (_, i) => inputs[i] ?? none);
      return [{ shader, params: [n!, factor!, output, ...places], groups: threads(n!) }];
    });
}

/** `enn_f32_fake`, or `enn_f32_map` with one scale. */
function fake(kernel: FakeKernel): GpuRule {
  const of = 'v: f32, s: f32, low: f32, high: f32, i: u32';
  const code = `fn apply(${of}) -> f32 { return ${kernel}(v, s, low, high, i); }`;
  const shader = { files: ['fake'], code, entry: 'main' };
  return (params) => {
    const [n, inner, channels] = params.length === 3 ? params : [params[0]!, params[0]!, 1];
    return simple(({ inputs: [x, scale, limits, dy = none], output }) => [
      {
        shader,
        params: [n!, inner!, channels!, output, x!, scale!, limits!, dy],
        groups: threads(n!),
      },
    ]);
  };
}

/** `enn_f32_norm` */
const batchNorm: GpuRule = ([rows, channels, epsilon]) =>
  simple(({ inputs, output }) => [
    {
      shader: { files: ['norm'], code: '', entry: 'main' },
      params: [rows! * channels!, channels!, epsilon!, output, ...inputs.map((at) => at ?? none)],
      groups: threads(rows! * channels!),
    },
  ]);

/** `enn_f32_dropout`; a thread draws four elements. */
const dropoutMask: GpuRule = ([n, rate, kept, stream]) =>
  simple(({ inputs: [key], output }) => [
    {
      shader: { files: ['random'], code: '', entry: 'dropout_mask' },
      params: [n!, rate!, kept!, stream!, output, key!],
      groups: threads(Math.ceil(n! / 4)),
    },
  ]);

const rowsShader = (entry: TableKernel): Shader => ({
  files: ['math', 'rows'],
  code: '',
  entry,
});

/** The struct `Params` of rows.wgsl. */
const rowsParams = ([rows, columns, count]: readonly number[], { inputs }: Places, y: number) => [
  ...[rows!, columns!, count!, f32(Number.NaN), y],
  ...[inputs[0]!, inputs[1] ?? none, inputs[2] ?? none],
];

/** A function of every row of a table (`enn_f32_table`). */
const table =
  (entry: TableKernel): GpuRule =>
  (params) =>
    simple((at) => [
      {
        shader: rowsShader(entry),
        params: rowsParams(params, at, at.output),
        groups: threads(params[0]!),
      },
    ]);

/** A loss: one number a row, then their sum in shards of the batch. */
const loss =
  (entry: TableKernel): GpuRule =>
  (params) => {
    const [rows, , count] = params;
    return {
      scratch: rows!,
      dispatches: (at) => [
        {
          shader: rowsShader(entry),
          params: rowsParams(params, at, at.scratch),
          groups: threads(rows!),
        },
        combine({ outputs: 1, parts: rows!, count: count! }, at.scratch, at.output),
      ],
    };
  };

/** dloss / count times a function of every element. */
const elementLossGrad: GpuRule = ([rows, columns, count]) =>
  map('sigmoid_cross_entropy_grad', 2, 1)([rows! * columns!, count!]);

const maps = {
  scale: map('scale', 1),
  rsqrt: map('rsqrt', 1),
  not_zero: map('not_zero', 1),
  truncate: map('truncate', 1),
  relu: map('relu', 1),
  relu6: map('relu6', 1),
  leaky_relu: map('leaky_relu', 1),
  elu: map('elu', 1),
  selu: map('selu', 1),
  sigmoid: map('sigmoid', 1),
  tanh: map('tanh', 1),
  softplus: map('softplus', 1),
  softsign: map('softsign', 1),
  hard_swish: map('hard_swish', 1),
  gelu: map('gelu', 1),
  relu_grad: map('relu_grad', 2),
  relu6_grad: map('relu6_grad', 2),
  leaky_relu_grad: map('leaky_relu_grad', 2),
  elu_grad: map('elu_grad', 2),
  selu_grad: map('selu_grad', 2),
  sigmoid_grad: map('sigmoid_grad', 2),
  tanh_grad: map('tanh_grad', 2),
  softplus_grad: map('softplus_grad', 2),
  softsign_grad: map('softsign_grad', 2),
  hard_swish_grad: map('hard_swish_grad', 2),
  gelu_grad: map('gelu_grad', 2),
  scale_add: map('scale_add', 2),
  ema: map('ema', 2),
  descend: map('descend', 2, 1),
  adaptive_descend: map('adaptive_descend', 3, 1),
  fake_quantize: fake('fake_quantize'),
  fake_quantize_grad: fake('fake_quantize_grad'),
  fake_quantize_slope: fake('fake_quantize_slope'),
} satisfies { readonly [K in MapKernel]: GpuRule };

const tables = {
  softmax: table('softmax'),
  softmax_grad: table('softmax_grad'),
  softmax_cross_entropy: loss('softmax_cross_entropy'),
  softmax_cross_entropy_grad: table('softmax_cross_entropy_grad'),
  soft_cross_entropy: loss('soft_cross_entropy'),
  soft_cross_entropy_grad: table('soft_cross_entropy_grad'),
  sigmoid_cross_entropy: loss('sigmoid_cross_entropy'),
  sigmoid_cross_entropy_grad: elementLossGrad,
  squares: loss('squares'),
} satisfies { readonly [K in TableKernel]: GpuRule };

/** How the GPU computes a kernel; a kernel without a rule does not compile. */
export const gpuRules = {
  ...maps,
  ...tables,
  ...binaries,
  ...reductions,
  ...extremes,
  ...argExtremes,
  ...pools,
  conv2d,
  conv2d_grad_input: conv2dGradInput,
  conv2d_grad_weights: conv2dGradWeights,
  // Their parameters begin with those of the direct kernels, and a GPU multiplies fast.
  conv2d_fft: conv2d,
  conv2d_grad_input_fft: conv2dGradInput,
  conv2d_grad_weights_fft: conv2dGradWeights,
  conv2d_winograd: conv2d,
  conv2d_grad_input_winograd: conv2dGradInput,
  conv2d_grad_weights_winograd: conv2dGradWeights,
  matmul,
  depthwise_conv2d: depthwiseConv2d,
  depthwise_conv2d_grad_input: depthwiseConv2dGradInput,
  depthwise_conv2d_grad_weights: depthwiseConv2dGradWeights,
  copy,
  zero: map('zero', 0),
  fft,
  batch_norm: batchNorm,
  dropout_mask: dropoutMask,
  fake_quantize_axis: fake('fake_quantize'),
  fake_quantize_grad_axis: fake('fake_quantize_grad'),
  fake_quantize_slope_axis: fake('fake_quantize_slope'),
} satisfies { readonly [K in KernelName]: GpuRule };
