/**
 * `npy:X,Y` and `raw:X,Y`: inputs and targets in a file each.
 *
 * Bare files name their element type and shape in the spec (`raw:x.bin,y.bin,49x10x1,s8`) or in
 * their own names, in parts between `_` (`train_x_float32_119x6.bin`, `x_uint8.bin.gz`). Without a
 * shape an input is a flat list; a target file of another size than one element per example needs
 * no shape either.
 */
import { basename } from 'node:path';
import { BadInputError } from '../../core/errors.js';
import { elements, formatShape, type Shape } from '../../core/shape.js';
import type { Dataset } from '../dataset.js';
import { openDataFile } from '../files.js';
import type { OpenOptions } from '../open-options.js';
import type { Rows } from '../rows.js';
import { rowsDataset } from '../rows-dataset.js';
import { type FileType, fileType, parseDims, type Source } from '../spec.js';
import { npyRows, openBare, reshaped } from './array-file.js';

function pair(source: Source, inputs: Rows, targets: Rows): Dataset {
  const { spec: name, target, scale, zero } = source;
  return rowsDataset({ name, inputs, targets, target, scale, zero });
}

/** `npy:X,Y[,SHAPE][,options]`; X is [count, ...], Y [count] or [count, ...]. */
export async function openNpy(source: Source, { memoryLimit }: OpenOptions): Promise<Dataset> {
  const [x, y] = source.files as [string, string];
  const inputs = npyRows(await openDataFile(x, memoryLimit));
  const targets = npyRows(await openDataFile(y, memoryLimit));
  return pair(source, reshaped(inputs, source.shape), targets);
}

/** The parts of a file name that may tell its type and shape: `a_x_uint8_2x3.bin.gz`. */
const nameParts = (file: string): string[] =>
  basename(file)
    .replace(/\.gz$/, '')
    .replace(/\.\w+$/, '')
    .split('_');

const typeInName = (file: string): FileType | undefined =>
  nameParts(file)
    .map(fileType)
    .find((type) => type !== undefined);

const shapeInName = (file: string): Shape | undefined =>
  nameParts(file)
    .filter((part) => part.includes('x'))
    .map(parseDims)
    .find((shape) => shape !== undefined);

/** [count, ...shape] of a bare file, where one input has the given shape. */
function bareShape(file: string, length: number, shape: Shape): Shape {
  const size = elements(shape);
  if (length % size === 0) return [length / size, ...shape];
  throw new BadInputError(
    `${file} has ${length} elements, expected a multiple of ${size} (shape ${formatShape(shape)})`,
    {
      hint: 'The file is truncated, or has another shape: give it in the spec, as in raw:x.bin,y.bin,28x28x1,u8.',
      where: file,
    },
  );
}

/** A file of unknown shape that must hold `count` rows. */
function flatShape(file: string, length: number, count: number): Shape {
  if (length === count) return [count];
  if (count > 0 && length % count === 0) return [count, length / count];
  throw new BadInputError(
    `${file} has ${length} elements, expected a multiple of ${count} examples`,
    {
      hint: 'Give the shape of one input in the spec, as in raw:x.bin,y.bin,28x28x1,u8.',
      where: file,
    },
  );
}

/** `raw:X,Y[,SHAPE][,DTYPE][,y=DTYPE][,options]`; the types default to u8. */
export async function openRaw(source: Source, { memoryLimit }: OpenOptions): Promise<Dataset> {
  const [x, y] = source.files as [string, string];
  const inputs = await openBare(x, source.type ?? typeInName(x) ?? 'u8', memoryLimit);
  const targets = await openBare(y, source.targetType ?? typeInName(y) ?? 'u8', memoryLimit);
  const shape = source.shape ?? shapeInName(x);
  if (!shape) {
    // Only a label per example tells how many examples a file of unknown shape holds.
    const inputShape = flatShape(x, inputs.length, targets.length);
    return pair(source, inputs.rows(inputShape), targets.rows([targets.length]));
  }
  const inputShape = bareShape(x, inputs.length, shape);
  const [count = 0] = inputShape;
  // A short label file is a difference of counts, which says more than an odd shape.
  const targetShape =
    targets.length % count === 0 ? flatShape(y, targets.length, count) : [targets.length];
  return pair(source, inputs.rows(inputShape), targets.rows(targetShape));
}
