/**
 * Mel-frequency cepstral coefficients, with the arithmetic of TensorFlow's tf.signal as MLPerf
 * Tiny's keyword spotting uses it, in double precision:
 *
 *     x      clip / max(clip), padded with zeros or cut to `samples`
 *     frames of `window` samples, one every `hop`, times a periodic Hann window
 *     s      magnitude of the real FFT of `fft` points (frames padded with zeros)
 *     m      log(s . M + 1e-6), M triangles on the HTK mel scale, 1127 ln(1 + f / 700)
 *     c      the first `coefficients` of the DCT-II of m, times sqrt(2 / mels)
 *
 * Source: mlcommons/tiny benchmark/training/keyword_spotting/get_dataset.py;
 * tf.signal.linear_to_mel_weight_matrix and mfccs_from_log_mel_spectrograms.
 */
import { UsageError } from '../core/errors.js';

export interface MfccOptions {
  /** Samples per second; default 16000. */
  readonly rate?: number | undefined;
  /** Of a clip; default 1. */
  readonly seconds?: number | undefined;
  /** Milliseconds; default 30. */
  readonly window?: number | undefined;
  /** Milliseconds; default 20. */
  readonly hop?: number | undefined;
  /** Points, a power of two; default the first that holds a window. */
  readonly fft?: number | undefined;
  /** Triangles between `low` and `high`; default 40. */
  readonly mels?: number | undefined;
  /** Hz; default 20. */
  readonly low?: number | undefined;
  /** Hz; default 4000. */
  readonly high?: number | undefined;
  /** Kept coefficients; default 10. */
  readonly coefficients?: number | undefined;
}

/** A front end: numbers of a clip in, features out. */
export interface Mfcc {
  /** [frames, coefficients] */
  readonly shape: readonly [number, number];
  /** Samples of a clip that are looked at. */
  readonly samples: number;
  /** The features of one clip of any length and any scale. */
  features(clip: ArrayLike<number>): Float32Array;
}

const mel = (hz: number): number => 1127 * Math.log(1 + hz / 700);

/** Added to a magnitude before its logarithm. */
const floor = 1e-6;

const wrong = (what: string): UsageError =>
  new UsageError(`the MFCC front end cannot have ${what}`, {
    hint: 'Mend rate, seconds, window, hop, fft, mels, low, high or coefficients of the data.',
  });

interface Plan {
  readonly rate: number;
  readonly samples: number;
  readonly window: number;
  readonly hop: number;
  readonly fft: number;
  readonly mels: number;
  readonly low: number;
  readonly high: number;
  readonly coefficients: number;
  readonly frames: number;
}

function planOf(options: MfccOptions): Plan {
  const { rate = 16000, mels = 40, low = 20, high = 4000, coefficients = 10 } = options;
  const inSamples = (ms: number): number => Math.round((ms * rate) / 1000);
  const samples = inSamples(1000 * (options.seconds ?? 1));
  const window = inSamples(options.window ?? 30);
  const hop = inSamples(options.hop ?? 20);
  const fft = options.fft ?? 2 ** Math.ceil(Math.log2(Math.max(2, window)));
  const frames = Math.floor((samples - window) / hop) + 1;
  if (window < 1 || hop < 1) throw wrong(`a window of ${window} and a hop of ${hop} samples`);
  if (frames < 1) throw wrong(`a window of ${window} samples in a clip of ${samples}`);
  if (!Number.isInteger(Math.log2(fft)) || fft < window) {
    throw wrong(`an FFT of ${fft} points for a window of ${window} samples`);
  }
  if (!(low < high && high <= rate / 2)) {
    throw wrong(`frequencies from ${low} to ${high} Hz at ${rate} samples per second`);
  }
  if (coefficients > mels) throw wrong(`${coefficients} coefficients of ${mels} triangles`);
  return { rate, samples, window, hop, fft, mels, low, high, coefficients, frames };
}

/** A row of a matrix: the weights of some neighbouring numbers, the others being 0. */
interface Band {
  readonly first: number;
  readonly weights: Float64Array;
}

/** The mel matrix; its first bin, the constant part, is left out. */
function trianglesOf({ rate, fft, mels, low, high }: Plan): Band[] {
  const bins = fft / 2 + 1;
  const binMel = Float64Array.from({ length: bins }, (_, k) => mel((k * rate) / fft));
  const [from, to] = [mel(low), mel(high)];
  const edge = (i: number): number => from + (i * (to - from)) / (mels + 1);
  return Array.from({ length: mels }, (_, i) => {
    const [l, c, u] = [edge(i), edge(i + 1), edge(i + 2)];
    const all = Array.from(binMel, (m, k) =>
      k === 0 ? 0 : Math.max(0, Math.min((m - l) / (c - l), (u - m) / (u - c))),
    );
    const first = Math.max(
      0,
      all.findIndex((w) => w > 0),
    );
    return {
      first,
      weights: Float64Array.from(all.slice(first, all.findLastIndex((w) => w > 0) + 1)),
    };
  });
}

