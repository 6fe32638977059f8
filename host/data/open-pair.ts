/**
 * `npy:X,Y` and `raw:X,Y`: inputs and targets in a file each.
 *
 * Bare files name their element type and shape in the spec (`raw:x.bin,y.bin,49x10x1,s8`) or in
 * their own names, in parts between `_` (`train_x_float32_119x6.bin`, `x_uint8.bin.gz`). Without a
 * shape an input is a flat list; a target file of another size than one element per example needs
 * no shape either.
 */
import { basename } from 'node:path';
import { BadInputError } from '../core/errors.js';
import { elements, formatShape, type Shape } from '../core/shape.js';
import { copyAs } from '../format/bytes.js';
import { readNpy } from '../format/npy.js';
import type { Dataset } from './dataset.js';
import { readDataFile } from './files.js';
import { memoryDataset, type Numbers, type Stored } from './memory.js';
import { type FileType, fileType, fileTypes, parseDims, type Source } from './spec.js';

/** 64-bit integers as numbers; labels and features never need more than 53 bits. */
const asNumbers = (data: Numbers | BigInt64Array | BigUint64Array): Numbers =>
  data instanceof BigInt64Array || data instanceof BigUint64Array
    ? narrowed(Array.from(data, Number))
    : data;

/** Integers that fit become s32, so that they still count as integers. */
const narrowed = (list: readonly number[]): Numbers =>
  list.every((n) => n === (n | 0)) ? Int32Array.from(list) : Float64Array.from(list);

function readNpyFile(file: string): Stored {
  const { shape, data } = readNpy(readDataFile(file), file);
  if (shape.length === 0) {
    throw new BadInputError(
      `${file} holds a single number, expected an array with one row per example`,
      {
        hint: 'Give arrays of shape [count, ...].',
        where: file,
      },
    );
  }
  return { file, shape, data: asNumbers(data) };
}

function open(source: Source, inputs: Stored, targets: Stored): Dataset {
  const { spec: name, target, scale, zero } = source;
  return memoryDataset({ name, inputs, targets, target, scale, zero });
}

/** `npy:X,Y[,SHAPE][,options]`; X is [count, ...], Y [count] or [count, ...]. */
export function openNpy(source: Source): Dataset {
  const inputs = readNpyFile(source.files[0]!);
  const shape = source.shape && [inputs.shape[0]!, ...source.shape];
  if (shape && elements(shape) !== elements(inputs.shape)) {
    throw new BadInputError(
      `${inputs.file} has shape ${formatShape(inputs.shape)}, which is not ${formatShape(shape)}`,
      {
        hint: 'Leave the shape out of the spec, or give one of as many elements.',
        where: inputs.file,
      },
    );
  }
  return open(source, shape ? { ...inputs, shape } : inputs, readNpyFile(source.files[1]!));
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

function readElements(file: string, type: FileType): Numbers {
  const bytes = readDataFile(file);
  const array = fileTypes[type];
  const width = array.BYTES_PER_ELEMENT;
  if (bytes.length === 0 || bytes.length % width !== 0) {
    throw new BadInputError(
      `${file} has ${bytes.length} bytes, expected a multiple of ${width} (${type})`,
      {
        hint: 'The file is truncated, or of another type: give it in the spec, as in raw:x.bin,y.bin,28x28x1,u8.',
        where: file,
      },
    );
  }
  return copyAs<Numbers>(array, bytes);
}

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
export function openRaw(source: Source): Dataset {
  const [x, y] = source.files as [string, string];
  const inputs = readElements(x, source.type ?? typeInName(x) ?? 'u8');
  const targets = readElements(y, source.targetType ?? typeInName(y) ?? 'u8');
  const shape = source.shape ?? shapeInName(x);
  if (!shape) {
    // Only a label per example tells how many examples a file of unknown shape holds.
    const inputShape = flatShape(x, inputs.length, targets.length);
    return open(
      source,
      { file: x, shape: inputShape, data: inputs },
      { file: y, shape: [targets.length], data: targets },
    );
  }
  const inputShape = bareShape(x, inputs.length, shape);
  const [count = 0] = inputShape;
  // A short label file is a difference of counts, which says more than an odd shape.
  const targetShape =
    targets.length % count === 0 ? flatShape(y, targets.length, count) : [targets.length];
  return open(
    source,
    { file: x, shape: inputShape, data: inputs },
    { file: y, shape: targetShape, data: targets },
  );
}
