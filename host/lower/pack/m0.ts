/**
 * Weights and levels as the kernels for Armv6-M want them (kernels/c/enn_s8_*_m0.h).
 */
import type { Levels } from './levels.js';

/** Channels whose weights of a tap are neighbours: as many as a tap of the columns has bytes. */
const group = 8;
/** A chunk's sums of pairs stay within int16: 128 times so much. */
const chunkWeight = 255;
const chunkTaps = 16;
/** Bytes of code that a tap of a chunk takes. */
const tapCode = 12;

/** Lengths of the chunks of one channel's taps. */
function chunks(w: Int8Array): number[] {
  const lengths: number[] = [];
  let [length, weight] = [0, 0];
  for (const value of w) {
    const next = Math.abs(value);
    if (length === chunkTaps || weight + next > chunkWeight) {
      lengths.push(length);
      [length, weight] = [0, 0];
    }
    length += 1;
    weight += next;
  }
  return [...lengths, length];
}

/** w[channels][taps] as [ceil(channels / 8)][taps][8], then the lengths of each channel's chunks. */
export function groups8(w: Int8Array, channels: number): Int8Array {
  const taps = w.length / channels;
  const padded = new Int8Array(Math.ceil(channels / group) * group * taps);
  for (let i = 0; i < w.length; i++) {
    const [channel, tap] = [Math.floor(i / taps), i % taps];
    padded[(channel - (channel % group)) * taps + tap * group + (channel % group)] = w[i]!;
  }
  const lengths = Array.from({ length: channels }, (_, channel) =>
    chunks(w.subarray(channel * taps, (channel + 1) * taps)),
  ).flat();
  return Int8Array.from([...padded, ...lengths.map((n) => tapCode * (chunkTaps - n))]);
}

/** Outputs of one word, and what is added to each weight. */
const outputsOfWord = 4;

/** Lengths of chunks that are safe for every row of w[rows][count]. */
function commonChunks(w: Int8Array, rows: number): number[] {
  const count = w.length / rows;
  const lengths: number[] = [];
  let sums = new Int32Array(rows);
  let length = 0;
  for (let i = 0; i < count; i++) {
    const own = Int32Array.from(sums, (_, row) => Math.abs(w[row * count + i]!));
    const next = sums.map((sum, row) => sum + own[row]!);
    const full = length === chunkTaps || next.some((sum) => sum > chunkWeight);
    if (full) lengths.push(length);
    sums = full ? own : next;
    length = full ? 1 : length + 1;
  }
  return [...lengths, length];
}

/** w[rows][count] as [ceil(rows / 4)][count][4], each plus 128, then the lengths of the chunks. */
export function words4(w: Int8Array, rows: number): Int8Array {
  const count = w.length / rows;
  const padded = new Int8Array(Math.ceil(rows / outputsOfWord) * outputsOfWord * count).fill(-128);
  for (let i = 0; i < w.length; i++) {
    const [row, at] = [Math.floor(i / count), i % count];
    const lane = row % outputsOfWord;
    padded[(row - lane) * count + at * outputsOfWord + lane] = w[i]! ^ 0x80;
  }
  return Int8Array.from([...padded, ...commonChunks(w, rows)]);
}

/** How many chunks there are. */
export const chunkCount = (w: Int8Array, rows: number): number => commonChunks(w, rows).length;

/** The words of a layer's levels, in the order of enn_m0.h. */
export const levelWords = ({ lines, fraction, mirror }: Levels): Int32Array =>
  Int32Array.from(
    [
      ...[mirror, fraction],
      ...lines.flatMap(({ slope, range, offset, under }) => [
        ...[slope, range, offset],
        ...(mirror === 0 ? [] : [under]),
      ]),
    ],
    (word) => word | 0,
  );
