/**
 * Convolutions and pools: the parameter struct `enn_f32_window` (kernels/c/enn_f32_window.h).
 */
import type { Padding2d, Pair, Shape } from '../../core/shape.js';
import { convolution } from './conv-path.js';
import {
  type KernelPlan,
  operand,
  optional,
  output,
  type PoolKernel,
  type Site,
  scratch,
} from './kernel-call.js';

type Shape4 = readonly [number, number, number, number];

interface Window {
  readonly x: Shape;
  readonly y: Shape;
  readonly kernel: Pair;
  readonly attrs: { readonly stride: Pair; readonly pad: Padding2d; readonly dilation?: Pair };
}

function windowParams({ x, y, kernel, attrs }: Window): readonly number[] {
  const [n, h, w, c] = x as Shape4;
  const [, oh, ow, oc] = y as Shape4;
  const { stride, pad, dilation = [1, 1] } = attrs;
  return [n, h, w, c, oh, ow, oc, ...kernel, ...stride, pad[0], pad[2], ...dilation];
}

const kernelOf = (weights: Shape): Pair => [weights[1]!, weights[2]!];

export function conv2d({ inputs, output: y, attrs }: Site<'conv2d'>): KernelPlan {
  const [x, w] = inputs;
  const params = windowParams({ x: x!.shape, y: y.shape, kernel: kernelOf(w!.shape), attrs });
  const args = [operand(0), operand(1), optional(inputs, 2), scratch, output()];
  return { calls: [{ ...convolution('conv2d', params), args }] };
}

export function conv2dGradInput(site: Site<'conv2dGradInput'>): KernelPlan {
  const { inputs, output: dx, attrs } = site;
  const [dy, w] = inputs;
  const params = windowParams({ x: dx.shape, y: dy!.shape, kernel: kernelOf(w!.shape), attrs });
  const args = [operand(0), operand(1), scratch, output()];
  return { calls: [{ ...convolution('conv2d_grad_input', params), args }] };
}

export function conv2dGradWeights(site: Site<'conv2dGradWeights'>): KernelPlan {
  const { inputs, attrs } = site;
  const [x, dy] = inputs;
  const params = windowParams({ x: x!.shape, y: dy!.shape, kernel: attrs.kernel, attrs });
  const args = [operand(0), operand(1), scratch, output()];
  return { calls: [{ ...convolution('conv2d_grad_weights', params), args }] };
}

export function depthwiseConv2d({ inputs, output: y, attrs }: Site<'depthwiseConv2d'>): KernelPlan {
  const [x, w] = inputs;
  const params = windowParams({ x: x!.shape, y: y.shape, kernel: kernelOf(w!.shape), attrs });
  const args = [operand(0), operand(1), optional(inputs, 2), scratch, output()];
  const kernel = 'depthwise_conv2d';
  return { calls: [{ kernel, params, args, scratch: `${kernel}_scratch` }] };
}

export function depthwiseConv2dGradInput(site: Site<'depthwiseConv2dGradInput'>): KernelPlan {
  const { inputs, output: dx, attrs } = site;
  const [dy, w] = inputs;
  const params = windowParams({ x: dx.shape, y: dy!.shape, kernel: kernelOf(w!.shape), attrs });
  const args = [operand(0), operand(1), scratch, output()];
  const kernel = 'depthwise_conv2d_grad_input';
  return { calls: [{ kernel, params, args, scratch: `${kernel}_scratch` }] };
}

export function depthwiseConv2dGradWeights(site: Site<'depthwiseConv2dGradWeights'>): KernelPlan {
  const { inputs, attrs } = site;
  const [x, dy] = inputs;
  const params = windowParams({ x: x!.shape, y: dy!.shape, kernel: attrs.kernel, attrs });
  const args = [operand(0), operand(1), scratch, output()];
  const kernel = 'depthwise_conv2d_grad_weights';
  return { calls: [{ kernel, params, args, scratch: `${kernel}_scratch` }] };
}

/** A pool or its gradient; `image` is the shape of x, `windows` that of y. */
function pool(
  kernel: PoolKernel,
  image: Shape,
  windows: Shape,
  attrs: { readonly size: Pair; readonly stride: Pair; readonly pad: Padding2d },
  operands: number,
): KernelPlan {
  const params = windowParams({ x: image, y: windows, kernel: attrs.size, attrs });
  const args = [...Array.from({ length: operands }, (_, i) => operand(i)), output()];
  return { calls: [{ kernel, params, args }] };
}

export const maxPool2d = ({ inputs, output: y, attrs }: Site<'maxPool2d'>): KernelPlan =>
  pool('max_pool2d', inputs[0]!.shape, y.shape, attrs, 1);

export const avgPool2d = ({ inputs, output: y, attrs }: Site<'avgPool2d'>): KernelPlan =>
  pool('avg_pool2d', inputs[0]!.shape, y.shape, attrs, 1);

export const maxPool2dGrad = ({ inputs, attrs }: Site<'maxPool2dGrad'>): KernelPlan =>
  pool('max_pool2d_grad', inputs[0]!.shape, inputs[1]!.shape, attrs, 2);

export const avgPool2dGrad = ({ inputs, attrs }: Site<'avgPool2dGrad'>): KernelPlan =>
  pool('avg_pool2d_grad', attrs.inputShape, inputs[0]!.shape, attrs, 1);
