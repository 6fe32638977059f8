/**
 * Tables of discrete Fourier transforms, as the structs of kernels/c/enn_f32_fft.h hold them.
 */
import { f32 } from './kernel-call.js';

/** ENN_FFT_STAGES and ENN_FFT_RADIX of the header. */
const mostStages = 16;
const radices = [4, 2, 3, 5, 7, 11, 13];

/** The passes of a length, or undefined when it has a larger prime factor. */
function factorsOf(n: number): number[] | undefined {
  const out: number[] = [];
  let left = n;
  for (const radix of radices) {
    for (; left % radix === 0; left /= radix) out.push(radix);
  }
  return left === 1 && out.length <= mostStages ? out : undefined;
}

/** The struct `enn_f32_fft_length`. */
function lengthParams(n: number): number[] {
  const factors = factorsOf(n) ?? [];
  const filled = [...factors, ...new Array<number>(mostStages - factors.length).fill(0)];
  return [n, factors.length, ...filled];
}

/** cos and sin of turn * k / n, in float64. */
function unit(turn: number, k: number, n: number): [number, number] {
  const angle = (turn * Math.PI * k) / n;
  return [Math.cos(angle), Math.sin(angle)];
}

const roots = (turn: number, n: number): number[] =>
  Array.from({ length: n }, (_, k) => unit(turn, k, n)).flat();

/** Whether a length consists of small factors: the convolution's transforms have such lengths. */
const isSmooth = (n: number): boolean =>
  (factorsOf(n) ?? [radices.at(-1)!]).every((factor) => factor <= 5);

/** The next length of at least n whose factors are 2, 3 and 5. */
export function nextLength(n: number): number {
  let out = n;
  while (!isSmooth(out)) out++;
  return out;
}

/** The two lengths of a plane with their roots: the end of `enn_f32_conv_fft`. */
export const planeParams = (rows: number, columns: number): number[] => [
  ...lengthParams(rows),
  ...lengthParams(columns),
  ...[...roots(-2, rows), ...roots(-2, columns)].map(f32),
];

/** In place, of a power of two, in float64: decimation in frequency, then bit reversal. */
function transform(re: Float64Array, im: Float64Array): void {
  const n = re.length;
  for (let half = n / 2; half >= 1; half /= 2) {
    for (let i = 0; i < n; i++) {
      if ((i & half) !== 0) continue;
      const [cos, sin] = unit(-1, i % half, half);
      const [dr, di] = [re[i]! - re[i + half]!, im[i]! - im[i + half]!];
      re[i]! += re[i + half]!;
      im[i]! += im[i + half]!;
      re[i + half] = dr * cos - di * sin;
      im[i + half] = dr * sin + di * cos;
    }
  }
  for (let i = 0, j = 0; i < n; i++) {
    if (i < j) {
      [re[i], re[j]] = [re[j]!, re[i]!];
      [im[i], im[j]] = [im[j]!, im[i]!];
    }
    let bit = n / 2;
    for (; (j & bit) !== 0; bit /= 2) j -= bit;
    j += bit;
  }
}

/** Bluestein's tables for a length n: the chirp, and the transform of its conjugate over m. */
function chirpTables(n: number, m: number, turn: number): number[] {
  // i^2 modulo 2 n keeps the angle small and exact.
  const chirp = Array.from({ length: n }, (_, i) => unit(turn, (i * i) % (2 * n), 2 * n));
  const [re, im] = [new Float64Array(m), new Float64Array(m)];
  chirp.forEach(([cos, sin], i) => {
    re[i] = re[(m - i) % m] = cos / m;
    im[i] = im[(m - i) % m] = -sin / m;
  });
  transform(re, im);
  return [...chirp.flat(), ...Array.from(re, (value, i) => [value, im[i]!]).flat()];
}

/** The struct `enn_f32_fft` of `rows` transforms of length n. */
export function fftParams(rows: number, n: number, inverse: boolean): number[] {
  const head = [rows, n, f32(inverse ? 1 / n : 1), f32(inverse ? -1 : 1)];
  const turn = inverse ? 2 : -2;
  if (factorsOf(n)) return [...head, ...lengthParams(n), ...roots(turn, n).map(f32)];
  const m = 2 ** Math.ceil(Math.log2(2 * n - 1));
  const tables = [...roots(-2, m), ...chirpTables(n, m, turn)];
  return [...head, ...lengthParams(m), ...tables.map(f32)];
}
