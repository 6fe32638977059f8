/**
 * `tfrecord:GLOB`: records of tf.train.Example. Input and target are found by the names that
 * people use, or named by `input=` and `label=`.
 *
 * Input: bytes that are a PNG or JPEG are decoded; other bytes are raw numbers (u8 unless a type is
 * given, little-endian); lists of floats or integers are numbers. The shape of numbers comes from
 * the spec, from features `height`, `width`, `depth`, from the model, or is a flat list.
 * Target: one integer is a class number, text is a class name, other lists are values. A feature
 * `image/class/text` beside a class number names the class.
 */
import type { Hash } from 'node:crypto';
import { BadInputError } from '../../core/errors.js';
import { elements, formatShape, type Shape } from '../../core/shape.js';
import { copyAs } from '../../format/bytes.js';
import { imageType } from '../../format/image.js';
import { decodeFeature, type Feature } from '../../format/tf-example.js';
import type { Dataset } from '../dataset.js';
import type { OpenOptions } from '../open-options.js';
import type { Numbers, Rows } from '../rows.js';
import { rowsDataset } from '../rows-dataset.js';
import { type FileType, fileTypes, type Source } from '../spec.js';
import { imageRows } from './image-rows.js';
import { type Features, openRecords, type RecordFiles } from './tfrecord-files.js';
import { createLabelReader } from './tfrecord-labels.js';

const inputNames = ['image/encoded', 'image_raw', 'image', 'x', 'input', 'inputs', 'features'];
const labelNames = ['label', 'image/class/label', 'y', 'target', 'targets', 'class', 'labels'];
const dimensionNames = [
  ['height', 'width', 'depth'],
  ['image/height', 'image/width', 'image/channels'],
  ['height', 'width', 'channels'],
] as const;

function missing(features: Features, what: string, names: readonly string[], where: string) {
  const has = [...features.keys()].join(', ') || 'none';
  return new BadInputError(
    `the record at ${where} has no ${what} named ${names.join(' or ')}; its features: ${has}`,
    { hint: 'Name the features: tfrecord:GLOB,input=NAME,label=NAME.', where },
  );
}

/** The name among those given that the first record has. */
function chosen(
  features: Features,
  what: string,
  given: string | undefined,
  usual: readonly string[],
  where: string,
): string {
  const names = given === undefined ? usual : [given];
  const found = names.find((name) => features.has(name));
  if (found !== undefined) return found;
  throw missing(features, what, names, where);
}

function featureOf(features: Features, name: string, where: string): Feature {
  const encoded = features.get(name);
  if (!encoded) throw missing(features, 'feature', [name], where);
  return decodeFeature(encoded, `${where}, feature ${name}`);
}

/** A list of numbers; integers beyond 2^53 are rounded. */
const numbersOf = (feature: Exclude<Feature, { kind: 'bytes' }>): Numbers =>
  feature.kind === 'float' ? feature.values : Float64Array.from(feature.values, Number);

interface Input {
  readonly records: RecordFiles;
  readonly name: string;
  readonly source: Source;
  readonly options: OpenOptions;
}

/** The numbers of a record's input, in the type in which they are stored. */
function numbersAt({ records, name, source }: Input, index: number): Numbers {
  const where = records.where(index);
  const feature = featureOf(records.features(index), name, where);
  if (feature.kind !== 'bytes') return numbersOf(feature);
  const type: FileType = source.type ?? 'u8';
  const array = fileTypes[type] as new (buffer: ArrayBuffer) => Numbers & ArrayBufferView;
  const bytes = feature.values[0] ?? new Uint8Array(0);
  if (bytes.length % fileTypes[type].BYTES_PER_ELEMENT === 0) return copyAs(array, bytes);
  throw new BadInputError(
    `feature ${name} of the record at ${where} has ${bytes.length} bytes, which are no ${type} numbers`,
    { hint: 'Give the type of the numbers in the spec, such as x=f32.', where },
  );
}

/** Height, width and depth where the first record says them. */
function statedShape(features: Features, where: string): Shape | undefined {
  const names = dimensionNames.find(
    ([height, width]) => features.has(height) && features.has(width),
  );
  if (!names) return undefined;
  return names.map((name) => {
    const feature = features.has(name) ? featureOf(features, name, where) : undefined;
    return feature && feature.kind !== 'bytes' ? Number(feature.values[0] ?? 1) : 1;
  });
}

