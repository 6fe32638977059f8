/**
 * Images to the size and channels that a model takes.
 *
 * Size: `stretch` (default) scales both axes, as Keras' image_dataset_from_directory does;
 * `crop` first cuts the largest centred window of the target's aspect ratio, as its
 * crop_to_aspect_ratio does. Resampling: `bilinear` (default) takes the two nearest pixels of each
 * axis with half-pixel centres, as tf.image.resize does; `antialias` widens the triangle by the
 * factor of the reduction, as tf.image.resize(antialias=True) and Pillow do. The result is rounded
 * to whole levels, so that pixels stay bytes.
 *
 * Channels: gray is 0.299 R + 0.587 G + 0.114 B, rounded (ITU-R BT.601); a gray image becomes
 * three equal channels.
 */
import type { Image } from '../format/image.js';
import type { Fit, Resampling } from './spec.js';

export interface ImageSize {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

export interface ResizeOptions {
  readonly fit?: Fit | undefined;
  readonly resize?: Resampling | undefined;
}

const samePixels = (image: Image, size: ImageSize): boolean =>
  image.height === size.height && image.width === size.width;

/** The image in 1 or 3 channels. */
function toChannels(image: Image, channels: 1 | 3): Image {
  if (image.channels === channels) return image;
  const { width, height, pixels } = image;
  const out = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    if (channels === 3) out.fill(pixels[i]!, 3 * i, 3 * i + 3);
    else {
      const [r, g, b] = [pixels[3 * i]!, pixels[3 * i + 1]!, pixels[3 * i + 2]!];
      out[i] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
    }
  }
  return { width, height, channels, pixels: out };
}

/** Where each output position of one axis takes its sum from. */
interface Taps {
  readonly first: number;
  readonly weights: Float64Array;
}

/**
 * The triangle filter of one axis: output i lies at (i + 0.5) * scale - 0.5 of the input's window
 * [start, start + length); weights beyond the window's ends go to nobody, and the rest add up to 1.
 */
function tapsOf(start: number, length: number, size: number, antialias: boolean): Taps[] {
  const scale = length / size;
  const radius = antialias ? Math.max(1, scale) : 1;
  return Array.from({ length: size }, (_, i) => {
    const center = (i + 0.5) * scale - 0.5;
    const first = Math.max(0, Math.ceil(center - radius));
    const last = Math.min(length - 1, Math.floor(center + radius));
    const weights = Float64Array.from({ length: last - first + 1 }, (_, k) =>
      Math.max(0, 1 - Math.abs(first + k - center) / radius),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first: start + first, weights: weights.map((w) => w / sum) };
  });
}

/** The part of the source that is used: [top, left, height, width]. */
function windowOf(
  image: Image,
  size: ImageSize,
  fit: Fit,
): readonly [number, number, number, number] {
  const { width, height } = image;
  if (fit === 'stretch') return [0, 0, height, width];
  const h = Math.min(height, Math.max(1, Math.floor((width * size.height) / size.width)));
  const w = Math.min(width, Math.max(1, Math.floor((height * size.width) / size.height)));
  return [Math.floor((height - h) / 2), Math.floor((width - w) / 2), h, w];
}

/** Sums along the width: [height, out.width, channels]. */
function resizeRows(
  { width, height, channels, pixels }: Image,
  taps: readonly Taps[],
): Float64Array {
  const out = new Float64Array(height * taps.length * channels);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (const { first, weights } of taps) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        let from = (y * width + first) * channels + c;
        for (let k = 0; k < weights.length; k++, from += channels)
          sum += weights[k]! * pixels[from]!;
        out[to++] = sum;
      }
    }
  }
  return out;
}

/** Sums along the height, rounded: [taps.length, row]. */
function resizeColumns(rows: Float64Array, row: number, taps: readonly Taps[]): Uint8Array {
  const out = new Uint8Array(taps.length * row);
  for (const [y, { first, weights }] of taps.entries()) {
    for (let i = 0; i < row; i++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * rows[(first + k) * row + i]!;
      out[y * row + i] = Math.min(255, Math.max(0, Math.round(sum)));
    }
  }
  return out;
}

/** An image in the size and channels of `size`; see the head of this file for the rules. */
export function resizeImage(image: Image, size: ImageSize, options: ResizeOptions = {}): Image {
  const source = toChannels(image, size.channels);
  if (samePixels(source, size)) return source;
  const { fit = 'stretch', resize = 'bilinear' } = options;
  const [top, left, height, width] = windowOf(source, size, fit);
  const antialias = resize === 'antialias';
  const rows = resizeRows(source, tapsOf(left, width, size.width, antialias));
  const row = size.width * size.channels;
  const pixels = resizeColumns(rows, row, tapsOf(top, height, size.height, antialias));
  return { ...size, pixels };
}

/**
 * The size that examples should have: what the spec says, else what the model takes, else what the
 * first image has.
 *
 * @param spec `[H, W]` or `[H, W, C]`
 * @param model the shape of the model's input, without the batch
 */
export function chosenSize(
  spec: readonly number[] | undefined,
  model: readonly number[] | undefined,
  first: () => Image,
): ImageSize | undefined {
  const given = spec ?? (model && model.length >= 2 ? model : undefined);
  const own = given?.length === 3 ? undefined : first();
  const [height = own!.height, width = own!.width, c] = given ?? [];
  const fromModel = model && (model.length === 2 ? 1 : model[2]);
  const channels = c ?? (model && model.length >= 2 ? fromModel : own!.channels);
  if ((given && given.length > 3) || (channels !== 1 && channels !== 3)) return undefined;
  return { height, width, channels };
}
