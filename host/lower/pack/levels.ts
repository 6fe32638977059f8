/**
 * Requantization without a high multiply, for cores whose MULS gives 32 bits only (Armv6-M).
 *
 * An int8 output is a step function of its accumulator: at most 255 thresholds. Any line that passes
 * between the accumulator below each threshold and the one on it gives the same bytes; here one with
 * a slope of two short pieces is looked for, and its equality at every threshold is the proof. With
 * a = acc - origin and f(a) = a high + (a low >> 12), all in unsigned 32 bits, the output is
 *
 *     (f(a) + offset) >> 24           for a in [0, range]
 *     (mirror - offset - f(-a)) >> 24 for -a in [1, under]
 *     127 above, -128 below
 *
 * There are two lines because the second rounding takes halves away from zero: the thresholds of
 * negative sums lie a little lower, as far from the zero point as those of positive sums. The origin
 * belongs into the bias. A slope is stored as one word, high 2^fraction + low 2^(fraction - 12).
 */
import { type Multiplier, multiplyByQuantizedMultiplier } from '../../core/fixed-point.js';

/** Bits of the slope's lower piece as the kernels take it (kernels/c/enn_m0.h). */
const pieceBits = 12;
const piece = 2 ** pieceBits;
/** What one level of the output is on a line. */
const level = 2 ** 24;
const two32 = 2 ** 32;
/** Accumulators and origins whose difference fits int32. */
const room = 2 ** 30;
/** How many slopes beside the factor are tried. */
const slopes = 24;

/** A channel's lines; int32 or, where so large, unsigned 32 bits. */
export interface Line {
  readonly origin: number;
  /** In units of 2^-fraction, 2^24 to a level. */
  readonly slope: number;
  readonly range: number;
  readonly offset: number;
  readonly under: number;
}

/** The lines of a layer's channels. */
export interface Levels {
  readonly lines: readonly Line[];
  readonly fraction: number;
  /** 0 where no channel has a second line. */
  readonly mirror: number;
}

/** Accumulators that a channel can reach: [least, most]. */
export interface Interval {
  readonly least: number;
  readonly most: number;
}

/** The steps of one channel's output. */
interface Steps {
  readonly factor: number;
  readonly bottom: number;
  readonly top: number;
  readonly least: number;
  readonly most: number;
  /** The smallest accumulator whose output is at least v, for v in (bottom, top]. */
  readonly at: ReadonlyMap<number, number>;
}

const clamped = (y: number): number => Math.min(Math.max(y, -128), 127);

/** The smallest x with reaches(x), which is monotone, from an estimate. */
function firstWhere(reaches: (x: number) => boolean, estimate: number): number {
  let below = estimate - 1;
  for (let step = 1; reaches(below); step *= 2) below -= step;
  let step = 1;
  while (!reaches(below + step)) step *= 2;
  for (; step >= 1; step /= 2) if (!reaches(below + step)) below += step;
  return below + 1;
}

function stepsOf(m: Multiplier, zero: number, { least, most }: Interval): Steps {
  const output = (acc: number): number =>
    clamped(zero + multiplyByQuantizedMultiplier(acc, m.multiplier, m.shift));
  const [bottom, top] = [output(least), output(most)];
  const factor = m.multiplier * 2 ** (m.shift - 31);
  const at = new Map<number, number>();
  for (let v = bottom + 1; v <= top; v++) {
    const estimate = Math.max(least + 1, Math.min(most, Math.ceil((v - zero - 0.5) / factor)));
    at.set(
      v,
      firstWhere((acc) => acc > least && output(acc) >= v, estimate),
    );
  }
  return { factor, bottom, top, least, most, at };
}

/** Least and most offset of a line; none fits where most is less. */
interface Room {
  least: number;
  most: number;
}

const lineAt = (a: number, slope: number): number => Math.floor((a * slope) / piece);

/** The offsets with which a line takes the steps above an origin. */
function upperRoom(steps: Steps, origin: number, range: number, slope: number): Room {
  const room = { least: 0, most: (steps.top + 129) * level - 1 - lineAt(range, slope) };
  let first = steps.bottom;
  for (const [v, acc] of steps.at) {
    const [a, number] = [acc - origin, (v + 128) * level];
    if (a <= 0) {
      first = v;
      continue;
    }
    room.least = Math.max(room.least, number - lineAt(a, slope));
    room.most = Math.min(room.most, number - 1 - lineAt(a - 1, slope));
  }
  return { ...room, least: Math.max(room.least, (first + 128) * level) };
}

/** The same below the origin 0; `under` is how far down the line goes. */
function lowerRoom(steps: Steps, under: number, slope: number): Room {
  const room = { least: (steps.bottom + 128) * level + lineAt(under, slope), most: two32 };
  let last = steps.bottom;
  for (const [v, acc] of steps.at) {
    if (acc > 0) break;
    last = v;
    const number = (v + 128) * level;
    room.least = Math.max(room.least, number + lineAt(-acc, slope));
    room.most = Math.min(room.most, number - 1 + lineAt(1 - acc, slope));
  }
  return { ...room, most: Math.min(room.most, (last + 129) * level - 1 + lineAt(1, slope)) };
}