/** The product of a row and a vector. */
function dot({ first, weights }: Band, x: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < weights.length; k++) sum += weights[k]! * x[first + k]!;
  return sum;
}

/** In-place radix-2 FFT (Cooley and Tukey 1965) of a power of two of points. */
function fftInPlace(
  re: Float64Array,
  im: Float64Array,
  cos: Float64Array,
  sin: Float64Array,
): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j]!, re[i]!];
      [im[i], im[j]] = [im[j]!, im[i]!];
    }
  }
  for (let half = 1; half < n; half *= 2) {
    const step = n / (2 * half);
    for (let start = 0; start < n; start += 2 * half) {
      for (let k = 0; k < half; k++) {
        const [a, b] = [start + k, start + k + half];
        const [c, s] = [cos[k * step]!, sin[k * step]!];
        const xr = re[b]! * c - im[b]! * s;
        const xi = re[b]! * s + im[b]! * c;
        re[b] = re[a]! - xr;
        im[b] = im[a]! - xi;
        re[a] = re[a]! + xr;
        im[a] = im[a]! + xi;
      }
    }
  }
}

/** The clip divided by its largest number (not by its largest magnitude), padded or cut. */
function normalized(clip: ArrayLike<number>, samples: number): Float64Array {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < clip.length; i++) most = Math.max(most, clip[i]!);
  const out = new Float64Array(samples);
  if (most === 0 || clip.length === 0) return out;
  const count = Math.min(samples, clip.length);
  for (let i = 0; i < count; i++) out[i] = clip[i]! / most;
  return out;
}

const table = (length: number, f: (i: number) => number): Float64Array =>
  Float64Array.from({ length }, (_, i) => f(i));

/** The magnitudes of the bins of one frame. */
function spectrumOf({ window, fft }: Plan) {
  const hann = table(window, (i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / window));
  const cos = table(fft / 2, (i) => Math.cos((2 * Math.PI * i) / fft));
  const sin = table(fft / 2, (i) => -Math.sin((2 * Math.PI * i) / fft));
  const [re, im] = [new Float64Array(fft), new Float64Array(fft)];
  const magnitudes = new Float64Array(fft / 2 + 1);
  return (x: Float64Array, start: number): Float64Array => {
    re.fill(0);
    im.fill(0);
    for (let i = 0; i < window; i++) re[i] = x[start + i]! * hann[i]!;
    fftInPlace(re, im, cos, sin);
    for (let k = 0; k < magnitudes.length; k++) {
      magnitudes[k] = Math.sqrt(re[k]! * re[k]! + im[k]! * im[k]!);
    }
    return magnitudes;
  };
}

/** The rows of the DCT-II that are kept. */
const cosinesOf = ({ coefficients, mels }: Plan): Band[] =>
  Array.from({ length: coefficients }, (_, c) => ({
    first: 0,
    weights: table(
      mels,
      (k) => (2 * Math.cos((Math.PI * (2 * k + 1) * c) / (2 * mels))) / Math.sqrt(2 * mels),
    ),
  }));

/**
 * Prepares the front end. With the defaults a clip of 16,000 samples becomes [49, 10], the input of
 * MLPerf Tiny's keyword spotting.
 *
 * @throws UsageError for options that do not go together
 */
export function createMfcc(options: MfccOptions = {}): Mfcc {
  const plan = planOf(options);
  const { samples, hop, mels, coefficients, frames } = plan;
  const spectrum = spectrumOf(plan);
  const triangles = trianglesOf(plan);
  const cosines = cosinesOf(plan);
  const logs = new Float64Array(mels);
  return {
    shape: [frames, coefficients],
    samples,
    features(clip) {
      const x = normalized(clip, samples);
      const out = new Float32Array(frames * coefficients);
      for (let f = 0; f < frames; f++) {
        const magnitudes = spectrum(x, f * hop);
        for (let m = 0; m < mels; m++) logs[m] = Math.log(dot(triangles[m]!, magnitudes) + floor);
        for (let c = 0; c < coefficients; c++) out[f * coefficients + c] = dot(cosines[c]!, logs);
      }
      return out;
    },
  };
}

/** The features of one clip: [frames, coefficients]. */
export const mfcc = (clip: ArrayLike<number>, options: MfccOptions = {}): Float32Array =>
  createMfcc(options).features(clip);
