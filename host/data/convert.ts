/**
 * Datasets as files of other kinds: TFRecord, piece by piece, or .npz.
 */
import { UsageError } from '../core/errors.js';
import { writeOutputFile, writeOutputPieces } from '../core/output-file.js';
import { elements } from '../core/shape.js';
import { writeNpz } from '../format/npz.js';
import { type Example, encodeExample, type Feature } from '../format/tf-example.js';
import { encodeTfrecord } from '../format/tfrecord.js';
import { allIndices, type Dataset } from './dataset.js';

/** Records are written together until they have so many bytes. */
const pieceBytes = 2 ** 20;

/** Whether inputs are pixels, which are stored as bytes again. */
const isPixels = ({ grid }: Dataset): boolean =>
  grid !== undefined && grid.zeroPoint === -128 && grid.scale === 1 / 255;

function pixelsOf(real: Float32Array): Uint8Array {
  const out = new Uint8Array(real.length);
  for (let i = 0; i < out.length; i++) out[i] = Math.round(255 * real[i]!);
  return out;
}

const int64 = (...values: readonly number[]): Feature => ({
  kind: 'int64',
  values: BigInt64Array.from(values, BigInt),
});

const bytes = (value: Uint8Array): Feature => ({ kind: 'bytes', values: [value] });

function inputFeatures(dataset: Dataset, real: Float32Array): [string, Feature][] {
  const { inputShape } = dataset;
  const [height, width, depth = 1] = inputShape;
  const sizes: [string, Feature][] =
    inputShape.length === 2 || inputShape.length === 3
      ? [
          ['height', int64(height!)],
          ['width', int64(width!)],
          ['depth', int64(depth)],
        ]
      : [];
  return isPixels(dataset)
    ? [...sizes, ['image_raw', bytes(pixelsOf(real))]]
    : [...sizes, ['x', { kind: 'float', values: real }]];
}

function targetFeatures(dataset: Dataset, index: number): [string, Feature][] {
  if (dataset.target.kind === 'values') {
    return [['label', { kind: 'float', values: dataset.targets([index]) }]];
  }
  const [label] = dataset.labels([index]) as unknown as [number];
  const name = dataset.classNames?.[label];
  const text = name === undefined ? [] : [bytes(new TextEncoder().encode(name))];
  return [['label', int64(label)], ...text.map((f): [string, Feature] => ['image/class/text', f])];
}

/**
 * One example as tf.train.Example: `image_raw` for pixels, else the floats `x`; `height`, `width`
 * and `depth` where the input has them; `label`, and `image/class/text` where the class has a name.
 */
function exampleOf(dataset: Dataset, index: number): Example {
  const real = dataset.inputs([index]);
  return new Map([...inputFeatures(dataset, real), ...targetFeatures(dataset, index)]);
}

function* recordsOf(dataset: Dataset, count: number): Generator<Uint8Array> {
  let records: Uint8Array[] = [];
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const record = encodeTfrecord(encodeExample(exampleOf(dataset, i)));
    records.push(record);
    bytes += record.length;
    if (bytes < pieceBytes && i + 1 < count) continue;
    yield Buffer.concat(records);
    records = [];
    bytes = 0;
  }
}

/** Arrays of more bytes are no use in memory. */
const mostNpzBytes = 2 ** 31;

function npzOf(dataset: Dataset, count: number): Uint8Array {
  const { inputShape, target } = dataset;
  if (4 * count * elements(inputShape) > mostNpzBytes) {
    throw new UsageError(`${dataset.name} is too large for an .npz`, {
      hint: 'Write a .tfrecord, or fewer examples with --limit.',
      where: dataset.name,
    });
  }
  const indices = allIndices(dataset, count);
  const real = dataset.inputs(indices) as Float32Array<ArrayBuffer>;
  const shape = [count, ...inputShape];
  return writeNpz([
    [
      'x',
      isPixels(dataset)
        ? { dtype: 'u8', shape, data: pixelsOf(real) }
        : { dtype: 'f32', shape, data: real },
    ],
    [
      'y',
      target.kind === 'class'
        ? { dtype: 's32', shape: [count], data: dataset.labels(indices) }
        : { dtype: 'f32', shape: [count, ...target.shape], data: dataset.targets(indices) },
    ],
  ]);
}

const writers: Readonly<Record<string, (dataset: Dataset, count: number, out: string) => void>> = {
  '.tfrecord': (dataset, count, out) => {
    writeOutputPieces(out, recordsOf(dataset, count));
  },
  '.npz': (dataset, count, out) => writeOutputFile(out, npzOf(dataset, count)),
};

/** The suffixes that `writeDataset` knows. */
const writtenSuffixes = Object.keys(writers);

/**
 * Writes the first `count` examples of a dataset, in the kind of file that the suffix says.
 *
 * @throws UsageError for another suffix or a path that cannot be written
 */
export function writeDataset(dataset: Dataset, out: string, count = dataset.count): void {
  const suffix = writtenSuffixes.find((known) => out.toLowerCase().endsWith(known));
  if (suffix === undefined) {
    throw new UsageError(
      `cannot write ${out}: expected a name that ends in ${writtenSuffixes.join(' or ')}`,
      {
        hint: 'Give --out data.tfrecord or --out data.npz.',
        where: out,
      },
    );
  }
  writers[suffix]!(dataset, Math.min(count, dataset.count), out);
}
