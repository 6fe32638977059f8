/**
 * TFRecord files as one list of records with random access: one pass at the beginning checks every
 * checksum and remembers where each record lies, 24 bytes a record.
 */
import { createHash, type Hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { globSync } from 'tinyglobby';
import { BadInputError } from '../../core/errors.js';
import type { ByteFile } from '../../format/byte-file.js';
import { exampleFeatures } from '../../format/tf-example.js';
import { readTfrecordAt, readTfrecords } from '../../format/tfrecord.js';
import { openDataFile } from '../files.js';
import { growing } from '../growing.js';

/** The encoded features of a record by name. */
export type Features = ReturnType<typeof exampleFeatures>;

export interface RecordFiles {
  /** The pattern, for the errors. */
  readonly pattern: string;
  readonly count: number;
  features(index: number): Features;
  /** File and offset of a record. */
  where(index: number): string;
  addTo(hash: Hash): void;
}

/** The files of a pattern, sorted; a name that exists stands for itself. */
function filesOf(pattern: string): string[] {
  if (existsSync(pattern)) return [pattern];
  const found = globSync(pattern, { expandDirectories: false, dot: false }).sort();
  if (found.length > 0) return found;
  throw new BadInputError(`no file matches ${pattern}`, {
    hint: 'Check the path after --data; quote it, so that the shell leaves the * to edge-nn.',
    where: pattern,
  });
}

const whereOf = (file: string, offset: number): string => `${file}:${offset}`;

/**
 * Opens the files of a pattern and reads them once.
 *
 * @param each sees the features of every record in order; they are views that the next one overwrites
 * @throws BadInputError naming file and offset
 */
export async function openRecords(
  pattern: string,
  memoryLimit: number | undefined,
  each: (features: Features, index: number, where: string) => void,
): Promise<RecordFiles> {
  const files: ByteFile[] = [];
  for (const path of filesOf(pattern)) files.push((await openDataFile(path, memoryLimit)).bytes);
  const places = growing((n) => new Float64Array(n));
  const hash = createHash('sha256');
  let count = 0;
  for (const [owner, file] of files.entries()) {
    for (const { offset, data } of readTfrecords(file)) {
      for (const x of [owner, offset, data.length]) places.push(x);
      hash.update(`${data.length};`).update(data);
      const where = whereOf(file.file, offset);
      each(exampleFeatures(data, where), count++, where);
    }
  }
  if (count === 0) {
    throw new BadInputError(`${pattern} has no records`, {
      hint: 'Give files with at least one record.',
      where: pattern,
    });
  }
  const digest = hash.digest();
  const all = places.all();
  const fileAt = (index: number): ByteFile => files[all[3 * index]!]!;
  const where = (index: number): string => whereOf(fileAt(index).file, all[3 * index + 1]!);
  return {
    pattern,
    count,
    where,
    features(index) {
      const data = readTfrecordAt(fileAt(index), all[3 * index + 1]!, all[3 * index + 2]!);
      return exampleFeatures(data, where(index));
    },
    addTo: (whole) => whole.update(digest),
  };
}
