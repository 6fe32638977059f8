/**
 * `npz:FILE[,X,Y]`: two arrays of an .npz. Without names they are found by the names that people
 * use; `x_train`, `y_train`, `x_test`, `y_test`, as in Keras' mnist.npz, are both parts of a set.
 */
import { BadInputError } from '../../core/errors.js';
import { type NpzArchive, openNpz } from '../../format/npz.js';
import { defaultMemoryLimit } from '../../format/spool.js';
import type { Dataset } from '../dataset.js';
import type { OpenOptions } from '../open-options.js';
import type { Rows } from '../rows.js';
import { rowsDataset } from '../rows-dataset.js';
import type { Source } from '../spec.js';
import { npyRows, reshaped } from './array-file.js';

type Names = readonly [string, string];

const trainTest: readonly { readonly train: Names; readonly test: Names }[] = [
  { train: ['x_train', 'y_train'], test: ['x_test', 'y_test'] },
  { train: ['train_images', 'train_labels'], test: ['test_images', 'test_labels'] },
];

const single: readonly Names[] = [
  ['x', 'y'],
  ['X', 'Y'],
  ['X', 'y'],
  ['images', 'labels'],
  ['image', 'label'],
  ['data', 'labels'],
  ['inputs', 'targets'],
];

const ownSplit = (names: readonly string[]) =>
  trainTest.find(({ train, test }) => [...train, ...test].every((name) => names.includes(name)));

/** Whether an .npz has a train and a test part. @throws BadInputError */
export async function npzHasSplit(source: Source): Promise<boolean> {
  if (source.input !== undefined) return false;
  const archive = await openNpz(source.files[0]!);
  archive.close();
  return ownSplit(archive.names) !== undefined;
}

function chosenNames(source: Source, names: readonly string[], split: 'train' | 'test'): Names {
  const has = (pair: Names): boolean => pair.every((name) => names.includes(name));
  const found = ownSplit(names)?.[split] ?? [...trainTest.map((t) => t.train), ...single].find(has);
  const two: Names | undefined = names.length === 2 ? [names[0]!, names[1]!] : undefined;
  const [x, y] = found ?? two ?? [];
  const chosen = [source.input ?? x, source.label ?? y] as const;
  if (chosen[0] !== undefined && chosen[1] !== undefined) return [chosen[0], chosen[1]];
  const file = source.files[0]!;
  throw new BadInputError(
    `${file} has the arrays ${names.join(', ') || '(none)'}; which are inputs and targets?`,
    { hint: `Name them: npz:${file},INPUTS,TARGETS.`, where: file },
  );
}

async function rowsOf(archive: NpzArchive, name: string, memoryLimit: number): Promise<Rows> {
  const bytes = await archive.open(name);
  return npyRows({ bytes, small: bytes.size <= memoryLimit });
}

/** `npz:FILE[,X,Y][,SHAPE][,options]`. */
export async function openNpzData(source: Source, options: OpenOptions): Promise<Dataset> {
  const memoryLimit = options.memoryLimit ?? defaultMemoryLimit;
  const archive = await openNpz(source.files[0]!, { memoryLimit });
  try {
    const [x, y] = chosenNames(source, archive.names, options.split);
    const inputs = reshaped(await rowsOf(archive, x, memoryLimit), source.shape);
    const targets = await rowsOf(archive, y, memoryLimit);
    const { spec: name, target, scale, zero } = source;
    return rowsDataset({ name, inputs, targets, target, scale, zero });
  } finally {
    archive.close();
  }
}
