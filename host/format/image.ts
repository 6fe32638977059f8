/**
 * PNG and JPEG to pixels, through npm fast-png and jpeg-js.
 */
import type { DecodedPng } from 'fast-png';
import { BadInputError } from '../core/errors.js';
import { lazyPackage } from '../core/lazy-package.js';

const fastPng = lazyPackage<typeof import('fast-png')>('fast-png');
const jpeg = lazyPackage<typeof import('jpeg-js')>('jpeg-js');

export interface Image {
  readonly width: number;
  readonly height: number;
  /** 1: gray, 3: red, green, blue. */
  readonly channels: 1 | 3;
  /** [height, width, channels], 0 to 255. */
  readonly pixels: Uint8Array;
}

export type ImageType = 'png' | 'jpeg';

/** What the first bytes say that a file is. */
export function imageType(bytes: Uint8Array): ImageType | undefined {
  if (bytes[0] === 0x89 && bytes[1] === 0x50 && bytes[2] === 0x4e && bytes[3] === 0x47)
    return 'png';
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff ? 'jpeg' : undefined;
}

/** Red, green and blue of a palette image. */
function expand(png: DecodedPng): Image {
  const { width, height, palette } = png;
  const all = fastPng().convertIndexedToRgb(png);
  const channels = palette![0]!.length;
  return { width, height, channels: 3, pixels: withoutAlpha(all, channels, 3) };
}

/** The first `keep` of every `channels` numbers. */
function withoutAlpha(data: ArrayLike<number>, channels: number, keep: number): Uint8Array {
  const out = new Uint8Array((data.length / channels) * keep);
  for (let from = 0, to = 0; from < data.length; from += channels) {
    for (let c = 0; c < keep; c++) out[to++] = data[from + c]!;
  }
  return out;
}

/** Samples of less than 8 bits lie packed in rows of whole bytes. */
function unpackBits(data: Uint8Array, width: number, height: number, depth: number): Uint8Array {
  const out = new Uint8Array(width * height);
  const row = Math.ceil((width * depth) / 8);
  const most = 2 ** depth - 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = data[y * row + (bit >> 3)]!;
      const value = (byte >> (8 - depth - (bit & 7))) & most;
      out[y * width + x] = (value * 255) / most;
    }
  }
  return out;
}

function readPng(bytes: Uint8Array): Image {
  const png = fastPng().decode(bytes, { checkCrc: true });
  const { width, height, depth, channels, data } = png;
  if (png.palette) return expand(png);
  if (depth < 8) {
    return {
      width,
      height,
      channels: 1,
      pixels: unpackBits(data as Uint8Array, width, height, depth),
    };
  }
  const eight = depth === 16 ? Uint8Array.from(data, (x) => x >> 8) : data;
  const keep = channels < 3 ? 1 : 3;
  return { width, height, channels: keep, pixels: withoutAlpha(eight, channels, keep) };
}

function readJpeg(bytes: Uint8Array): Image {
  const { width, height, data } = jpeg().decode(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    tolerantDecoding: false,
    maxMemoryUsageInMB: 1024,
    maxResolutionInMP: 200,
  });
  return { width, height, channels: 3, pixels: data };
}

const decoders = { png: readPng, jpeg: readJpeg } satisfies Record<
  ImageType,
  (bytes: Uint8Array) => Image
>;

/**
 * Decodes a PNG or JPEG. Samples of 16 bits keep their upper 8; transparency is dropped, as
 * TensorFlow's decoders drop it; the orientation in a JPEG's Exif data is not applied.
 *
 * @param file name for the errors
 * @throws BadInputError for a damaged image or another format
 */
export function decodeImage(bytes: Uint8Array, file = 'image data'): Image {
  const type = imageType(bytes);
  if (!type) {
    throw new BadInputError(`${file} is no PNG and no JPEG`, {
      hint: 'Convert the image to PNG or JPEG, or remove it.',
      where: file,
    });
  }
  try {
    return decoders[type](bytes);
  } catch (cause) {
    throw new BadInputError(
      `${file} is a damaged ${type.toUpperCase()}: ${(cause as Error).message}`,
      {
        hint: 'Remove the image, or get it again from where it came from.',
        where: file,
        cause,
      },
    );
  }
}
