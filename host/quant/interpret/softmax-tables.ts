/**
 * The two tables of an int16 softmax: exp(x) for x in [-10, 0] and 1 / (1 + x) for x in [0, 1], both
 * Q0.15, at 513 points that int16 arguments interpolate between. They are the same for every model.
 *
 * Source: LUTPopulate and LUTLookup of TensorFlow Lite, in its float32 arithmetic.
 */
import { roundAway } from '../../scheme/affine.js';

const f = Math.fround;
const [least, most] = [-32768, 32767];
const span = most - least;
const steps = 512;

const stored = (x: number): number => Math.min(Math.max(x, least), most);

/**
 * A function's table: each point, less half of what interpolation is off in the middle of the step
 * behind it.
 *
 * @param scale of the arguments; `zero` their zero point
 */
function lookupTable(scale: number, zero: number, of: (x: number) => number): Int16Array {
  const outScale = f(2 / span);
  const [inMin, inMax] = [f(scale * (least - zero)), f(scale * (most - zero))];
  const [outMin, outMax] = [f(outScale * least), f(outScale * most)];
  const step = f(f(inMax - inMin) / steps);
  const inverse = f((span + 1) / f(outMax - outMin));
  const at = (i: number): number => f(inMin + f(i * step));
  const value = (x: number): number => f(f(of(x)) * inverse);
  const table = Int16Array.from({ length: steps + 1 }, (_, i) => {
    const sample = roundAway(value(at(i)));
    const between = roundAway(f(f(value(at(i + 1)) + sample) / 2));
    const middle = roundAway(value(f(at(i) + f(step / 2))));
    return stored(sample - roundAway(f((between - middle) / 2)));
  });
  table[steps] = stored(roundAway(value(inMax)));
  return table;
}

export const expTable = lookupTable(f(10 / span), most, Math.exp);
export const reciprocalTable = lookupTable(f(1 / span), least, (x) => f(1 / f(1 + x)));

/** A table's value at an int16, between its points on a straight line. */
export function lookup(table: Int16Array, x: number): number {
  const index = 256 + (x >> 7);
  const base = table[index]!;
  const slope = table[index + 1]! - base;
  return base + ((slope * (x & 0x7f) + 64) >> 7);
}
