/**
 * Tables of the Helium kernels (kernels/c/enn_s8_*_mve.h): weights by vectors of 16 bytes, and what
 * belongs to an output channel by groups of four.
 */
import type { MultiplierTable } from '../../quant/interpret/params.js';

/** Bytes of a vector. */
export const vector = 16;

const multipleOf = (n: number, unit: number): number => Math.ceil(n / unit) * unit;

/**
 * Rows of w[rows][count] so many at a time: w[rows / together][count / 16][together][16], with zeros
 * behind the last of a row and the last row.
 */
function vectorRows(w: Int8Array, rows: number, together: number, all: number): Int8Array {
  const count = w.length / rows;
  const blocks = Math.ceil(count / vector);
  const out = new Int8Array(multipleOf(rows, all) * blocks * vector);
  for (let row = 0; row < rows; row++) {
    const first = Math.floor(row / together) * blocks * together + (row % together);
    for (let i = 0; i < count; i++) {
      const block = Math.floor(i / vector);
      out[(first + block * together) * vector + (i % vector)] = w[row * count + i]!;
    }
  }
  return out;
}

/** w[rows / 4][2][count / 16][2][16]. */
export const pairs16 = (w: Int8Array, rows: number): Int8Array => vectorRows(w, rows, 2, 4);

/** w[rows / 4][count / 16][4][16]. */
export const rows16 = (w: Int8Array, rows: number): Int8Array => vectorRows(w, rows, 4, 4);

/** Rows of a table by channel, filled up to whole groups. */
export function groupedBias(bias: Int32Array, channels: number): Int32Array {
  const stride = multipleOf(channels, 4);
  const out = new Int32Array((bias.length / channels) * stride);
  bias.forEach((value, i) => {
    out[Math.floor(i / channels) * stride + (i % channels)] = value;
  });
  return out;
}

/**
 * factor[channels / 4][2][4]: the multipliers of four channels, then their shifts. One group where
 * all channels share a factor.
 */
export function groupedFactors({ multiplier, shift }: MultiplierTable): Int32Array {
  const shared = multiplier.length === 1;
  const channels = shared ? 4 : multiplier.length;
  const out = new Int32Array(2 * multipleOf(channels, 4));
  for (let channel = 0; channel < channels; channel++) {
    const from = shared ? 0 : channel;
    const to = (channel - (channel % 4)) * 2 + (channel % 4);
    out[to] = multiplier[from]!;
    out[to + 4] = shift[from]!;
  }
  return out;
}

/**
 * The bias of a layer whose kernel does not subtract the input's zero point; in int32.
 *
 * @param bias by channel; several rows of them where outputs near the edges have their own
 * @param sums of each channel's weights
 */
export const foldZero = (bias: Int32Array, sums: Int32Array, zero: number): Int32Array =>
  bias.map((value, i) => (value - Math.imul(zero, sums[i % sums.length]!)) | 0);

/** Sums of the weights of each row. */
export const rowSums = (w: Int8Array, rows: number): Int32Array =>
  Int32Array.from({ length: rows }, (_, row) =>
    w.subarray((row * w.length) / rows, ((row + 1) * w.length) / rows).reduce((a, b) => a + b, 0),
  );

/** One axis of a depthwise layer. */
export interface PatchAxis {
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
}

const reach = ({ kernel, dilation }: PatchAxis): number => (kernel - 1) * dilation + 1;

/** Elements of an axis that the windows of all outputs see. */
const planeLength = (axis: PatchAxis): number => (axis.out - 1) * axis.stride + reach(axis);

/** Outputs of a block along and across, and how many of them one patch serves. */
interface PatchBlock {
  readonly along: number;
  readonly across: number;
  readonly patches: 1 | 2;
}

/** What an output of a block sees: its place among them. */
type Position = readonly [across: number, along: number];

const positions = ({ along, across }: PatchBlock): Position[] =>
  Array.from({ length: along * across }, (_, n) => [Math.floor(n / along), n % along]);

/** The extent of a patch. */
function patchSize(block: PatchBlock, across: PatchAxis, along: PatchAxis): Position {
  const seen = positions(block).slice(0, 4 / block.patches);
  const extent = (axis: PatchAxis, which: 0 | 1) =>
    Math.max(...seen.map((position) => position[which])) * axis.stride + reach(axis);
  return [extent(across, 0), extent(along, 1)];
}

/** Places are bytes. */
const largestPlace = 255;

export interface Patches {
  /** The head of the weights: places of a patch's bytes, and of the weights of four outputs. */
  readonly table: Int8Array;
  readonly planeBytes: number;
  /** The same where the plane's lines pass by, so many at a time; absent where that saves nothing. */
  readonly passingBytes?: number;
}

