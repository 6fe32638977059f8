/**
 * Datasets over rows of inputs and targets.
 */
import { createHash } from 'node:crypto';
import { BadInputError } from '../core/errors.js';
import { elements, formatShape } from '../core/shape.js';
import type { Dataset, InputGrid, Target } from './dataset.js';
import { inOrder, type Numbers, type Rows, requireFinite } from './rows.js';

export interface RowsDataset {
  readonly name: string;
  readonly inputs: Rows;
  readonly targets: Rows;
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

function requireCounts(inputs: Rows, targets: Rows): number {
  const { count } = inputs;
  if (count !== targets.count) {
    throw new BadInputError(
      `${inputs.file} has ${count} inputs, ${targets.file} has ${targets.count} targets`,
      { hint: countHint, where: targets.file },
    );
  }
  if (count === 0 || elements(inputs.shape) === 0) {
    const shape = formatShape([count, ...inputs.shape]);
    throw new BadInputError(`${inputs.file} has no examples: shape ${shape}`, {
      hint: 'Give at least one example.',
      where: inputs.file,
    });
  }
  return count;
}

/** All class numbers. @throws BadInputError for a number that is no class */
function classesOf(targets: Rows, names: readonly string[] | undefined): Int32Array {
  const limit = names?.length ?? maxClasses;
  const out = new Int32Array(targets.count);
  for (const { first, data } of inOrder(targets)) {
    for (let i = 0; i < data.length; i++) {
      const label = data[i]!;
      if (!Number.isInteger(label) || label < 0 || label >= limit) {
        throw new BadInputError(
          `${targets.file}: label ${label} of example ${first + i}, expected an integer from 0 to ${limit - 1}`,
          {
            hint: 'Labels are class numbers from 0; add target=values for other numbers.',
            where: `${targets.file}: example ${first + i}`,
          },
        );
      }
      out[first + i] = label;
    }
  }
  return out;
}

function kindOf({ targets, target }: RowsDataset): 'class' | 'values' {
  const single = elements(targets.shape) === 1;
  const kind = target ?? (single && targets.integer ? 'class' : 'values');
  if (kind === 'values' || single) return kind;
  const shape = formatShape([targets.count, ...targets.shape]);
  throw new BadInputError(
    `${targets.file} has shape ${shape}, expected one class number per example`,
    { hint: 'Give class numbers of shape [count], or target=values.', where: targets.file },
  );
}

function gridOf(source: RowsDataset, scale: number, zero: number): InputGrid | undefined {
  const { byte } = source.inputs;
  const direct = source.scale === undefined && source.zero === undefined;
  if (byte === 'u8') return { scale, zeroPoint: zero - 128, direct };
  return byte === 's8' ? { scale, zeroPoint: zero, direct } : undefined;
}

/** Rows as float32, checked where their file was not. */
function realRows(
  rows: Rows,
  indices: ArrayLike<number>,
  convert: (stored: Numbers) => Float32Array,
): Float32Array {
  const stored = rows.read(indices);
  if (!rows.finite) {
    requireFinite(rows.file, stored, elements(rows.shape), (position) => indices[position]!);
  }
  return convert(stored);
}

/** real = (stored - zero) * scale, in double precision, rounded once. */
const toReal =
  (scale: number, zero: number) =>
  (stored: Numbers): Float32Array => {
    const out = new Float32Array(stored.length);
    for (let i = 0; i < out.length; i++) out[i] = (stored[i]! - zero) * scale;
    return out;
  };

/** The targets of a dataset: class numbers, held in memory, or values. */
interface Targets {
  readonly target: Target;
  labels(indices: ArrayLike<number>): Int32Array;
  targets(indices: ArrayLike<number>): Float32Array;
}

function classTargets({ targets: rows, classNames }: RowsDataset): Targets {
  const all = classesOf(rows, classNames);
  const classes = classNames?.length ?? all.reduce((most, label) => Math.max(most, label), 0) + 1;
  const labels = (indices: ArrayLike<number>): Int32Array =>
    Int32Array.from(indices, (i) => {
      const label = all[i];
      if (label !== undefined) return label;
      throw new RangeError(`${rows.file} has examples 0 to ${all.length - 1}, asked for ${i}`);
    });
  return {
    target: { kind: 'class', classes },
    labels,
    targets(indices) {
      const out = new Float32Array(indices.length * classes);
      labels(indices).forEach((label, i) => {
        out[i * classes + label] = 1;
      });
      return out;
    },
  };
}

function valueTargets({ targets: rows }: RowsDataset): Targets {
  const shape = rows.shape.length === 0 ? [1] : rows.shape;
  return {
    target: { kind: 'values', shape },
    labels() {
      throw new BadInputError(
        `${rows.file} holds values of shape ${formatShape(shape)}, expected class numbers`,
        {
          hint: 'Choose a loss for values (meanSquares), or add target=class to the data.',
          where: rows.file,
        },
      );
    },
    targets: (indices) => realRows(rows, indices, toReal(1, 0)),
  };
}

/**
 * A dataset over rows.
 *
 * @throws BadInputError where counts differ, a number is not finite, or a label is no class
 */
export function rowsDataset(source: RowsDataset): Dataset {
  const { inputs, targets, classNames } = source;
  const count = requireCounts(inputs, targets);
  const scale = source.scale ?? (inputs.byte === 'u8' ? 1 / 255 : 1);
  const zero = source.zero ?? 0;
  const { target, ...of } = (kindOf(source) === 'class' ? classTargets : valueTargets)(source);
  const grid = gridOf(source, scale, zero);
  let hash: string | undefined;
  return {
    name: source.name,
    count,
    get hash() {
      if (hash === undefined) {
        const all = createHash('sha256');
        inputs.addTo(all);
        targets.addTo(all);
        hash = all.update(JSON.stringify([scale, zero, target, classNames])).digest('hex');
      }
      return hash;
    },
    inputShape: inputs.shape.length === 0 ? [1] : inputs.shape,
    target,
    ...(classNames && { classNames }),
    ...(grid && { grid }),
    inputs: (indices) => realRows(inputs, indices, toReal(scale, zero)),
    ...of,
  };
}