/** An offset as the byte that it is stored in wants it: outputs are 128 less than their numbers. */
const stored = (offset: number): number => (offset + 2 ** 31) % two32;

/** The slopes to be tried, the factor first, in units of 2^-12. */
function* slopesNear(factor: number, fraction: number): Generator<number> {
  const unit = 2 ** (pieceBits - fraction);
  const middle = Math.round((factor * level * piece) / unit);
  for (let k = 0; k <= slopes; k++) {
    const slope = middle + (k % 2 === 0 ? k / 2 : -(k + 1) / 2);
    if (slope >= 0 && slope < two32) yield slope * unit;
  }
}

const fits = (range: number, slope: number): boolean => range * (slope % piece) < two32;

/** One line for all steps. */
function single(steps: Steps, fraction: number): Line | undefined {
  const { bottom, top, least, most, at } = steps;
  const origin = bottom === -128 ? at.get(bottom + 1)! - 1 : least;
  const range = (top === 127 ? at.get(top)! : most) - origin;
  if (Math.abs(origin) > room) return undefined;
  for (const slope of slopesNear(steps.factor, fraction)) {
    if (!fits(range, slope)) continue;
    const offsets = upperRoom(steps, origin, range, slope);
    if (offsets.least > offsets.most) continue;
    const stride = 2 ** (pieceBits - fraction);
    return { origin, slope: slope / stride, range, offset: stored(offsets.least), under: 0 };
  }
  return undefined;
}

/** What both offsets of a channel add up to. */
const mirrorOf = (zero: number): number => (2 * (zero + 128) + 1) * level - 1;

/** A line above 0 and its mirror image below. */
function double(steps: Steps, fraction: number, zero: number): Line | undefined {
  const { bottom, top, least, most, at } = steps;
  const range = top === 127 ? at.get(top)! : most;
  const under = bottom === -128 ? 1 - at.get(bottom + 1)! : -least;
  if (least > 0 || most < 0 || range < 0 || under < 1) return undefined;
  for (const slope of slopesNear(steps.factor, fraction)) {
    if (!fits(Math.max(range, under), slope)) continue;
    const [upper, lower] = [upperRoom(steps, 0, range, slope), lowerRoom(steps, under, slope)];
    const offset = Math.max(upper.least, mirrorOf(zero) - lower.most);
    if (offset > Math.min(upper.most, mirrorOf(zero) - lower.least)) continue;
    const stride = 2 ** (pieceBits - fraction);
    return { origin: 0, slope: slope / stride, range, offset: stored(offset), under };
  }
  return undefined;
}

/** The same output whatever the accumulator. */
const constantLine = (y: number): Line => ({
  ...{ origin: 0, slope: 0, range: two32 - 1 },
  ...{ offset: stored((y + 128) * level), under: 0 },
});

/** The lines of one channel. */
function lineOf(
  steps: Steps,
  fraction: number,
  zero: number,
): { line: Line; mirrored: boolean } | undefined {
  if (steps.bottom === steps.top) return { line: constantLine(steps.bottom), mirrored: false };
  if (steps.least < -room || steps.most > room) return undefined;
  const one = single(steps, fraction);
  if (one) return { line: one, mirrored: false };
  const two = double(steps, fraction, zero);
  return two && { line: two, mirrored: true };
}

/** Bits of a slope's fraction, so that the steepest fits a word. */
const fractionOf = (channels: readonly Steps[]): number => {
  const steep = channels.filter(({ bottom, top }) => bottom < top).map(({ factor }) => factor);
  const most = Math.max(2 ** -31, ...steep) * level;
  return Math.min(pieceBits, Math.floor(Math.log2((two32 - slopes) / most)));
};

/**
 * The lines of a layer.
 *
 * @param multipliers of each channel
 * @param zero of the output
 * @param reaches of each channel's accumulators
 * @returns undefined when some channel has accumulators too many for 32 bits
 */
export function levelsOf(
  multipliers: readonly Multiplier[],
  zero: number,
  reaches: readonly Interval[],
): Levels | undefined {
  const channels = multipliers.map((m, i) => stepsOf(m, zero, reaches[i]!));
  const fraction = fractionOf(channels);
  if (fraction < 1) return undefined;
  const lines: Line[] = [];
  let mirror = 0;
  for (const steps of channels) {
    const found = lineOf(steps, fraction, zero);
    if (!found) return undefined;
    lines.push(found.line);
    if (found.mirrored) mirror = mirrorOf(zero) % two32;
  }
  return { lines, fraction, mirror };
}
