/**
 * Requantization without a high multiply, for cores whose MULS gives 32 bits only (Armv6-M).
 *
 * An int8 output is a step function of its accumulator: at most 255 thresholds. Any line that passes
 * between the accumulator below each threshold and the one on it gives the same bytes; here one with
 * a slope of two short pieces is looked for, and its equality at every threshold is the proof. With
 * a = acc - origin and f(a) = a high + (a low >> 12), all in unsigned 32 bits, the output is
 *
 *     (f(a) + offset) >> 24           for a in [0, range]
 *     (under_offset - f(-a)) >> 24    for -a in [1, under]
 *     127 above, -128 below
 *
 * There are two lines because the second rounding takes halves away from zero: the thresholds of
 * negative sums lie a little lower. The origin belongs into the bias.
 */
import { type Multiplier, multiplyByQuantizedMultiplier } from '../core/fixed-point.js';

/** Bits of the slope's lower piece; kernels/c/enn_m0.h has the same number. */
const fractionBits = 12;
const piece = 2 ** fractionBits;
/** What one level of the output is on a line. */
const level = 2 ** 24;
const two32 = 2 ** 32;
/** Accumulators and origins whose difference fits int32. */
const room = 2 ** 30;
/** How many slopes beside the factor are tried. */
const slopes = 24;

/** All of it int32 or, where so large, unsigned 32 bits. */
export interface Levels {
  readonly origin: number;
  readonly low: number;
  readonly high: number;
  readonly range: number;
  readonly offset: number;
  readonly under: number;
  readonly underOffset: number;
}

/** Accumulators that a channel can reach: [least, most]. */
export interface Interval {
  readonly least: number;
  readonly most: number;
}

/** The steps of one channel's output. */
interface Steps {
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
  return { bottom, top, least, most, at };
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

/** The slopes to be tried, the factor first. */
function* slopesNear(factor: number): Generator<number> {
  const middle = Math.round(factor * level * piece);
  for (let k = 0; k <= slopes; k++) yield middle + (k % 2 === 0 ? k / 2 : -(k + 1) / 2);
}

const fits = (range: number, slope: number): boolean =>
  slope >= 0 && range * (slope % piece) < two32;

/** One line for all steps. */
function single(steps: Steps, factor: number): Levels | undefined {
  const { bottom, top, least, most, at } = steps;
  const origin = bottom === -128 ? at.get(bottom + 1)! - 1 : least;
  const range = (top === 127 ? at.get(top)! : most) - origin;
  if (Math.abs(origin) > room) return undefined;
  for (const slope of slopesNear(factor)) {
    const offsets = upperRoom(steps, origin, range, slope);
    if (!fits(range, slope) || offsets.least > offsets.most) continue;
    const pieces = { low: slope % piece, high: Math.floor(slope / piece) };
    return { origin, ...pieces, range, offset: stored(offsets.least), under: 0, underOffset: 0 };
  }
  return undefined;
}

/** A line above 0 and one below. */
function double(steps: Steps, factor: number): Levels | undefined {
  const { bottom, top, least, most, at } = steps;
  const range = top === 127 ? at.get(top)! : most;
  const under = bottom === -128 ? 1 - at.get(bottom + 1)! : -least;
  if (least > 0 || most < 0 || range < 0 || under < 1) return undefined;
  for (const slope of slopesNear(factor)) {
    const [upper, lower] = [upperRoom(steps, 0, range, slope), lowerRoom(steps, under, slope)];
    if (!fits(Math.max(range, under), slope)) continue;
    if (upper.least > upper.most || lower.least > lower.most) continue;
    const pieces = { low: slope % piece, high: Math.floor(slope / piece) };
    const offsets = { offset: stored(upper.least), underOffset: stored(lower.least) };
    return { origin: 0, ...pieces, range, under, ...offsets };
  }
  return undefined;
}

/** The same output whatever the accumulator. */
const constantLevel = (y: number): Levels => ({
  ...{ origin: 0, low: 0, high: 0, range: two32 - 1 },
  ...{ offset: stored((y + 128) * level), under: 0, underOffset: 0 },
});

/**
 * The lines of a channel.
 *
 * @returns undefined when its accumulators are too many for 32 bits
 */
export function levelsOf(m: Multiplier, zero: number, reach: Interval): Levels | undefined {
  const steps = stepsOf(m, zero, reach);
  if (steps.bottom === steps.top) return constantLevel(steps.bottom);
  if (reach.least < -room || reach.most > room) return undefined;
  const factor = m.multiplier * 2 ** (m.shift - 31);
  return single(steps, factor) ?? double(steps, factor);
}
