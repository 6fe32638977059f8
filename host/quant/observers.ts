/**
 * Observers: from the numbers that pass a value during calibration to the range that its integers
 * shall cover.
 */
import { joinRanges, type Range, rangeOf } from '../scheme/affine.js';

export interface Observer {
  add(data: ArrayLike<number>): void;
  /** The range of what was added; 0 to 0 where nothing was. */
  range(): Range;
}

/** All numbers that were seen. */
function minMax(): Observer {
  let seen: Range | undefined;
  return {
    add(data) {
      const range = rangeOf(data);
      seen = seen ? joinRanges(seen, range) : range;
    },
    range: () => seen ?? { min: 0, max: 0 },
  };
}

const bins = 4096;

interface Histogram extends Observer {
  /** Bin i holds the numbers from (i - bins / 2) * width on. */
  readonly counts: Float64Array;
  width(): number;
}

/** Counts over bins of one width around 0; the width doubles as larger numbers arrive. */
function histogram(): Histogram {
  const extremes = minMax();
  const counts = new Float64Array(bins);
  let width = 2 ** -40;

  /** Pairs of bins become one; those of the middle stay in the middle. */
  function widen(): void {
    const old = counts.slice();
    counts.fill(0);
    for (let i = 0; i < bins; i++) counts[bins / 4 + (i >> 1)]! += old[i]!;
    width *= 2;
  }

  return {
    counts,
    width: () => width,
    range: extremes.range,
    add(data) {
      extremes.add(data);
      const { min, max } = extremes.range();
      while (Math.max(-min, max) >= (bins / 2) * width) widen();
      for (let i = 0; i < data.length; i++) counts[bins / 2 + Math.floor(data[i]! / width)]!++;
    },
  };
}

/** The range without the given fraction of the numbers at either end. */
const percentile = (tail: number) => (): Observer => {
  const seen = histogram();
  return {
    add: seen.add,
    range() {
      const { counts } = seen;
      const { min, max } = seen.range();
      const total = counts.reduce((sum, n) => sum + n, 0);
      const end = (order: readonly number[]): number => {
        let sum = 0;
        return order.find((i) => (sum += counts[i]!) > tail * total) ?? bins / 2;
      };
      const upward = Array.from(counts.keys());
      const low = (end(upward) - bins / 2) * seen.width();
      const high = (end(upward.toReversed()) + 1 - bins / 2) * seen.width();
      return { min: Math.max(min, low), max: Math.min(max, high) };
    },
  };
};

/** Mean squared error of rounding to 255 steps within the range, times the count. */
function quantizationError(seen: Histogram, { min, max }: Range): number {
  const step = (max - min) / 255;
  let sum = 0;
  for (let i = 0; i < bins; i++) {
    const n = seen.counts[i]!;
    if (n === 0) continue;
    const x = (i + 0.5 - bins / 2) * seen.width();
    const outside = x < min ? min - x : x > max ? x - max : 0;
    // Uniform rounding errors have the variance step^2 / 12.
    sum += n * (outside > 0 ? outside ** 2 : step ** 2 / 12);
  }
  return sum;
}

/** Of a range and those with one end drawn in, the one with the least error. */
function drawIn(seen: Histogram, whole: Range, end: 'min' | 'max'): Range {
  let best = whole;
  let least = quantizationError(seen, whole);
  for (let percent = 98; percent >= 10; percent -= 2) {
    const range = { ...whole, [end]: (whole[end] * percent) / 100 };
    const error = quantizationError(seen, range);
    if (error < least) [least, best] = [error, range];
  }
  return best;
}

/** The range whose rounding and saturation errors are least: one end is drawn in, then the other. */
function leastSquares(): Observer {
  const seen = histogram();
  return {
    add: seen.add,
    range() {
      const { min, max } = seen.range();
      const whole = { min: Math.min(min, 0), max: Math.max(max, 0) };
      const far = max > -min ? 'max' : 'min';
      return drawIn(seen, drawIn(seen, whole, far), far === 'max' ? 'min' : 'max');
    },
  };
}

/** By the names of `--observer`. */
export const observers = {
  minMax,
  /** Without the outermost 0.01 % at either end. */
  percentile: percentile(1e-4),
  mse: leastSquares,
} as const satisfies Readonly<Record<string, () => Observer>>;

export type ObserverName = keyof typeof observers;
