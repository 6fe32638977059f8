/**
 * Weights in the order in which a kernel reads them, and multipliers in the form that it takes. The
 * layouts are those of the kernels' headers (kernels/c/enn_s8_*_dsp.h).
 */
import { type Multiplier, multiplyByQuantizedMultiplier } from '../../core/fixed-point.js';
import { elements, type Shape } from '../../core/shape.js';
import type { MultiplierTable } from '../../quant/interpret/params.js';
import { channelsFirst } from '../../quant/interpret/quant.js';

/**
 * - `taps4`: per output channel all taps, as `columnTaps` has them, zeros up to a multiple of four.
 * - `fold4`: `taps4`, two taps to a half: the second byte is less by one where the first is negative.
 * - `bytes4`, `foldBytes4`: the same with the taps in their own order.
 * - `rows4`: four inputs of four outputs together; the last out % 4 outputs as `taps4`.
 * - `rows6`: as `rows4` by six outputs, then by two, two inputs to a half as in `fold4`.
 * - `channels4`: per four channels all taps, four channels of a tap together; zeros for channels
 *   that are not there.
 * - `quads`: `channels4`, but the last group is the last four channels; there are at least four.
 * - `planes`: per channel all taps.
 */
export type Packing =
  | 'taps4'
  | 'fold4'
  | 'bytes4'
  | 'foldBytes4'
  | 'rows4'
  | 'rows6'
  | 'channels4'
  | 'quads'
  | 'planes';

const multipleOf4 = (n: number): number => Math.ceil(n / 4) * 4;

/** w[rows][count] with rows of a multiple of four. */
function taps4(w: Int8Array, rows: number): Int8Array {
  if (rows === 0) return new Int8Array(4);
  const count = w.length / rows;
  const stride = multipleOf4(count);
  const out = new Int8Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    out.set(w.subarray(row * count, (row + 1) * count), row * stride);
  }
  return out;
}

/** Bytes as halves 256 w[odd] + w[even], little-endian. */
function halves(w: Int8Array): Int8Array {
  return w.map((value, i) => (i % 2 === 1 && w[i - 1]! < 0 ? value - 1 : value));
}

/** Rows by groups of so many: as often as the first goes into what is left, then the second, .... */
function groupsOf(rows: number, sizes: readonly number[]): number[] {
  const groups: number[] = [];
  let left = rows;
  for (const size of sizes) {
    for (; left >= size; left -= size) groups.push(size);
  }
  return groups;
}

/** Four inputs of the outputs of a group together. */
function byRows(w: Int8Array, rows: number, sizes: readonly number[]): Int8Array {
  const padded = taps4(w, rows);
  const stride = padded.length / rows;
  const out = padded.slice();
  let first = 0;
  for (const group of groupsOf(rows, sizes)) {
    for (let row = 0; row < group; row++) {
      for (let i = 0; i < stride; i++) {
        const to = first * stride + (i - (i % 4)) * group + row * 4 + (i % 4);
        out[to] = padded[(first + row) * stride + i]!;
      }
    }
    first += group;
  }
  return out;
}

/** w[taps][channels] by groups of four channels. */
function channels4(w: Int8Array, channels: number): Int8Array {
  const taps = w.length / channels;
  const out = new Int8Array(taps * multipleOf4(channels));
  for (let tap = 0; tap < taps; tap++) {
    for (let c = 0; c < channels; c++) {
      out[(c - (c % 4)) * taps + tap * 4 + (c % 4)] = w[tap * channels + c]!;
    }
  }
  return out;
}

/** w[taps][channels] by groups of four channels, the last of which may overlap the one before. */
function quads(w: Int8Array, channels: number): Int8Array {
  const taps = w.length / channels;
  return Int8Array.from({ length: taps * multipleOf4(channels) }, (_, i) => {
    const first = Math.min(4 * Math.floor(i / (4 * taps)), channels - 4);
    return w[(Math.floor(i / 4) % taps) * channels + first + (i % 4)]!;
  });
}

/**
 * The taps of w[channels][height][width][depth] in the order of a column (enn_s8_columns_dsp.h): of each row
 * the whole words, then what is left of all rows.
 */
export function columnTaps(w: Int8Array, [, height, width, depth]: Shape): Int8Array {
  const line = width! * depth!;
  const words = line - (line % 4);
  const rows = Array.from({ length: height! }, (_, u) => u * line);
  const run = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);
  const order = [
    ...rows.flatMap((first) => run(first, words)),
    ...rows.flatMap((first) => run(first + words, line - words)),
  ];
  return w.map((_, i) => w[i - (i % order.length) + order[i % order.length]!]!);
}