/** Which weight of a channel lies at a place of the patch for an output; the zero behind them, else. */
function weightAt(
  [row, column]: Position,
  [i, j]: Position,
  [across, along]: readonly [PatchAxis, PatchAxis],
  tall: boolean,
): number {
  const zero = across.kernel * along.kernel;
  const u = (row - i * across.stride) / across.dilation;
  const v = (column - j * along.stride) / along.dilation;
  const inside = (tap: number, { kernel }: PatchAxis) =>
    Number.isInteger(tap) && tap >= 0 && tap < kernel;
  if (!inside(u, across) || !inside(v, along)) return zero;
  return tall ? v * across.kernel + u : u * along.kernel + v;
}

/**
 * How enn_depthwise_conv2d_s8_patches__mve walks a layer: undefined where 16 bytes hold no patch of
 * two outputs, or the plane's lines are too long.
 *
 * @param plain whether there is one output per channel
 */
export function patchesOf(
  height: PatchAxis,
  width: PatchAxis,
  plain: boolean,
): Patches | undefined {
  const tall = height.out > width.out;
  const [across, along] = tall ? [width, height] : [height, width];
  const both = across.out > 1;
  if (along.out < (both ? 2 : 4)) return undefined;
  const line = planeLength(along);
  const shape = both ? { along: 2, across: 2 } : { along: 4, across: 1 };
  const block = ([1, 2] as const)
    .map((patches): PatchBlock => ({ ...shape, patches }))
    .find((each) => {
      const [high, wide] = patchSize(each, across, along);
      return high * wide <= vector && (high - 1) * line + wide - 1 <= largestPlace;
    });
  if (!block) return undefined;
  const [high, wide] = patchSize(block, across, along);
  const lanes = Array.from(
    { length: vector },
    (_, lane): Position => [Math.floor(lane / wide), lane % wide],
  );
  const places = lanes.map(([row, column]) => (row < high ? row * line + column : 0));
  const seen = positions(block);
  const outputs = seen.map((_, n) => seen[n % (4 / block.patches)]!);
  const weights = outputs.flatMap((output) =>
    lanes.map((lane) => weightAt(lane, output, [across, along], tall)),
  );
  const most = across.stride === 1 ? 16 : 8;
  const passes = plain && !tall && across.out > most + 1;
  return {
    table: Int8Array.from([...places, ...weights]),
    planeBytes: line * planeLength(across),
    ...(passes && { passingBytes: line * (most * across.stride + reach(across)) }),
  };
}

/** Each row with a zero behind it. */
export function zeroEnded(w: Int8Array, rows: number): Int8Array {
  const count = w.length / rows;
  const out = new Int8Array(rows * (count + 1));
  for (let row = 0; row < rows; row++) {
    out.set(w.subarray(row * count, (row + 1) * count), row * (count + 1));
  }
  return out;
}

/** Rows of w[rows][count / width][width] with the last two dimensions exchanged. */
export function transposedRows(w: Int8Array, rows: number, width: number): Int8Array {
  const count = w.length / rows;
  const height = count / width;
  return Int8Array.from(w, (_, i) => {
    const [row, to] = [Math.floor(i / count), i % count];
    return w[row * count + (to % height) * width + Math.floor(to / height)]!;
  });
}

export interface Windows {
  readonly scratchBytes: number;
  /** Whether the window's rows are its columns. */
  readonly transposed: boolean;
}

/**
 * What enn_depthwise_conv2d_s8_windows__mve takes for a layer: undefined where a row of its window is
 * longer than a vector or lies too far apart in the plane, or where there are no four outputs.
 */
export function windowsOf(height: PatchAxis, width: PatchAxis): Windows | undefined {
  if (height.out * width.out < 4) return undefined;
  const tall = height.out > width.out;
  const [across, along] = tall ? [width, height] : [height, width];
  const line = planeLength(along);
  const step = (axis: PatchAxis) => axis.dilation * (axis === along ? 1 : line);
  const transposed = height.kernel < width.kernel;
  const [inner, outer] = transposed ? [height, width] : [width, height];
  const far = (Math.min(4, along.out) - 1) * along.stride;
  const last = (rows: number) => (rows - 1) * step(outer) + (inner.kernel - 1) * step(inner) + far;
  let rows = Math.min(outer.kernel, Math.floor(vector / inner.kernel));
  while (rows > 0 && last(rows) > largestPlace) rows--;
  if (rows === 0) return undefined;
  const vectors = Math.ceil(outer.kernel / rows);
  const behind = (vectors * rows - outer.kernel) * step(outer);
  const planeBytes = line * planeLength(across) + behind;
  return { scratchBytes: (4 + vectors) * vector + planeBytes, transposed };
}
