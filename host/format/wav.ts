/**
 * RIFF WAVE: PCM of 8 (unsigned), 16, 24 and 32 bits, float of 32 and 64 bits, plain or as
 * WAVE_FORMAT_EXTENSIBLE. Chunks that are not needed are skipped.
 * Source: "Multimedia Programming Interface and Data Specifications 1.0" (IBM, Microsoft 1991);
 * WAVEFORMATEXTENSIBLE in mmreg.h.
 */
import { bytesOf, damaged, need, openSource, type Source, textAt } from './bytes.js';

export interface Wav {
  /** Samples per second of each channel. */
  readonly rate: number;
  readonly channels: number;
  /**
   * Interleaved, [frames, channels]. Integers are divided by 2^(bits - 1), so they lie in [-1, 1)
   * and, up to 24 bits, are exact; floats are as stored.
   */
  readonly samples: Float32Array;
}

export type WavEncoding = 'u8' | 's16' | 's24' | 's32' | 'f32' | 'f64';

interface Rule {
  /** The format tag: 1 is PCM, 3 is float. */
  readonly tag: 1 | 3;
  readonly bits: number;
  read(view: DataView, at: number): number;
  write(view: DataView, at: number, x: number): void;
}

const clamped = (x: number, scale: number): number =>
  Math.max(-scale, Math.min(scale - 1, Math.round(x * scale)));

const rules: Readonly<Record<WavEncoding, Rule>> = {
  u8: {
    tag: 1,
    bits: 8,
    read: (view, at) => (view.getUint8(at) - 128) / 128,
    write: (view, at, x) => view.setUint8(at, clamped(x, 128) + 128),
  },
  s16: {
    tag: 1,
    bits: 16,
    read: (view, at) => view.getInt16(at, true) / 2 ** 15,
    write: (view, at, x) => view.setInt16(at, clamped(x, 2 ** 15), true),
  },
  s24: {
    tag: 1,
    bits: 24,
    read: (view, at) => (view.getUint16(at, true) + 65536 * view.getInt8(at + 2)) / 2 ** 23,
    write(view, at, x) {
      const n = clamped(x, 2 ** 23);
      view.setUint16(at, n & 0xffff, true);
      view.setInt8(at + 2, n >> 16);
    },
  },
  s32: {
    tag: 1,
    bits: 32,
    read: (view, at) => view.getInt32(at, true) / 2 ** 31,
    write: (view, at, x) => view.setInt32(at, clamped(x, 2 ** 31), true),
  },
  f32: {
    tag: 3,
    bits: 32,
    read: (view, at) => view.getFloat32(at, true),
    write: (view, at, x) => view.setFloat32(at, x, true),
  },
  f64: {
    tag: 3,
    bits: 64,
    read: (view, at) => view.getFloat64(at, true),
    write: (view, at, x) => view.setFloat64(at, x, true),
  },
};

const wavHint =
  'Give a WAV file of PCM or float samples; convert others, as in `ffmpeg -i x.mp3 x.wav`.';

interface Format {
  readonly rate: number;
  readonly channels: number;
  readonly rule: Rule;
}

/** WAVE_FORMAT_EXTENSIBLE: the real tag begins the GUID at offset 24 of the chunk. */
const extensible = 0xfffe;

function readFormat(source: Source, at: number, size: number): Format {
  need(source, at, Math.max(size, 16), 'the fmt chunk');
  const { view } = source;
  let tag = view.getUint16(at, true);
  if (tag === extensible) {
    need(source, at, 40, 'the extensible fmt chunk');
    tag = view.getUint16(at + 24, true);
  }
  const channels = view.getUint16(at + 2, true);
  const rate = view.getUint32(at + 4, true);
  const bits = view.getUint16(at + 14, true);
  const rule = Object.values(rules).find((r) => r.tag === tag && r.bits === bits);
  if (!rule) {
    throw damaged(source, at, `format ${tag} with ${bits} bits is neither PCM nor float`, wavHint);
  }
  if (channels === 0 || rate === 0) {
    throw damaged(source, at, `${channels} channels at ${rate} samples per second`, wavHint);
  }
  return { rate, channels, rule };
}

function readSamples(source: Source, at: number, size: number, { rule }: Format): Float32Array {
  const width = rule.bits / 8;
  return Float32Array.from({ length: Math.floor(size / width) }, (_, i) =>
    rule.read(source.view, at + i * width),
  );
}

/** Where a chunk's data begins and its size, by the chunk's name. */
function chunksOf(source: Source): Map<string, { readonly at: number; readonly size: number }> {
  const { bytes, view } = source;
  need(source, 0, 12, 'the RIFF header');
  if (textAt(source, 0, 4, 'RIFF') !== 'RIFF' || textAt(source, 8, 4, 'WAVE') !== 'WAVE') {
    throw damaged(source, 0, 'the file does not begin with RIFF and WAVE', wavHint);
  }
  const chunks = new Map<string, { readonly at: number; readonly size: number }>();
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = textAt(source, at, 4, 'the name of a chunk');
    const stated = view.getUint32(at + 4, true);
    // What a program writes that cannot go back and fill in the size: the rest of the file.
    const size = stated === 0xffffffff ? bytes.length - at - 8 : stated;
    if (!chunks.has(name)) chunks.set(name, { at: at + 8, size });
    // Chunks begin at even offsets.
    at += 8 + size + (size % 2);
  }
  return chunks;
}

/**
 * Reads one WAV file.
 *
 * @param file name for the errors
 * @throws BadInputError naming the offset of what is cut off, missing or compressed
 */
export function readWav(bytes: Uint8Array, file = 'wav data'): Wav {
  const source = openSource(bytes, 'wav', file);
  const chunks = chunksOf(source);
  const fmt = chunks.get('fmt ');
  const data = chunks.get('data');
  if (!fmt || !data) {
    throw damaged(source, bytes.length, `no ${fmt ? 'data' : 'fmt'} chunk in the file`, wavHint);
  }
  const format = readFormat(source, fmt.at, fmt.size);
  need(source, data.at, data.size, 'the data chunk');
  const frame = (format.rule.bits / 8) * format.channels;
  if (data.size % frame !== 0) {
    const what = `the data chunk has ${data.size} bytes, which is no multiple of ${frame}`;
    throw damaged(source, data.at, what, wavHint);
  }
  const { rate, channels } = format;
  return { rate, channels, samples: readSamples(source, data.at, data.size, format) };
}

/** Writes a WAV file. Integers are rounded and saturate at their ends. Default: PCM of 16 bits. */
export function writeWav(
  { rate, channels, samples }: Wav,
  encoding: WavEncoding = 's16',
): Uint8Array {
  const { tag, bits, write } = rules[encoding];
  const width = bits / 8;
  const size = samples.length * width;
  const out = new Uint8Array(44 + size + (size % 2));
  const view = new DataView(out.buffer);
  const text = (at: number, name: string): void => out.set(bytesOf(Buffer.from(name)), at);
  text(0, 'RIFF');
  view.setUint32(4, out.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, tag, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * channels * width, true);
  view.setUint16(32, channels * width, true);
  view.setUint16(34, bits, true);
  text(36, 'data');
  view.setUint32(40, size, true);
  for (const [i, x] of samples.entries()) write(view, 44 + i * width, x);
  return out;
}
