/**
 * `wav:DIR`: WAV files, one subfolder per class, as MFCC features (default) or as samples. Channels
 * are averaged; the sampling rate must be the front end's.
 */
import { BadInputError } from '../../core/errors.js';
import { readWav } from '../../format/wav.js';
import type { Dataset } from '../dataset.js';
import { createMfcc } from '../mfcc.js';
import type { OpenOptions } from '../open-options.js';
import { computedRows, memoryRows, requireFinite } from '../rows.js';
import { rowsDataset } from '../rows-dataset.js';
import type { Source } from '../spec.js';
import { hashFolder, listFolder, readWhole } from './folders.js';

const wavFiles = {
  what: 'sounds',
  read: ['.wav'],
  refused: ['.mp3', '.flac', '.ogg', '.opus', '.m4a', '.aac', '.aif', '.aiff'],
};

const defaultRate = 16000;

/** The mean of the channels. */
function mono(samples: Float32Array, channels: number): Float32Array {
  if (channels === 1) return samples;
  return Float32Array.from({ length: samples.length / channels }, (_, i) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += samples[i * channels + c]!;
    return sum / channels;
  });
}

/** A clip of one channel at the given rate. @throws BadInputError naming the file */
function readClip(path: string, rate: number): Float32Array {
  const wav = readWav(readWhole(path), path);
  requireFinite(path, wav.samples, wav.channels, (frame) => frame);
  if (wav.rate === rate) return mono(wav.samples, wav.channels);
  throw new BadInputError(`${path} has ${wav.rate} samples per second, expected ${rate}`, {
    hint: `Convert it, as in \`ffmpeg -i x.wav -ar ${rate} y.wav\`, or give rate=${wav.rate} in the spec.`,
    where: path,
  });
}

/** What turns a clip into an input. */
interface FrontEnd {
  readonly shape: readonly number[];
  features(clip: Float32Array): Float32Array;
}

function samplesOf(rate: number, seconds: number): FrontEnd {
  const length = Math.round(rate * seconds);
  return {
    shape: [length, 1],
    features(clip) {
      const out = new Float32Array(length);
      out.set(clip.subarray(0, length));
      return out;
    },
  };
}

/** `wav:DIR[,front=mfcc|none][,rate=HZ][,seconds=S][,window=MS]...`. */
export async function openWav(source: Source, options: OpenOptions): Promise<Dataset> {
  const folder = listFolder(source, options, wavFiles);
  const { root: file, files, classNames } = folder;
  const { rate = defaultRate, seconds = 1, window, hop, fft, mels, low, high } = source;
  const { front = 'mfcc', coefficients } = source;
  const settings = { front, rate, seconds, window, hop, fft, mels, low, high, coefficients };
  const { shape, features } = front === 'mfcc' ? createMfcc(settings) : samplesOf(rate, seconds);
  const inputs = computedRows({
    ...{ file, count: files.length, shape: front === 'mfcc' ? [...shape, 1] : shape, type: 'f32' },
    make: (index) => features(readClip(files[index]!.path, rate)),
    addTo: (hash) => hashFolder(folder, settings, hash),
  });
  const labels = Int32Array.from(files, ({ label }) => label);
  const targets = memoryRows({ file, shape: [files.length], data: labels });
  const { spec: name, target, scale, zero } = source;
  return rowsDataset({ name, inputs, targets, target, scale, zero, classNames });
}
