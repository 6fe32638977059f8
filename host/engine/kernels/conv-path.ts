/**
 * Which algorithm computes a convolution: direct; by the convolution theorem
 * (kernels/c/enn_f32_conv_fft.h), which is faster for large kernels; or, for 3x3 kernels, with
 * fewer multiplications (kernels/c/enn_f32_conv_winograd.h).
 *
 * The choice depends on the shapes alone, by models of the time whose constants were measured
 * (`npm run bench:conv`, kernels/README.md), so that the same graph gives the same bytes on every
 * machine. EDGE_NN_CONV=direct, fft or winograd overrides it, to measure or to compare; winograd
 * where the kernel is 3x3, the others stay direct.
 */
import { nextLength, planeParams } from './fft-tables.js';
import type { KernelCall } from './kernel-call.js';

export type ConvKernel = 'conv2d' | 'conv2d_grad_input' | 'conv2d_grad_weights';

/** The words of `enn_f32_window`, by name. */
interface Geometry {
  readonly n: number;
  readonly c: number;
  readonly oc: number;
  /** Outputs and taps of one channel. */
  readonly outputs: number;
  readonly taps: number;
  /** Lengths of the transforms. */
  readonly rows: number;
  readonly columns: number;
}

function geometryOf(window: readonly number[]): Geometry {
  const [n, h, w, c, oh, ow, oc, kh, kw, sh, sw, pt, pl, dh, dw] = window as Tuple15;
  const length = (size: number, out: number, kernel: number, at: readonly [number, number]) =>
    nextLength(Math.max(size + at[1], (out - 1) * at[0] + kernel));
  return {
    ...{ n, c, oc, outputs: oh * ow, taps: kh * kw },
    rows: length(h, oh, (kh - 1) * dh + 1, [sh, pt]),
    columns: length(w, ow, (kw - 1) * dw + 1, [sw, pl]),
  };
}

type Tuple15 = readonly [number, number, number, number, number, number, number, ...Tuple8];
type Tuple8 = readonly [number, number, number, number, number, number, number, number];

/** Channels that a direct kernel computes at once; fewer cost as much. */
const panel = 8;
const filled = (channels: number): number => Math.ceil(channels / panel) * panel;

/** The direct kernel, in multiplications. */
function directCost(kernel: ConvKernel, { n, c, oc, outputs, taps }: Geometry): number {
  // The input's gradient adds what it computed to the image in a second pass.
  const perWindow =
    kernel === 'conv2d_grad_input' ? filled(taps * c) * (oc + panel) : taps * c * filled(oc);
  return n * outputs * perWindow;
}

/** Multiplications of the direct kernel in the time of one number in one pass of a transform ... */
const transformCost = 8;
/** ... and of one product of two spectra. */
const productCost = 4;
/** Only a clear gain is worth another rounding, and direct kernels on wider vectors are faster. */
const margin = 2;
/** Smaller kernels are what the direct kernels are tuned for, on every engine. */
const fewestTaps = 49;
/** Above this, in bytes, the spectra of the filters leave the caches and the memory. */
const mostScratch = 2 ** 28;

const half = (channels: number): number => Math.ceil(channels / 2);

/** Transforms of one plane, and products of two planes. */
function work(
  kernel: ConvKernel,
  { n, c, oc }: Geometry,
): { transforms: number; products: number } {
  if (kernel === 'conv2d_grad_weights') {
    const pairs = half(c);
    return { transforms: n * (half(oc) + pairs) + oc * pairs, products: n * oc * pairs };
  }
  const [from, to] = kernel === 'conv2d' ? [c, half(oc)] : [oc, half(c)];
  return { transforms: n * (half(from) + to) + from * to, products: n * from * to };
}

/** The transforms' way, in multiplications of the direct kernel. */
function fftCost(kernel: ConvKernel, geometry: Geometry): number {
  const size = geometry.rows * geometry.columns;
  const { transforms, products } = work(kernel, geometry);
  return size * (transforms * transformCost * Math.log2(size) + products * productCost);
}

/** Parts of a batch, which have their own sums and spectra. */
const shards = 8;

function scratchBytes(kernel: ConvKernel, { c, oc, rows, columns }: Geometry): number {
  const levels = kernel === 'conv2d_grad_weights' ? shards : 1;
  const spectra = (half(Math.min(c, oc)) + 1) * Math.max(c, oc) * levels;
  return 8 * rows * columns * (spectra + shards * (Math.max(c, oc) + 2));
}

function transformsAreFaster(kernel: ConvKernel, geometry: Geometry): boolean {
  return (
    geometry.taps >= fewestTaps &&
    scratchBytes(kernel, geometry) <= mostScratch &&
    margin * fftCost(kernel, geometry) < directCost(kernel, geometry)
  );
}

/** ENN_WINOGRAD_CHANNELS: both numbers of channels are multiples of it. */
const winogradChannels = 16;
/** With fewer tiles, transforming the weights takes longer than it saves. */
const fewestTiles = 128;
/** Above this, sums of every place and shard would take more memory than the activations do. */
const mostWeights = 2 ** 16;

/** 3x3, stride and dilation 1, whole vectors of channels. */
function hasTiles(window: readonly number[]): boolean {
  const [, , , c, , , oc, kh, kw, sh, sw, pt, pl, dh, dw] = window as Tuple15;
  const isPlain = [sh, sw, dh, dw].every((one) => one === 1);
  return kh === 3 && kw === 3 && isPlain && pt <= 2 && pl <= 2 && (c | oc) % winogradChannels === 0;
}

function tilesAreFaster(window: readonly number[]): boolean {
  const [n, , , c, oh, ow, oc] = window as Tuple15;
  const tiles = n * Math.ceil(oh / 2) * Math.ceil(ow / 2);
  return hasTiles(window) && tiles >= fewestTiles && c * oc <= mostWeights;
}

type Path = 'direct' | 'fft' | 'winograd';

function pathOf(kernel: ConvKernel, window: readonly number[], geometry: Geometry): Path {
  const forced = process.env.EDGE_NN_CONV;
  if (forced === 'direct' || forced === 'fft') return forced;
  if (forced === 'winograd') return hasTiles(window) ? 'winograd' : 'direct';
  if (transformsAreFaster(kernel, geometry)) return 'fft';
  return tilesAreFaster(window) ? 'winograd' : 'direct';
}

/** The kernel and parameters of a convolution with the words of `enn_f32_window`. */
export function convolution(
  kernel: ConvKernel,
  window: readonly number[],
): Pick<KernelCall, 'kernel' | 'params' | 'scratch'> {
  const geometry = geometryOf(window);
  switch (pathOf(kernel, window, geometry)) {
    case 'direct':
      return { kernel, params: window, scratch: `${kernel}_scratch` };
    case 'winograd':
      return {
        kernel: `${kernel}_winograd`,
        params: window,
        scratch: `${kernel}_winograd_scratch`,
      };
    case 'fft':
      return {
        kernel: `${kernel}_fft`,
        params: [...window, ...planeParams(geometry.rows, geometry.columns)],
        scratch: `${kernel}_fft_scratch`,
      };
  }
}
