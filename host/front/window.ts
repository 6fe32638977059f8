/**
 * Options of sliding windows: strides, padding, dilation, in the builder's terms and in the
 * graph's.
 */
import { type Padding2d, type Pair, samePadding } from '../core/shape.js';
import { describe, layerError, requireCount, type Tensor } from './tensor.js';

/** One number for both axes, or [height, width]. */
export type Size = number | readonly [number, number];

/**
 * 'valid': none. 'same': the output has ceil(size / stride) elements per axis, an odd element of
 * padding at the end. 'full': all positions where window and image overlap (not for pools). Or
 * explicit: [top, bottom, left, right].
 */
export type Padding = 'same' | 'valid' | 'full' | readonly [number, number, number, number];

export interface WindowOptions {
  /** Default 1; for pools the window's size. */
  readonly strides?: Size;
  /** Default 'valid'. */
  readonly padding?: Padding;
}

export interface ResolvedWindow {
  readonly size: Pair;
  readonly stride: Pair;
  readonly pad: Padding2d;
  readonly dilation: Pair;
}

function pair(layer: string, what: string, value: unknown): Pair {
  if (Array.isArray(value)) {
    if (value.length !== 2) {
      const hint = `Give ${what} as [height, width].`;
      throw layerError(layer, `${what} must be two numbers, got ${describe(value)}`, hint);
    }
    return [requireCount(layer, what, value[0]), requireCount(layer, what, value[1])];
  }
  const n = requireCount(layer, what, value);
  return [n, n];
}

function resolvePadding(
  layer: string,
  padding: unknown,
  [height, width]: Pair,
  { size, stride, dilation }: Omit<ResolvedWindow, 'pad'>,
): Padding2d {
  if (padding === 'valid') return [0, 0, 0, 0];
  if (padding === 'full') {
    const [h, w] = size.map((taps, i) => (taps - 1) * dilation[i]!) as [number, number];
    return [h, h, w, w];
  }
  if (padding === 'same') {
    return [
      ...samePadding(height, size[0], stride[0], dilation[0]),
      ...samePadding(width, size[1], stride[1], dilation[1]),
    ];
  }
  if (Array.isArray(padding) && padding.length === 4) {
    const [top, bottom, left, right] = padding.map((n) => requireCount(layer, 'padding', n, 0));
    return [top!, bottom!, left!, right!];
  }
  throw layerError(
    layer,
    `unknown padding ${describe(padding)}`,
    "Give 'same', 'valid', 'full' or [top, bottom, left, right].",
  );
}

/** The graph's window attributes for x of shape [height, width, channels]. */
export function resolveWindow(
  layer: string,
  x: Tensor,
  kernel: Size,
  options: WindowOptions & { readonly dilation?: Size },
  defaultStrides: Size,
): ResolvedWindow {
  const window = {
    size: pair(layer, 'the window size', kernel),
    stride: pair(layer, 'strides', options.strides ?? defaultStrides),
    dilation: pair(layer, 'dilation', options.dilation ?? 1),
  };
  const image: Pair = [x.shape[0]!, x.shape[1]!];
  return { ...window, pad: resolvePadding(layer, options.padding ?? 'valid', image, window) };
}
