/**
 * Augmentation: small random changes of the inputs of a training, in the order shift, flip, noise,
 * cutout. What an example becomes is a pure function of (seed, epoch, its number), so a resumed
 * training sees the same bytes as one that was not interrupted.
 */
import { UsageError } from '../core/errors.js';
import { type RandomKey, randomBits, randomInt, randomNormals } from '../core/random.js';
import { elements, formatShape, type Shape } from '../core/shape.js';
import type { Augmentation } from '../front/augmentation.js';
import type { Dataset, InputGrid } from './dataset.js';

/** Which example of which epoch; the same key gives the same numbers. */
export interface AugmentKey {
  readonly seed: number;
  readonly epoch: number;
  /** The number of the example in its dataset. */
  readonly index: number;
}

/** Height, width and channels of an input. */
type Extent = readonly [number, number, number];

const usage = (what: string): UsageError =>
  new UsageError(what, {
    hint: 'An augmentation is a list such as shift=2,flip,noise=0.05,cutout=4; shift=2x0 shifts rows only.',
    where: '--augment',
  });

/** Streams tell the random numbers of one example apart. */
const streams = { shift: 1, flip: 2, noise: 3, cutout: 4 } as const;

const keyOf = ({ seed, epoch, index }: AugmentKey, stream: keyof typeof streams): RandomKey => ({
  ...{ seed, epoch, purpose: 'augment', step: index, stream: streams[stream] },
});

const atLeast = (least: number, whole: boolean) => (n: unknown) =>
  typeof n === 'number' && n >= least && (whole ? Number.isInteger(n) : Number.isFinite(n));

const isPair = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && value.every(atLeast(0, true));

const checks: { readonly [K in keyof Augmentation]-?: (value: unknown) => boolean } = {
  shift: (value) => atLeast(0, true)(value) || isPair(value),
  flip: (value) => typeof value === 'boolean',
  noise: atLeast(0, false),
  cutout: atLeast(1, true),
};

/** The same augmentation, checked. @throws UsageError naming the part that is wrong */
function requireAugmentation(augmentation: Augmentation): Augmentation {
  for (const [name, value] of Object.entries(augmentation)) {
    const check = Object.hasOwn(checks, name) ? checks[name as keyof Augmentation] : undefined;
    if (!check) throw usage(`there is no augmentation '${name}'`);
    if (value !== undefined && !check(value)) {
      throw usage(`augmentation ${name} cannot be ${JSON.stringify(value)}`);
    }
  }
  return augmentation;
}

/** Reads `shift=2,flip,noise=0.05,cutout=4`. @throws UsageError */
export function parseAugmentation(text: string): Augmentation {
  const parts = text.split(',').map((part) => part.trim().split('='));
  const entries = parts.map(([name = '', value, ...more]) => {
    if (more.length > 0) throw usage(`cannot read '${[name, value, ...more].join('=')}'`);
    if (name === 'flip' && value === undefined) return [name, true] as const;
    if (!Object.hasOwn(checks, name)) throw usage(`there is no augmentation '${name}'`);
    if (value === undefined || value === '') throw usage(`augmentation '${name}' needs a number`);
    const [, rows, columns] = /^(\d+)x(\d+)$/.exec(value) ?? [];
    const pair =
      name === 'shift' && rows !== undefined ? [Number(rows), Number(columns)] : undefined;
    return [name, pair ?? Number(value)] as const;
  });
  return requireAugmentation(Object.fromEntries(entries));
}

/** Rows and columns of an input; a list has neither. */
function extentOf(shape: Shape): Extent | undefined {
  if (shape.length === 2) return [shape[0]!, shape[1]!, 1];
  return shape.length === 3 ? [shape[0]!, shape[1]!, shape[2]!] : undefined;
}

/** @throws UsageError where the inputs have no rows and columns to shift, flip or cut */
function requireExtent({ shift, flip, cutout }: Augmentation, shape: Shape): void {
  if (extentOf(shape) || !(shift || flip || cutout)) return;
  throw usage(
    `inputs of shape ${formatShape(shape)} have no rows and columns to shift, flip or cut out of`,
  );
}

/** Moves an image by whole pixels; what comes in from outside is 0. */
function shifted(x: Float32Array, [h, w, c]: Extent, dy: number, dx: number): Float32Array {
  const out = new Float32Array(x.length);
  const [left, right] = [Math.max(0, dx), Math.min(w, w + dx)];
  for (let y = Math.max(0, dy); y < Math.min(h, h + dy); y++) {
    if (right <= left) break;
    const from = ((y - dy) * w + left - dx) * c;
    out.set(x.subarray(from, from + (right - left) * c), (y * w + left) * c);
  }
  return out;
}

