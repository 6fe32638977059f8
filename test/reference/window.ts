/**
 * Convolutions and pools in float64: every window visited, every tap inside the image visited.
 */
import type { Padding2d, Pair, Shape } from '../../host/core/shape.js';
import { zeros } from './tensor.js';

export interface Window {
  /** [N, H, W, C] */
  readonly x: Shape;
  /** [N, OH, OW, OC] */
  readonly y: Shape;
  readonly kernel: Pair;
  readonly attrs: { readonly stride: Pair; readonly pad: Padding2d; readonly dilation?: Pair };
}

/** One tap of one window that lies inside the image; offsets are those of channel 0. */
export interface Tap {
  readonly x: number;
  readonly y: number;
  /** u * KW + v */
  readonly w: number;
}

type Shape4 = readonly [number, number, number, number];

/** Calls `visit` for every window, with its taps inside the image in ascending (u, v). */
function eachWindow(window: Window, visit: (taps: readonly Tap[], y: number) => void): void {
  const [batch, height, width, channels] = window.x as Shape4;
  const [, outHeight, outWidth, outChannels] = window.y as Shape4;
  const { stride, pad, dilation = [1, 1] } = window.attrs;
  const [kh, kw] = window.kernel;
  for (let m = 0; m < batch * outHeight * outWidth; m++) {
    const n = Math.floor(m / (outHeight * outWidth));
    const i = Math.floor(m / outWidth) % outHeight;
    const j = m % outWidth;
    const taps: Tap[] = [];
    for (let w = 0; w < kh * kw; w++) {
      const row = i * stride[0] - pad[0] + Math.floor(w / kw) * dilation[0];
      const column = j * stride[1] - pad[2] + (w % kw) * dilation[1];
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      const x = ((n * height + row) * width + column) * channels;
      taps.push({ x, y: m * outChannels, w });
    }
    visit(taps, m * outChannels);
  }
}

/** One multiplication of a convolution: y[y] gets x[x] * w[w]. */
type Product = (y: number, x: number, w: number) => void;

/** All multiplications of conv2d. */
export function eachConvProduct(window: Window, visit: Product): void {
  const channels = window.x[3]!;
  const outChannels = window.y[3]!;
  const area = window.kernel[0] * window.kernel[1];
  eachWindow(window, (taps, y) => {
    for (let o = 0; o < outChannels; o++) {
      for (const tap of taps) {
        for (let c = 0; c < channels; c++) {
          visit(y + o, tap.x + c, (o * area + tap.w) * channels + c);
        }
      }
    }
  });
}

/** All multiplications of depthwiseConv2d. */
export function eachDepthwiseProduct(window: Window, visit: Product): void {
  const outChannels = window.y[3]!;
  const multiplier = outChannels / window.x[3]!;
  eachWindow(window, (taps, y) => {
    for (const tap of taps) {
      for (let o = 0; o < outChannels; o++) {
        visit(y + o, tap.x + Math.floor(o / multiplier), tap.w * outChannels + o);
      }
    }
  });
}

type EachProduct = (window: Window, visit: Product) => void;
type Numbers = Float64Array;

/** y = b + sum of x w */
export function forward(
  each: EachProduct,
  window: Window,
  [x, w, b]: readonly (Numbers | undefined)[],
): Numbers {
  const y = zeros(window.y);
  const channels = window.y[3]!;
  if (b) for (let i = 0; i < y.length; i++) y[i] = b[i % channels]!;
  each(window, (iy, ix, iw) => {
    y[iy]! += x![ix]! * w![iw]!;
  });
  return y;
}

/** dx = sum of dy w */
export function gradInput(each: EachProduct, window: Window, dy: Numbers, w: Numbers): Numbers {
  const dx = zeros(window.x);
  each(window, (iy, ix, iw) => {
    dx[ix]! += dy[iy]! * w[iw]!;
  });
  return dx;
}

/** dw = sum of x dy, of the shape `weights` */
export function gradWeights(
  each: EachProduct,
  window: Window,
  weights: Shape,
  x: Numbers,
  dy: Numbers,
): Numbers {
  const dw = zeros(weights);
  each(window, (iy, ix, iw) => {
    dw[iw]! += x[ix]! * dy[iy]!;
  });
  return dw;
}

/** Each output from the values that its window sees. */
export function pool(window: Window, x: Numbers, of: (seen: readonly number[]) => number): Numbers {
  const y = zeros(window.y);
  const channels = window.x[3]!;
  eachWindow(window, (taps, at) => {
    for (let c = 0; c < channels; c++) y[at + c] = of(taps.map((tap) => x[tap.x + c]!));
  });
  return y;
}

/** dy times each tap's share; `shares` gets the values that a window sees. */
export function poolGrad(
  window: Window,
  x: Numbers | undefined,
  dy: Numbers,
  shares: (seen: readonly number[]) => readonly number[],
): Numbers {
  const dx = zeros(window.x);
  const channels = window.x[3]!;
  eachWindow(window, (taps, at) => {
    for (let c = 0; c < channels; c++) {
      const share = shares(taps.map((tap) => x?.[tap.x + c] ?? 0));
      taps.forEach((tap, i) => {
        dx[tap.x + c]! += share[i]! * dy[at + c]!;
      });
    }
  });
  return dx;
}
