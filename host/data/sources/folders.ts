/**
 * Folders of examples: one subfolder per class, as Keras' directory datasets want them, or
 * `train/` and `test/` with the classes below each.
 */
import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { BadInputError } from '../../core/errors.js';
import { unreadable } from '../../format/byte-file.js';
import type { OpenOptions } from '../open-options.js';
import type { Source } from '../spec.js';
import { orderClasses } from './class-names.js';

/** Names that stand for a part of the data, in the order in which they are looked for. */
const partNames = {
  train: ['train', 'training'],
  test: ['test', 'testing', 'val', 'valid', 'validation'],
} as const;

const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

const partOf = (dir: string, split: 'train' | 'test'): string | undefined =>
  partNames[split].map((name) => join(dir, name)).find(isFolder);

/** Whether a folder holds a train and a test part. */
export const folderHasSplit = ({ files }: Source): boolean =>
  (['train', 'test'] as const).every((split) => partOf(files[0]!, split) !== undefined);

/** A file with its class. */
export interface Labelled {
  readonly path: string;
  readonly label: number;
}

export interface ClassFolder {
  readonly root: string;
  readonly classNames: readonly string[];
  /** In the order of classes, then of paths. */
  readonly files: readonly Labelled[];
}

/** What counts as an example. */
export interface FileKinds {
  /** Such as `images`. */
  readonly what: string;
  /** Lower-case suffixes that are read. */
  readonly read: readonly string[];
  /** Those of the same kind that cannot be read, which somebody would miss. */
  readonly refused: readonly string[];
}

const bad = (where: string, message: string, hint: string, cause?: unknown): BadInputError =>
  new BadInputError(message, { hint, where, cause });

function entriesOf(dir: string) {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch (cause) {
    throw unreadable(dir, cause);
  }
}

/** `.git`, `_background_noise_` and the like are no classes. */
const isHidden = (name: string): boolean => name.startsWith('.') || name.startsWith('_');

function classFolders(root: string): string[] {
  const names = entriesOf(root)
    .filter((entry) => !isHidden(entry.name) && isFolder(join(root, entry.name)))
    .map(({ name }) => name);
  if (names.length > 0) return names.sort();
  const hint = 'Make a subfolder per class in it, named as the class, with the files of the class.';
  throw bad(root, `${root} has no subfolders, expected one per class`, hint);
}

/** The files below a class folder, at any depth, by path. */
function examplesBelow(dir: string, kinds: FileKinds): string[] {
  const out: string[] = [];
  for (const { name } of entriesOf(dir).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (isHidden(name)) continue;
    const path = join(dir, name);
    const suffix = extname(name).toLowerCase();
    if (isFolder(path)) out.push(...examplesBelow(path, kinds));
    else if (kinds.read.includes(suffix)) out.push(path);
    else if (kinds.refused.includes(suffix)) {
      const hint = `Convert it to ${kinds.read.join(' or ')}, or remove it.`;
      throw bad(path, `${path}: ${kinds.what} of type ${suffix} cannot be read`, hint);
    }
  }
  return out;
}

/**
 * Lists the examples of a folder.
 *
 * @throws BadInputError where there are no classes or no examples, or a class is not known
 */
export function listFolder(source: Source, options: OpenOptions, kinds: FileKinds): ClassFolder {
  const dir = source.files[0]!;
  if (existsSync(dir) && !isFolder(dir)) {
    throw bad(dir, `${dir} is a file, expected a folder of ${kinds.what}`, 'Give the folder.');
  }
  const root = folderHasSplit(source) ? partOf(dir, options.split)! : dir;
  const names = classFolders(root);
  const known = source.classes ?? options.classNames;
  const classes = orderClasses(names, known, (name) => join(root, name));
  const files = names
    .flatMap((name) => {
      const label = classes.numbers.get(name)!;
      return examplesBelow(join(root, name), kinds).map((path) => ({ path, label }));
    })
    .sort((a, b) => a.label - b.label);
  if (files.length === 0) {
    const hint = `Put ${kinds.what} (${kinds.read.join(', ')}) into the subfolders.`;
    throw bad(root, `${root} has no ${kinds.what} in its subfolders`, hint);
  }
  return { root, classNames: classes.names, files };
}

/** A file's bytes. @throws BadInputError naming it */
export function readWhole(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** Feeds names and contents of all files to a hash. */
export function hashFolder({ root, files }: ClassFolder, settings: unknown, hash: Hash): void {
  hash.update(`${JSON.stringify(settings)};`);
  for (const { path, label } of files) {
    const contents = createHash('sha256').update(readWhole(path)).digest('hex');
    hash.update(`${relative(root, path)} ${label} ${contents};`);
  }
}