/** The rows of w[rows][...] that are not skipped. */
function kept(w: Int8Array, rows: number, skipped: ReadonlySet<number>): Int8Array {
  const count = w.length / rows;
  return w.filter((_, i) => !skipped.has(Math.floor(i / count)));
}

type Packer = (w: Int8Array, shape: Shape, skipped: ReadonlySet<number>) => Int8Array;

const packers: { readonly [P in Packing]: Packer } = {
  taps4: (w, shape, skipped) =>
    taps4(columnTaps(kept(w, shape[0]!, skipped), shape), shape[0]! - skipped.size),
  fold4: (w, shape, skipped) => halves(packers.taps4(w, shape, skipped)),
  bytes4: (w, shape, skipped) => taps4(kept(w, shape[0]!, skipped), shape[0]! - skipped.size),
  foldBytes4: (w, shape, skipped) => halves(packers.bytes4(w, shape, skipped)),
  rows4: (w, shape) => byRows(w, shape[0]!, [4, 1]),
  rows6: (w, shape) => halves(byRows(w, shape[0]!, [6, 2, 1])),
  channels4: (w, shape) => channels4(w, shape.at(-1)!),
  quads: (w, shape) => quads(w, shape.at(-1)!),
  planes: (w, shape) => channelsFirst(w, shape.at(-1)!),
};

/**
 * Weights of the graph's layout (conv2d OHWI, depthwise 1HWC, dense OI) as a kernel wants them.
 *
 * @param skipped output channels that the packings of conv2d leave out
 */
export function packWeights(
  w: Int8Array,
  shape: Shape,
  packing: Packing,
  skipped: ReadonlySet<number> = new Set(),
): Int8Array {
  if (elements(shape) !== w.length) throw new RangeError(`${w.length} weights of ${shape}`);
  return packers[packing](w, shape, skipped);
}

/**
 * Bytes of the columns of `pixels` windows [, height, width, depth], `stride` pixels apart, and of what is
 * gathered before they are widened (enn_s8_columns_dsp.h).
 */
export function columnBytes(
  [, height, width, depth]: Shape,
  stride: number,
  pixels: 3 | 4,
): number {
  const blocks = Math.ceil((height! * width! * depth!) / 4);
  if (depth! % 4 === 0) return blocks * 8 * pixels;
  const rests = multipleOf4(height! * ((width! * depth!) % 4));
  const patch = height! * multipleOf4(((pixels - 1) * stride + width!) * depth!);
  return blocks * 8 * pixels + Math.max(4 * blocks, pixels * rests + patch);
}

/** The bias of a dense layer whose kernel does not subtract the input's zero point; in int32. */
export function foldZero(bias: Int32Array, w: Int8Array, zero: number): Int32Array {
  const count = w.length / bias.length;
  return bias.map((value, row) => {
    const sum = w.subarray(row * count, (row + 1) * count).reduce((a, b) => a + b, 0);
    return (value - Math.imul(zero, sum)) | 0;
  });
}

/**
 * The bias of a convolution over folded columns (enn_s8_conv_dsp.h), 256 times that of the graph less
 * what zero points add; in int32.
 *
 * @param w [channels][taps], as `columnTaps` has them
 * @param skipped channels whose bias is their output
 */
export function foldHalves(
  bias: Int32Array,
  w: Int8Array,
  channels: number,
  zero: number,
  skipped: ReadonlySet<number>,
): Int32Array {
  const taps = w.length / channels;
  const less = Array.from({ length: channels }, (_, channel) =>
    w
      .subarray(channel * taps, (channel + 1) * taps)
      .reduce((sum, value, i) => sum + value * (i % 2 === 1 ? zero - 127 : zero), 0),
  );
  return bias.map((value, i) => {
    const channel = i % channels;
    return skipped.has(channel) ? value : Math.imul(256, value - less[channel]!);
  });
}

/**
 * The bias of a dense layer over folded weights (enn_s8_dense_fold_dsp.h), 256 times that of the graph
 * less what zero points add; in int32.
 */
export function foldRows(bias: Int32Array, w: Int8Array, zero: number): Int32Array {
  const count = w.length / bias.length;
  return bias.map((value, row) => {
    let less = 0;
    for (let i = 0; i < count; i++) {
      const weight = w[row * count + i]!;
      less += weight * (i % 2 === 1 ? 256 * (zero + 128) : 256 * zero + 255);
    }
    return (Math.imul(256, value) - less) | 0;
  });
}

