/**
 * Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy
 * as 1, 2, 3", SC 2011). A number is a pure function of (seed, purpose, epoch, step, index); there
 * is no generator state to save, and any part can be computed on any thread or device.
 */

/** What a stream of numbers is for; streams of different purposes are independent. */
const purposes = {
  initialize: 1,
  shuffle: 2,
  dropout: 3,
  augment: 4,
  split: 5,
  calibrate: 6,
  test: 7,
} as const;

export type Purpose = keyof typeof purposes;

export interface RandomKey {
  readonly seed: number;
  readonly purpose: Purpose;
  readonly epoch?: number;
  readonly step?: number;
  /** Tells apart users of one purpose, such as the dropout layers of a network. */
  readonly stream?: number;
}

const m0 = 0xd2511f53;
const m1 = 0xcd9e8d57;
const w0 = 0x9e3779b9;
const w1 = 0xbb67ae85;

const low = (a: number, b: number): number => Math.imul(a, b) >>> 0;

/** Upper half of the 64-bit product of two unsigned 32-bit numbers. */
function high(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const mid = a1 * b0 + ((a0 * b0) >>> 16);
  const mid2 = (mid & 0xffff) + a0 * b1;
  return (a1 * b1 + Math.floor(mid / 65536) + Math.floor(mid2 / 65536)) >>> 0;
}

/** Four 32-bit words from a counter of four words and a key of two. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const h0 = high(m0, c0);
    const h1 = high(m1, c2);
    [c0, c1, c2, c3] = [(h1 ^ c1 ^ k0) >>> 0, low(m1, c2), (h0 ^ c3 ^ k1) >>> 0, low(m0, c0)];
    k0 = (k0 + w0) >>> 0;
    k1 = (k1 + w1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * The `index`-th 32-bit word of a stream. Layout: key = [seed, purpose], counter =
 * [index / 4, step, epoch, stream], word index mod 4; kernels/c/enn_f32_random.h uses the same.
 */
export function randomBits(key: RandomKey, index: number): number {
  const { seed, purpose, epoch = 0, step = 0, stream = 0 } = key;
  const block = Math.floor(index / 4);
  const words = philox(
    [block >>> 0, step >>> 0, epoch >>> 0, stream >>> 0],
    [seed >>> 0, purposes[purpose]],
  );
  return words[index % 4]!;
}

/** A number in [0, 1) with 24 bits, exact in float32. */
export const randomUniform = (key: RandomKey, index: number): number =>
  (randomBits(key, index) >>> 8) / 0x1000000;

/** An integer in [0, n). The bias of the multiplication is below n / 2^32. */
export const randomInt = (key: RandomKey, index: number, n: number): number =>
  Math.floor((randomBits(key, index) / 0x100000000) * n);

/** A standard normal number (Box-Muller over words 2 * index and 2 * index + 1). */
export function randomNormal(key: RandomKey, index: number): number {
  const u = (randomBits(key, 2 * index) + 1) / 0x100000000;
  const v = randomBits(key, 2 * index + 1) / 0x100000000;
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
}

/** The first `count` numbers of randomNormal, computed two at a time. */
export function randomNormals(key: RandomKey, count: number): Float64Array {
  const { seed, purpose, epoch = 0, step = 0, stream = 0 } = key;
  const out = new Float64Array(count);
  for (let i = 0; i < count; i += 2) {
    const words = philox(
      [(i / 2) >>> 0, step >>> 0, epoch >>> 0, stream >>> 0],
      [seed >>> 0, purposes[purpose]],
    );
    for (let k = 0; k < Math.min(2, count - i); k++) {
      const u = (words[2 * k]! + 1) / 0x100000000;
      const v = words[2 * k + 1]! / 0x100000000;
      out[i + k] = Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
    }
  }
  return out;
}

/** A permutation of 0 .. n-1 (Fisher-Yates). */
export function randomPermutation(key: RandomKey, n: number): Uint32Array {
  const out = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = randomInt(key, i, i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}
