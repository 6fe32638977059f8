/**
 * Rows of array files: IDX, .npy, bare numbers. Small files are read whole, large ones row by row.
 */
import { BadInputError } from '../../core/errors.js';
import { elements, formatShape, type Shape } from '../../core/shape.js';
import type { ByteFile } from '../../format/byte-file.js';
import { copyAs } from '../../format/bytes.js';
import { type IdxDtype, readIdx, readIdxHeader, swapped } from '../../format/idx.js';
import { type NpyDtype, readNpy, readNpyHeader } from '../../format/npy.js';
import { type DataFile, openDataFile, wholeFile } from '../files.js';
import { type FileLayout, fileRows, memoryRows, type Numbers, type Rows } from '../rows.js';
import { type FileType, fileTypes } from '../spec.js';

type ArrayType = new (buffer: ArrayBuffer) => Numbers & ArrayBufferView<ArrayBuffer>;

const isFloat = (type: string): boolean => type.startsWith('f');

const idxArrays = {
  u8: Uint8Array,
  s8: Int8Array,
  s16: Int16Array,
  s32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
} satisfies Record<IdxDtype, ArrayType>;

function idxLayout(source: ByteFile): FileLayout {
  const { dtype, shape, start, size } = readIdxHeader(source);
  const decode = (bytes: Uint8Array) =>
    copyAs<Numbers>(idxArrays[dtype] as ArrayType, swapped(bytes, size));
  return { shape, start, size, integer: !isFloat(dtype), decode };
}

/** The rows of an IDX file. @throws BadInputError */
export async function idxRows(path: string, memoryLimit?: number): Promise<Rows> {
  const file = await openDataFile(path, memoryLimit);
  if (!file.small) return fileRows(file.bytes, idxLayout(file.bytes));
  const { shape, data } = readIdx(wholeFile(file), path);
  return memoryRows({ file: path, shape, data });
}

/** Integers that fit become s32, so that they still count as integers. */
const narrowed = (list: readonly number[]): Numbers =>
  list.every((n) => n === (n | 0)) ? Int32Array.from(list) : Float64Array.from(list);

/** 64-bit integers as numbers; labels and features never need more than 53 bits. */
const asNumbers = (data: Numbers | BigInt64Array | BigUint64Array): Numbers =>
  data instanceof BigInt64Array || data instanceof BigUint64Array
    ? narrowed(Array.from(data, Number))
    : data;

const wide =
  (array: BigInt64ArrayConstructor | BigUint64ArrayConstructor) =>
  (bytes: Uint8Array): Numbers =>
    Float64Array.from(copyAs<BigInt64Array | BigUint64Array>(array, bytes), Number);

const plain =
  (array: ArrayType) =>
  (bytes: Uint8Array): Numbers =>
    copyAs<Numbers>(array, bytes);

const npyDecoders: { readonly [D in NpyDtype]: (bytes: Uint8Array) => Numbers } = {
  f32: plain(Float32Array),
  f64: plain(Float64Array),
  s8: plain(Int8Array),
  u8: plain(Uint8Array),
  bool: plain(Uint8Array),
  s16: plain(Int16Array),
  u16: plain(Uint16Array),
  s32: plain(Int32Array),
  u32: plain(Uint32Array),
  s64: wide(BigInt64Array),
  u64: wide(BigUint64Array),
};

/** The rows of an open .npy file. Column-major ones are read whole, to be put in order. */
export function npyRows(file: DataFile): Rows {
  const { bytes, small } = file;
  const header = readNpyHeader(bytes);
  if (header.shape.length === 0) {
    throw new BadInputError(
      `${bytes.file} holds a single number, expected an array with one row per example`,
      { hint: 'Give arrays of shape [count, ...].', where: bytes.file },
    );
  }
  if (small || header.fortran) {
    const { shape, data } = readNpy(wholeFile(file), bytes.file);
    return memoryRows({ file: bytes.file, shape, data: asNumbers(data) });
  }
  const { dtype } = header;
  const layout = { ...header, integer: !isFloat(dtype), decode: npyDecoders[dtype] };
  return fileRows(bytes, layout);
}

/** Rows with another shape of as many elements. @throws BadInputError */
export function reshaped(rows: Rows, shape: Shape | undefined): Rows {
  if (!shape) return rows;
  if (elements(shape) === elements(rows.shape)) return { ...rows, shape };
  const text = (dims: Shape): string => formatShape([rows.count, ...dims]);
  throw new BadInputError(
    `${rows.file} has shape ${text(rows.shape)}, which is not ${text(shape)}`,
    {
      hint: 'Leave the shape out of the spec, or give one of as many elements.',
      where: rows.file,
    },
  );
}

/** A file of bare numbers: how many there are, and its rows once their shape is known. */
export interface BareFile {
  readonly file: string;
  readonly length: number;
  rows(shape: Shape): Rows;
}

/** Opens a file of bare numbers. @throws BadInputError */
export async function openBare(
  path: string,
  type: FileType,
  memoryLimit?: number,
): Promise<BareFile> {
  const file = await openDataFile(path, memoryLimit);
  const array = fileTypes[type] as ArrayType & { readonly BYTES_PER_ELEMENT: number };
  const size = array.BYTES_PER_ELEMENT;
  const total = file.bytes.size;
  if (total === 0 || total % size !== 0) {
    throw new BadInputError(
      `${path} has ${total} bytes, expected a multiple of ${size} (${type})`,
      {
        hint: 'The file is truncated, or of another type: give it in the spec, as in raw:x.bin,y.bin,28x28x1,u8.',
        where: path,
      },
    );
  }
  const decode = plain(array);
  return {
    file: path,
    length: total / size,
    rows: (shape) =>
      file.small
        ? memoryRows({ file: path, shape, data: decode(wholeFile(file)) })
        : fileRows(file.bytes, { shape, start: 0, size, integer: !isFloat(type), decode }),
  };
}