/** The bias of a depthwise layer whose kernel does not subtract the input's zero point; in int32. */
export function foldTaps(bias: Int32Array, w: Int8Array, zero: number): Int32Array {
  const channels = bias.length;
  return bias.map((value, channel) => {
    let sum = 0;
    for (let i = channel; i < w.length; i += channels) sum += w[i]!;
    return (value - Math.imul(zero, sum)) | 0;
  });
}

/** Right shifts that the short requantization of enn_dsp.h has room for. */
const leastShift = -22;
/** Twice an accumulator must fit int32. */
export const accumulatorRoom = 2 ** 30;

/** Whether a factor is exactly 1/2. */
export const isHalf = ({ multiplier, shift }: Multiplier): boolean =>
  multiplier === 2 ** 30 && shift === 0;

/** Whether the short requantization has room for a factor. */
export const isShort = ({ multiplier, shift }: Multiplier): boolean =>
  multiplier > 0 && shift <= -1 && shift >= leastShift;

/** What a kernel with the short requantization works with, per output channel. */
export interface ShortForm {
  /** One entry where all channels share one. */
  readonly multipliers: MultiplierTable;
  readonly bias: Int32Array;
  /** Channels whose weights the kernel skips, because their output is constant. */
  readonly skipped?: ReadonlySet<number>;
}

/** What describes a layer with weights. */
export interface WeightedLayer {
  readonly multipliers: MultiplierTable;
  /** One per channel, or so many for each class of outputs (ir/border.ts). */
  readonly bias: Int32Array;
  readonly outZero: number;
  /** [channels][taps] */
  readonly weights: Int8Array;
  /** What no accumulator of a channel exceeds. */
  readonly bounds: readonly number[];
}

/** A channel whose factor is 1/4: four times what it should be above the zero point. */
const quarter: Multiplier = { multiplier: 2 ** 30, shift: -1 };
const nothing: Multiplier = { multiplier: 0, shift: -1 };

/** The shift by which kernels that skip constant channels know them; their bias is the output. */
const skip: Multiplier = { multiplier: 0, shift: -128 };

/** Shifts to the right, as positive numbers; a channel that is skipped keeps its mark. */
export const rightShifts = (shift: Int8Array): Int8Array =>
  shift.map((left) => (left === skip.shift ? left : -left));

/** The output of a channel that nothing but its bias goes into. */
function constantOutput(bias: number, { multiplier, shift }: Multiplier, zero: number): number {
  const y = zero + multiplyByQuantizedMultiplier(bias, multiplier, shift);
  return Math.min(Math.max(y, -128), 127);
}

/**
 * A layer's tables such that the short requantization does what enn_multiply does with its own:
 * every shift in [-22, -1]. A channel whose every result rounds to zero gets the factor zero.
 *
 * @param skips whether the kernel skips constant channels
 * @returns undefined when there are none
 */
export function shortForm(layer: WeightedLayer, skips: boolean): ShortForm | undefined {
  const { multiplier, shift } = layer.multipliers;
  const bias = layer.bias.slice();
  const table = { multiplier: multiplier.slice(), shift: shift.slice() };
  const shared = shift.length === 1;
  const skipped = new Set<number>();
  const channels = layer.bounds.length;
  const taps = layer.weights.length / channels;
  const isConstant = (channel: number): boolean =>
    layer.weights.subarray(channel * taps, (channel + 1) * taps).every((w) => w === 0);
  const eachBias = (channel: number, becomes: (own: number) => number): void => {
    for (let i = channel; i < bias.length; i += channels) bias[i] = becomes(bias[i]!);
  };
  for (const [channel, bound] of layer.bounds.entries()) {
    const q = shared ? 0 : channel;
    const own = { multiplier: multiplier[q]!, shift: shift[q]! };
    const vanishes = own.multiplier === 0 || bound * 2 ** own.shift < 0.25;
    let factor = own;
    if (!shared && isConstant(channel)) {
      const output = (sum: number) => constantOutput(sum, own, layer.outZero);
      factor = skips ? skip : quarter;
      eachBias(channel, (sum) => (skips ? output(sum) : 4 * (output(sum) - layer.outZero)));
      if (skips) skipped.add(channel);
    } else if (!shared && vanishes) {
      factor = nothing;
      eachBias(channel, () => 0);
    } else if (bound >= accumulatorRoom || !isShort(own)) {
      return undefined;
    }
    table.multiplier[q] = factor.multiplier;
    table.shift[q] = factor.shift;
  }
  return { multipliers: table, bias, skipped };
}
