/**
 * Depthwise convolutions and pools: the rules of kernels/wgsl/depthwise.wgsl and pool.wgsl.
 */
import { f32, type PoolKernel } from '../kernels/kernel-call.js';
import {
  chunksOf,
  combine,
  type GpuRule,
  none,
  type Shader,
  shardCount,
  simple,
  threads,
} from './dispatch.js';
import { type Window, windowOf } from './gemm.js';

const depthwise = (entry: string): Shader => ({
  files: ['shards', 'window', 'depthwise'],
  code: '',
  entry,
});

const imageElements = (q: Window): number => q.images * q.pixels * q.c;
const resultElements = (q: Window): number => q.images * q.windows * q.oc;

export const depthwiseConv2d: GpuRule = (params) => {
  const q = windowOf(params);
  const n = resultElements(q);
  return simple(({ inputs: [x, w, bias], output }) => [
    {
      shader: depthwise('forward'),
      params: [...q.words, n, 1, output, x!, w!, bias ?? none, none],
      groups: threads(n),
    },
  ]);
};

export const depthwiseConv2dGradInput: GpuRule = (params) => {
  const q = windowOf(params);
  const n = imageElements(q);
  return simple(({ inputs: [dy, w], output }) => [
    {
      shader: depthwise('grad_input'),
      params: [...q.words, n, 1, output, none, w!, none, dy!],
      groups: threads(n),
    },
  ]);
};

export const depthwiseConv2dGradWeights: GpuRule = (params) => {
  const q = windowOf(params);
  const n = q.taps * q.oc;
  const chunks = chunksOf(n, (q.images * q.windows) / shardCount, { workers: 65_536, least: 16 });
  const parts = shardCount * chunks;
  return {
    scratch: parts * n,
    dispatches: ({ inputs: [x, dy], output, scratch }) => [
      {
        shader: depthwise('grad_weights'),
        params: [...q.words, n, chunks, scratch, x!, none, none, dy!],
        groups: threads(parts * n),
      },
      combine({ outputs: n, parts, count: f32(1) }, scratch, output),
    ],
  };
};

/** A pool, with operands (x), or the gradient of one, with operands (x, dy) or (dy). */
function pool(
  entry: PoolKernel,
  elementsOf: (q: Window) => number,
  operands: readonly ('x' | 'dy')[],
): GpuRule {
  return (params) => {
    const q = windowOf(params);
    const n = elementsOf(q);
    return simple(({ inputs, output }) => {
      const place = (name: 'x' | 'dy'): number => inputs[operands.indexOf(name)] ?? none;
      return [
        {
          shader: { files: ['window', 'pool'], code: '', entry },
          params: [...q.words, n, f32(-Infinity), output, place('x'), place('dy')],
          groups: threads(n),
        },
      ];
    });
  };
}

export const pools = {
  max_pool2d: pool('max_pool2d', resultElements, ['x']),
  avg_pool2d: pool('avg_pool2d', resultElements, ['x']),
  max_pool2d_grad: pool('max_pool2d_grad', imageElements, ['x', 'dy']),
  avg_pool2d_grad: pool('avg_pool2d_grad', imageElements, ['dy']),
} satisfies { readonly [K in PoolKernel]: GpuRule };
