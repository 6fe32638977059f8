/**
 * Tables of layers whose weights have 4 bits or whose activations have 16, as their kernels want them
 * (kernels/c/enn_s16w8_*.h, enn_s8w4_*.h).
 */
import { packNibbles } from '../../core/dtype.js';
import type { MultiplierTable } from '../../quant/interpret/params.js';

/** What a kernel of a layer takes beside its parameters: all of it constant. */
export interface LayerTables {
  readonly weights: Int8Array;
  /** Bytes to which the weights are aligned. */
  readonly align: number;
  readonly bias: Int32Array;
  readonly mult: Int32Array;
  /** Absent where the kernel's multipliers hold the shift. */
  readonly shift?: Int8Array;
}

/** The tables of a portable kernel: weights in the order of the graph, two of 4 bits to a byte. */
export function plainTables(
  weights: Int8Array,
  bits: 4 | 8,
  bias: Int32Array,
  { multiplier, shift }: MultiplierTable,
): LayerTables {
  const stored = bits === 4 ? packedPairs(weights) : weights;
  return { weights: stored, align: 1, bias, mult: multiplier, shift };
}

/** A word's bytes in the order that widens to two pairs of neighbours: 0, 2, 1, 3. */
const widening = [0, 2, 1, 3] as const;

const ceilTo = (n: number, step: number): number => Math.ceil(n / step) * step;

/** Rows of w[rows][count], each filled up with zeros. */
function paddedRows(w: Int8Array, rows: number, stride: number): Int8Array {
  const count = w.length / rows;
  const out = new Int8Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    out.set(w.subarray(row * count, (row + 1) * count), row * stride);
  }
  return out;
}

/** Words of rows, four rows at a time word by word; the last rows % 4 as they are. */
function byFourRows(words: Int8Array, rows: number): Int8Array {
  const stride = words.length / rows;
  return Int8Array.from(words, (_, to) => {
    const first = Math.floor(to / (4 * stride)) * 4;
    if (first + 4 > rows) return words[to]!;
    const at = to - first * stride;
    const [word, row] = [Math.floor(at / 16), Math.floor((at % 16) / 4)];
    return words[(first + row) * stride + 4 * word + (at % 4)]!;
  });
}

/** Bytes as int16 pairs want them: w[rows][count] by words of four. */
function widenedWords(w: Int8Array, rows: number): Int8Array {
  const padded = paddedRows(w, rows, ceilTo(w.length / rows, 4));
  return Int8Array.from(padded, (_, i) => padded[i - (i % 4) + widening[i % 4]!]!);
}

/** Nibbles: byte k of a word has element k in its upper half and element 4 + k in its lower one. */
function nibbleWords(w: Int8Array, rows: number): Int8Array {
  const padded = paddedRows(w, rows, ceilTo(w.length / rows, 8));
  return Int8Array.from({ length: padded.length / 2 }, (_, i) => {
    const first = 8 * Math.floor(i / 4) + (i % 4);
    return (padded[first]! << 4) | (padded[first + 4]! & 15);
  });
}

/** Weights as the dsp kernels of int16 activations want them, by op. */
export const packS16 = {
  conv2d: widenedWords,
  dense: (w: Int8Array, rows: number) => byFourRows(widenedWords(w, rows), rows),
  /** w[taps][channels] as words of four channels, the taps of a word one after the other. */
  depthwiseConv2d(w: Int8Array, channels: number): Int8Array {
    const taps = w.length / channels;
    const out = new Int8Array(taps * ceilTo(channels, 4));
    return out.map((_, to) => {
      const group = Math.floor(to / (4 * taps));
      const tap = Math.floor((to % (4 * taps)) / 4);
      const channel = 4 * group + widening[to % 4]!;
      return channel < channels ? w[tap * channels + channel]! : 0;
    });
  },
} as const;

/** Weights of 4 bits as the dsp kernels of conv2d and dense want them, by op. */
export const packS4 = {
  conv2d: nibbleWords,
  dense: (w: Int8Array, rows: number) => byFourRows(nibbleWords(w, rows), rows),
} as const;

/**
 * A multiplier of 15 bits with its shift, as round(acc mult / 2^32) takes it.
 *
 * @param bound what no accumulator exceeds
 * @returns undefined where it has no such form; 0 where every result rounds to 0
 */
export function highMultiplier(mult: number, shift: number, bound: number): number | undefined {
  if (mult === 0 || bound * mult < 2 ** (14 - shift)) return 0;
  return shift >= -17 && shift <= -1 ? mult * 2 ** (17 + shift) : undefined;
}

/** Two to a byte, in the order of `w`; an odd one out gets a 0. */
export const packedPairs = (w: Int8Array): Int8Array => new Int8Array(packNibbles(w).buffer);