/** Left and right exchanged. */
function flipped(x: Float32Array, [h, w, c]: Extent): Float32Array {
  const out = new Float32Array(x.length);
  for (let y = 0; y < h; y++) {
    for (let column = 0; column < w; column++) {
      const from = (y * w + column) * c;
      out.set(x.subarray(from, from + c), (y * w + w - 1 - column) * c);
    }
  }
  return out;
}

/** Adds normal noise; inputs on a grid stay within its range. */
function noisy(x: Float32Array, deviation: number, key: RandomKey, grid?: InputGrid): Float32Array {
  const least = grid ? grid.scale * (-128 - grid.zeroPoint) : Number.NEGATIVE_INFINITY;
  const most = grid ? grid.scale * (127 - grid.zeroPoint) : Number.POSITIVE_INFINITY;
  const noise = randomNormals(key, x.length);
  return x.map((value, i) => Math.min(most, Math.max(least, value + deviation * noise[i]!)));
}

/** A square of zeros around a random pixel; at the borders a part of it lies outside. */
function cutOut(x: Float32Array, [h, w, c]: Extent, side: number, key: RandomKey): Float32Array {
  const out = x.slice();
  const top = randomInt(key, 0, h) - Math.floor(side / 2);
  const left = randomInt(key, 1, w) - Math.floor(side / 2);
  const [first, last] = [Math.max(0, left), Math.min(w, left + side)];
  for (let y = Math.max(0, top); y < Math.min(h, top + side); y++) {
    out.fill(0, (y * w + first) * c, (y * w + last) * c);
  }
  return out;
}

/**
 * One augmented example; the input is not changed.
 *
 * @param x in real units
 * @param shape `[H, W, C]`, or `[H, W]` of one channel; only noise is for other shapes
 * @param grid where inputs are bytes: noise does not leave their range
 * @throws UsageError for an augmentation that is wrong, or does not fit the shape
 */
export function augmentExample(
  x: Float32Array,
  shape: Shape,
  augmentation: Augmentation,
  key: AugmentKey,
  grid?: InputGrid,
): Float32Array {
  requireExtent(requireAugmentation(augmentation), shape);
  const { shift, flip, noise, cutout } = augmentation;
  const extent = extentOf(shape) ?? [1, 1, elements(shape)];
  let out = x;
  if (shift) {
    const [rows, columns] = typeof shift === 'number' ? [shift, shift] : shift;
    const random = keyOf(key, 'shift');
    const dy = randomInt(random, 0, 2 * rows + 1) - rows;
    const dx = randomInt(random, 1, 2 * columns + 1) - columns;
    out = shifted(out, extent, dy, dx);
  }
  if (flip && randomBits(keyOf(key, 'flip'), 0) % 2 === 1) out = flipped(out, extent);
  if (noise) out = noisy(out, noise, keyOf(key, 'noise'), grid);
  if (cutout) out = cutOut(out, extent, cutout, keyOf(key, 'cutout'));
  return out;
}

/**
 * A dataset whose inputs are augmented where an epoch asks for them; asked without an epoch, as
 * calibration and evaluation do, it gives them as they are.
 *
 * @throws UsageError for an augmentation that is wrong, or does not fit the inputs
 */
export function augmented(dataset: Dataset, augmentation: Augmentation, seed: number): Dataset {
  const { name, count, inputShape, target, classNames, grid } = dataset;
  requireExtent(requireAugmentation(augmentation), inputShape);
  const width = elements(inputShape);
  return {
    ...{ name, count, inputShape, target },
    ...(classNames && { classNames }),
    ...(grid && { grid }),
    labels: (indices) => dataset.labels(indices),
    targets: (indices) => dataset.targets(indices),
    get hash() {
      return `${dataset.hash} with ${JSON.stringify(augmentation)} by seed ${seed}`;
    },
    inputs(indices, epoch) {
      const out = dataset.inputs(indices);
      if (epoch === undefined) return out;
      for (let i = 0; i < indices.length; i++) {
        const key = { seed, epoch, index: indices[i]! };
        const x = out.subarray(i * width, (i + 1) * width);
        out.set(augmentExample(x, inputShape, augmentation, key, grid), i * width);
      }
      return out;
    },
  };
}
