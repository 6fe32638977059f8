/**
 * Datasets over arrays in memory, in the type in which their files store them.
 */
import { createHash } from 'node:crypto';
import { BadInputError } from '../core/errors.js';
import { elements, formatShape, type Shape } from '../core/shape.js';
import type { Dataset, InputGrid, Target } from './dataset.js';

/** Any typed array but those of bigint. */
export type Numbers = ArrayLike<number> & ArrayBufferView;

/** An array with its shape and the file that it came from. */
export interface Stored {
  readonly file: string;
  readonly shape: Shape;
  readonly data: Numbers;
}

export interface MemoryDataset {
  readonly name: string;
  /** [n, ...inputShape] */
  readonly inputs: Stored;
  /** [n] or [n, ...] */
  readonly targets: Stored;
  /** What the targets are; by default integers of one per example are classes. */
  readonly target?: 'class' | 'values' | undefined;
  readonly classNames?: readonly string[] | undefined;
  /** real = scale * (stored - zero). Default: 1/255 for u8 (pixels), else 1. */
  readonly scale?: number | undefined;
  readonly zero?: number | undefined;
}

/** More classes than any network here has outputs: such a number is no class. */
const maxClasses = 65536;

const countHint = 'Both files must describe the same examples, in the same order.';

function requireCounts(inputs: Stored, targets: Stored): number {
  const [count = 0] = inputs.shape;
  const [targetCount = 0] = targets.shape;
  if (count !== targetCount) {
    throw new BadInputError(
      `${inputs.file} has ${count} inputs, ${targets.file} has ${targetCount} targets`,
      { hint: countHint, where: targets.file },
    );
  }
  if (count === 0 || elements(inputs.shape) === 0) {
    throw new BadInputError(`${inputs.file} has no examples: shape ${formatShape(inputs.shape)}`, {
      hint: 'Give at least one example.',
      where: inputs.file,
    });
  }
  return count;
}

/** Numbers that are not finite would train to nothing but more of them. */
function requireFinite(stored: Stored): void {
  if (!(stored.data instanceof Float32Array || stored.data instanceof Float64Array)) return;
  const at = stored.data.findIndex((x) => !Number.isFinite(x));
  if (at < 0) return;
  const row = Math.floor(at / elements(stored.shape.slice(1)));
  throw new BadInputError(
    `${stored.file}: example ${row} holds ${stored.data[at]}, expected a finite number`,
    {
      hint: 'Remove or repair the examples that hold NaN or infinity.',
      where: `${stored.file}: example ${row}`,
    },
  );
}

const isFloat = (data: Numbers): boolean =>
  data instanceof Float32Array || data instanceof Float64Array;

/** The number of classes. @throws BadInputError for a number that is no class */
function classCount({ file, data }: Stored, names: readonly string[] | undefined): number {
  const limit = names?.length ?? maxClasses;
  let most = 0;
  for (let i = 0; i < data.length; i++) {
    const label = data[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= limit) {
      throw new BadInputError(
        `${file}: label ${label} of example ${i}, expected an integer from 0 to ${limit - 1}`,
        {
          hint: 'Labels are class numbers from 0; add target=values for other numbers.',
          where: `${file}: example ${i}`,
        },
      );
    }
    most = Math.max(most, label);
  }
  return names?.length ?? most + 1;
}

function targetOf({ targets, target, classNames }: MemoryDataset): Target {
  const rest = targets.shape.slice(1);
  const single = elements(rest) === 1;
  const kind = target ?? (single && !isFloat(targets.data) ? 'class' : 'values');
  if (kind === 'values') return { kind, shape: rest.length === 0 ? [1] : rest };
  if (single) return { kind, classes: classCount(targets, classNames) };
  throw new BadInputError(
    `${targets.file} has shape ${formatShape(targets.shape)}, expected one class number per example`,
    { hint: 'Give class numbers of shape [count], or target=values.', where: targets.file },
  );
}

function gridOf(source: MemoryDataset, scale: number, zero: number): InputGrid | undefined {
  const { data } = source.inputs;
  const direct = source.scale === undefined && source.zero === undefined;
  if (data instanceof Uint8Array) return { scale, zeroPoint: zero - 128, direct };
  return data instanceof Int8Array ? { scale, zeroPoint: zero, direct } : undefined;
}

function hashOf(source: MemoryDataset, scale: number, zero: number, target: Target): string {
  const hash = createHash('sha256');
  for (const { shape, data } of [source.inputs, source.targets]) {
    hash.update(`${data.constructor.name}${formatShape(shape)};`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.update(JSON.stringify([scale, zero, target, source.classNames])).digest('hex');
}

/** The rows of `data` with the given numbers, `width` elements each, in the order asked for. */
function gather<T extends Float32Array | Int32Array>(
  out: T,
  { file, data, shape }: Stored,
  indices: ArrayLike<number>,
  convert: (x: number) => number = (x) => x,
): T {
  const count = shape[0]!;
  const width = data.length / count;
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i]!;
    if (!Number.isInteger(row) || row < 0 || row >= count) {
      throw new RangeError(`${file} has examples 0 to ${count - 1}, asked for ${row}`);
    }
    for (let k = 0; k < width; k++) out[i * width + k] = convert(data[row * width + k]!);
  }
  return out;
}

function labelsOf(targets: Stored, target: Target, indices: ArrayLike<number>): Int32Array {
  if (target.kind === 'class') return gather(new Int32Array(indices.length), targets, indices);
  throw new BadInputError(
    `${targets.file} holds values of shape ${formatShape(target.shape)}, expected class numbers`,
    {
      hint: 'Choose a loss for values (meanSquares), or add target=class to the data.',
      where: targets.file,
    },
  );
}

function targetsOf(targets: Stored, target: Target, indices: ArrayLike<number>): Float32Array {
  if (target.kind === 'values') {
    const width = elements(target.shape);
    return gather(new Float32Array(indices.length * width), targets, indices);
  }
  const out = new Float32Array(indices.length * target.classes);
  labelsOf(targets, target, indices).forEach((label, i) => {
    out[i * target.classes + label] = 1;
  });
  return out;
}

/**
 * A dataset over arrays in memory.
 *
 * @throws BadInputError where counts differ, a number is not finite, or a label is no class
 */
export function memoryDataset(source: MemoryDataset): Dataset {
  const { inputs, targets, classNames } = source;
  const count = requireCounts(inputs, targets);
  requireFinite(inputs);
  requireFinite(targets);
  const scale = source.scale ?? (inputs.data instanceof Uint8Array ? 1 / 255 : 1);
  const zero = source.zero ?? 0;
  const target = targetOf(source);
  const grid = gridOf(source, scale, zero);
  const inputShape = inputs.shape.length === 1 ? [1] : inputs.shape.slice(1);
  const size = elements(inputShape);
  const toReal = (x: number): number => (x - zero) * scale;
  let hash: string | undefined;
  return {
    name: source.name,
    count,
    get hash() {
      hash ??= hashOf(source, scale, zero, target);
      return hash;
    },
    inputShape,
    target,
    ...(classNames && { classNames }),
    ...(grid && { grid }),
    inputs: (indices) => gather(new Float32Array(indices.length * size), inputs, indices, toReal),
    labels: (indices) => labelsOf(targets, target, indices),
    targets: (indices) => targetsOf(targets, target, indices),
  };
}