/** The shape that inputs of `length` numbers have; see the head of this file. */
function shapeOf({ records, source, options }: Input, length: number): Shape {
  const fits = (shape: Shape | undefined): shape is Shape =>
    shape !== undefined && elements(shape) === length;
  const stated = statedShape(records.features(0), records.where(0));
  if (source.shape && !fits(source.shape)) {
    throw new BadInputError(
      `inputs of ${records.pattern} have ${length} numbers, the shape ${formatShape(source.shape)} needs ${elements(source.shape)}`,
      { hint: 'Mend the shape in the spec, or leave it out.', where: records.where(0) },
    );
  }
  return [source.shape, stated, options.inputShape].find(fits) ?? [length];
}

/** Inputs that are numbers; each is read when it is asked for. */
function numberRows(input: Input): Rows {
  const { records } = input;
  const first = numbersAt(input, 0);
  const shape = shapeOf(input, first.length);
  const width = first.length;
  const array = first.constructor as new (
    length: number,
  ) => Numbers & {
    set(from: Numbers, at: number): void;
  };
  const byte = first instanceof Uint8Array ? 'u8' : first instanceof Int8Array ? 's8' : undefined;
  const float = first instanceof Float32Array;
  return {
    ...{ file: records.pattern, count: records.count, shape, byte },
    ...{ integer: !float, finite: !float },
    read(indices) {
      const out = new array(indices.length * width);
      for (let i = 0; i < indices.length; i++) {
        const row = numbersAt(input, indices[i]!);
        if (row.length !== width) {
          const where = records.where(indices[i]!);
          throw new BadInputError(
            `the input of the record at ${where} has ${row.length} numbers, the first has ${width}`,
            { hint: 'All inputs must have the same shape.', where },
          );
        }
        out.set(row, i * width);
      }
      return out;
    },
    addTo: (hash) => records.addTo(hash.update(JSON.stringify([input.name, shape, array.name]))),
  };
}

/** The bytes of an encoded image. */
function encodedAt({ records, name }: Input, index: number) {
  const where = records.where(index);
  const feature = featureOf(records.features(index), name, where);
  const bytes = feature.kind === 'bytes' ? feature.values[0] : undefined;
  return { bytes: bytes ?? new Uint8Array(0), name: `the image at ${where}` };
}

function encodedRows(input: Input): Rows {
  const { records, name, source, options } = input;
  return imageRows(
    {
      file: records.pattern,
      count: records.count,
      encoded: (index) => encodedAt(input, index),
      addTo(settings: unknown, hash: Hash) {
        records.addTo(hash.update(JSON.stringify([name, settings])));
      },
    },
    source,
    options,
  );
}

/** `tfrecord:GLOB[,input=NAME][,label=NAME][,SHAPE][,TYPE][,fit=crop][,resize=antialias]`. */
export async function openTfrecord(source: Source, options: OpenOptions): Promise<Dataset> {
  const labels = createLabelReader();
  let input = '';
  let label = '';
  const records = await openRecords(
    source.files[0]!,
    options.memoryLimit,
    (features, index, where) => {
      if (index === 0) {
        label = chosen(features, 'label', source.label, labelNames, where);
        const usual = inputNames.filter((name) => name !== label);
        input = chosen(features, 'input', source.input, usual, where);
      }
      if (!features.has(input)) throw missing(features, 'input', [input], where);
      labels.add(features, label, where);
    },
  );
  const from: Input = { records, name: input, source, options };
  const encoded = imageType(encodedAt(from, 0).bytes) !== undefined;
  const inputs = encoded ? encodedRows(from) : numberRows(from);
  const found = labels.finish(records, source.classes ?? options.classNames);
  const { shape: _, type: __, ...bare } = source;
  const many: Input = { records, name: label, source: bare, options: { split: options.split } };
  const targets = found?.rows ?? numberRows(many);
  const { spec: name, target, scale, zero } = source;
  const classNames = found?.classNames;
  return rowsDataset({ name, inputs, targets, target, scale, zero, classNames });
}
