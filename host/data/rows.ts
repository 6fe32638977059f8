/**
 * Where a dataset's numbers lie: rows of one shape, fetched by their numbers, from memory, from a
 * file that stays on disk, or computed from files one by one.
 */
import type { Hash } from 'node:crypto';
import { BadInputError } from '../core/errors.js';
import { elements, formatShape, type Shape } from '../core/shape.js';
import { type ByteFile, pieces } from '../format/byte-file.js';

/** Any typed array but those of bigint. */
export type Numbers = ArrayLike<number> & ArrayBufferView;

export interface Rows {
  /** For the errors. */
  readonly file: string;
  readonly count: number;
  /** Of one row. */
  readonly shape: Shape;
  /** Whether the numbers are stored as integers. */
  readonly integer: boolean;
  /** How bytes are stored; real numbers lie on their grid. */
  readonly byte?: 'u8' | 's8' | undefined;
  /** True where no number can be NaN or infinite, or all have been looked at. */
  readonly finite: boolean;
  /** The rows with the given numbers one after another, in the type in which they are stored. */
  read(indices: ArrayLike<number>): Numbers;
  /** Feeds all that the rows depend on to a hash: type, shape, contents. */
  addTo(hash: Hash): void;
}

/** An array with its shape and the file that it came from. */
export interface Stored {
  readonly file: string;
  /** [count, ...shape] */
  readonly shape: Shape;
  readonly data: Numbers;
}

interface Constructor {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): Numbers & { set(from: Numbers, at?: number): void };
}

/** @throws RangeError for a number that is no row */
function checkRow({ file, count }: Pick<Rows, 'file' | 'count'>, row: number): number {
  if (Number.isInteger(row) && row >= 0 && row < count) return row;
  throw new RangeError(`${file} has examples 0 to ${count - 1}, asked for ${row}`);
}

export function requireFinite(
  file: string,
  data: Numbers,
  width: number,
  rowOf: (position: number) => number,
): void {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    const row = rowOf(Math.floor(i / width));
    throw new BadInputError(`${file}: example ${row} holds ${data[i]}, expected a finite number`, {
      hint: 'Remove or repair the examples that hold NaN or infinity.',
      where: `${file}: example ${row}`,
    });
  }
}

const isFloat = (data: Numbers): boolean =>
  data instanceof Float32Array || data instanceof Float64Array;

const byteOf = (data: Numbers): Rows['byte'] =>
  data instanceof Uint8Array ? 'u8' : data instanceof Int8Array ? 's8' : undefined;

const header = (type: string, count: number, shape: Shape): string =>
  `${type}${formatShape([count, ...shape])};`;

/** Rows in memory. @throws BadInputError where a number is not finite */
export function memoryRows({ file, shape: all, data }: Stored): Rows {
  const [count = 0, ...shape] = all;
  const width = elements(shape);
  if (isFloat(data)) requireFinite(file, data, width, (row) => row);
  const array = data.constructor as unknown as Constructor;
  const whole = data as Numbers & { subarray(from: number, to: number): Numbers };
  return {
    ...{ file, count, shape, integer: !isFloat(data), byte: byteOf(data), finite: true },
    read(indices) {
      const out = new array(indices.length * width);
      for (let i = 0; i < indices.length; i++) {
        const at = checkRow({ file, count }, indices[i]!) * width;
        out.set(whole.subarray(at, at + width), i * width);
      }
      return out;
    },
    addTo(hash) {
      hash.update(header(array.name, count, shape));
      hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    },
  };
}

/** How the bytes of a file become numbers. */
export interface FileLayout {
  /** [count, ...shape] */
  readonly shape: Shape;
  /** Offset of the first element. */
  readonly start: number;
  /** Bytes of an element. */
  readonly size: number;
  readonly integer: boolean;
  /** Numbers of whole elements; the bytes begin at an element's boundary in memory of their own. */
  decode(bytes: Uint8Array): Numbers;
}

/** Rows of a file that stays on disk; neighbours are fetched together. */
export function fileRows(source: ByteFile, layout: FileLayout): Rows {
  const { start, size, integer, decode } = layout;
  const [count = 0, ...shape] = layout.shape;
  const { file } = source;
  const width = elements(shape) * size;
  const { name } = decode(new Uint8Array(0)).constructor;
  return {
    ...{ file, count, shape, integer, byte: byteOf(decode(new Uint8Array(0))), finite: integer },
    read(indices) {
      const out = new Uint8Array(indices.length * width);
      for (let i = 0; i < indices.length; ) {
        const first = checkRow({ file, count }, indices[i]!);
        let run = 1;
        while (i + run < indices.length && indices[i + run] === first + run) run++;
        checkRow({ file, count }, first + run - 1);
        out.set(source.read(start + first * width, run * width), i * width);
        i += run;
      }
      return decode(out);
    },
    addTo(hash) {
      hash.update(header(name, count, shape));
      for (const piece of pieces(source, start, start + count * width)) hash.update(piece);
    },
  };
}

/** Decoded rows up to this many bytes are kept, so that they are computed once, not every epoch. */
const cacheBytes = 2 ** 28;

/** What computes one row. */
export interface RowMaker {
  readonly file: string;
  readonly count: number;
  readonly shape: Shape;
  /** Bytes, or float32. */
  readonly type: 'u8' | 'f32';
  make(index: number): Uint8Array | Float32Array;
  addTo(hash: Hash): void;
}

/** Rows that are computed when they are asked for; the first 256 MB of them are then kept. */
export function computedRows({ file, count, shape, type, make, addTo }: RowMaker): Rows {
  const array = type === 'u8' ? Uint8Array : Float32Array;
  const width = elements(shape);
  const kept = Math.floor(cacheBytes / Math.max(1, width * array.BYTES_PER_ELEMENT));
  const cache = new Map<number, Uint8Array | Float32Array>();
  function rowAt(index: number): Uint8Array | Float32Array {
    const known = cache.get(index);
    if (known) return known;
    const row = make(checkRow({ file, count }, index));
    if (index < kept) cache.set(index, row);
    return row;
  }
  return {
    ...{ file, count, shape, integer: type === 'u8', finite: type === 'u8', addTo },
    byte: type === 'u8' ? 'u8' : undefined,
    read(indices) {
      const out = new array(indices.length * width);
      for (let i = 0; i < indices.length; i++) out.set(rowAt(indices[i]!), i * width);
      return out;
    },
  };
}

/** All rows in order, in batches of at most about 4 MB of numbers. */
export function* inOrder(
  rows: Rows,
): Generator<{ readonly first: number; readonly data: Numbers }> {
  const step = Math.max(1, Math.floor(2 ** 22 / Math.max(1, elements(rows.shape))));
  for (let first = 0; first < rows.count; first += step) {
    const length = Math.min(step, rows.count - first);
    yield { first, data: rows.read(Array.from({ length }, (_, i) => first + i)) };
  }
}
