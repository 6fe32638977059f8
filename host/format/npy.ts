/**
 * NumPy's .npy, versions 1 to 3: `\x93NUMPY`, version, header length, a Python dict with descr,
 * fortran_order and shape, then the elements. Little-endian only; Fortran order is turned into
 * row-major order on reading.
 * Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { BadInputError, UnsupportedError } from '../core/errors.js';
import { elements } from '../core/shape.js';
import type { ByteFile } from './byte-file.js';
import {
  bytesOf,
  copyAs,
  damaged,
  damagedHint,
  need,
  openSource,
  type Source,
  textAt,
} from './bytes.js';

interface ArrayOf {
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly s8: Int8Array;
  readonly u8: Uint8Array;
  readonly bool: Uint8Array;
  readonly s16: Int16Array;
  readonly u16: Uint16Array;
  readonly s32: Int32Array;
  readonly u32: Uint32Array;
  readonly s64: BigInt64Array;
  readonly u64: BigUint64Array;
}

export type NpyDtype = keyof ArrayOf;

/** Row-major. A bool is a byte of 0 or 1. */
export type NpyTensor = {
  readonly [D in NpyDtype]: {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: ArrayOf[D];
  };
}[NpyDtype];

interface Rule {
  readonly descr: string;
  readonly size: number;
  readonly tensor: (shape: readonly number[], bytes: Uint8Array) => NpyTensor;
}

const rules: { readonly [D in NpyDtype]: Rule } = {
  f32: rule('<f4', (shape, b) => ({ dtype: 'f32', shape, data: copyAs(Float32Array, b) })),
  f64: rule('<f8', (shape, b) => ({ dtype: 'f64', shape, data: copyAs(Float64Array, b) })),
  s8: rule('|i1', (shape, b) => ({ dtype: 's8', shape, data: copyAs(Int8Array, b) })),
  u8: rule('|u1', (shape, b) => ({ dtype: 'u8', shape, data: copyAs(Uint8Array, b) })),
  bool: rule('|b1', (shape, b) => ({ dtype: 'bool', shape, data: copyAs(Uint8Array, b) })),
  s16: rule('<i2', (shape, b) => ({ dtype: 's16', shape, data: copyAs(Int16Array, b) })),
  u16: rule('<u2', (shape, b) => ({ dtype: 'u16', shape, data: copyAs(Uint16Array, b) })),
  s32: rule('<i4', (shape, b) => ({ dtype: 's32', shape, data: copyAs(Int32Array, b) })),
  u32: rule('<u4', (shape, b) => ({ dtype: 'u32', shape, data: copyAs(Uint32Array, b) })),
  s64: rule('<i8', (shape, b) => ({ dtype: 's64', shape, data: copyAs(BigInt64Array, b) })),
  u64: rule('<u8', (shape, b) => ({ dtype: 'u64', shape, data: copyAs(BigUint64Array, b) })),
};

function rule(descr: string, tensor: Rule['tensor']): Rule {
  return { descr, size: Number(descr[2]), tensor };
}

const magic = '\x93NUMPY';
const notNpy = 'Write the file with numpy.save.';

interface Header {
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Offset of the first element. */
  readonly start: number;
}

function readHeader(source: Source): Header {
  need(source, 0, 10, 'the magic number and version');
  const { bytes, view } = source;
  if (String.fromCharCode(...bytes.subarray(0, 6)) !== magic) {
    throw damaged(source, 0, 'the file does not begin with \\x93NUMPY', notNpy);
  }
  const version = bytes[6]!;
  if (version < 1 || version > 3) {
    throw damaged(source, 6, `unknown format version ${version}`, notNpy);
  }
  const at = version === 1 ? 10 : 12;
  need(source, 0, at, 'the header length');
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const text = textAt(source, at, length, 'the header');
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const dims = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(text)?.[1];
  if (descr === undefined || fortran === undefined || dims === undefined) {
    if (/'descr'\s*:\s*\[/.test(text)) throw unsupported(source, 'a structured dtype');
    throw damaged(source, at, 'the header lacks descr, fortran_order or shape', notNpy);
  }
  const shape = (dims.match(/\d+/g) ?? []).map(Number);
  return { descr, fortran: fortran === 'True', shape, start: at + length };
}

const unsupported = (source: Source, what: string): UnsupportedError =>
  new UnsupportedError(`npy: ${what} is not supported`, {
    hint: 'Convert it first, for example numpy.save(name, a.astype("<f4")).',
    where: source.file,
  });

/** Reorders column-major elements of `size` bytes into row-major order. */
function rowMajor(bytes: Uint8Array, shape: readonly number[], size: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  const index = shape.map(() => 0);
  const strides = shape.map((_, axis) => size * elements(shape.slice(0, axis)));
  for (let to = 0; to < out.length; to += size) {
    const from = index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0);
    out.set(bytes.subarray(from, from + size), to);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) {
      index[axis] = 0;
    }
  }
  return out;
}

export interface NpyHeader {
  readonly dtype: NpyDtype;
  readonly shape: readonly number[];
  readonly fortran: boolean;
  /** Offset of the first element. */
  readonly start: number;
  /** Bytes of an element. */
  readonly size: number;
}

/** The header with its dtype known, checked against the size of the whole file. */
function checkedHeader(source: Source, total: number): NpyHeader {
  const { descr, fortran, shape, start } = readHeader(source);
  const dtype = (Object.keys(rules) as NpyDtype[]).find((d) => {
    const rule = rules[d];
    return rule.descr === descr || (rule.size === 1 && rule.descr.slice(1) === descr.slice(1));
  });
  if (!dtype) throw unsupported(source, `dtype '${descr}'`);
  const { size } = rules[dtype];
  const length = elements(shape) * size;
  const dims = `(${shape.join(', ')})`;
  if (total < start + length) {
    const what = `data of shape ${dims} at offset ${start} needs ${length} bytes, the file has ${total - start} left of ${total}`;
    throw damaged(source, start, what, damagedHint);
  }
  if (total > start + length) {
    const what = `expected ${start + length} bytes for shape ${dims}, got ${total}`;
    const hint = 'The file has bytes after its data; write it again.';
    throw damaged(source, start + length, what, hint);
  }
  return { dtype, shape, fortran, start, size };
}

/** Headers are short: their length field has 16 bits in version 1, and no dtype here needs more. */
const mostHeader = 2 ** 16 + 12;

/**
 * What an .npy file holds, read from its first bytes and checked against its size.
 * @throws BadInputError for a damaged file, UnsupportedError for another dtype or byte order
 */
export function readNpyHeader(source: ByteFile): NpyHeader {
  const bytes = source.read(0, Math.min(source.size, mostHeader));
  return checkedHeader(openSource(bytes, 'npy', source.file), source.size);
}

/**
 * Reads one .npy file.
 * @param file name for the errors
 * @throws BadInputError for a damaged file, UnsupportedError for another dtype or byte order
 */
export function readNpy(bytes: Uint8Array, file = 'npy data'): NpyTensor {
  const source = openSource(bytes, 'npy', file);
  const { dtype, shape, fortran, start, size } = checkedHeader(source, bytes.length);
  const data = bytes.subarray(start);
  return rules[dtype].tensor(shape, fortran ? rowMajor(data, shape, size) : data);
}

/**
 * The .npy file (version 1.0, row-major) of a tensor, as numpy.save writes it.
 * @throws BadInputError for a shape that does not match the data
 */
export function writeNpy(tensor: NpyTensor): Uint8Array {
  if (elements(tensor.shape) !== tensor.data.length) {
    throw new BadInputError(
      `npy: shape (${tensor.shape}) does not fit ${tensor.data.length} elements`,
      { hint: 'Give as many numbers as the shape has elements.' },
    );
  }
  const dims = tensor.shape.map((d) => `${d},`).join(' ');
  const shape = tensor.shape.length > 1 ? dims.slice(0, -1) : dims;
  const dict = `{'descr': '${rules[tensor.dtype].descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  // The data begins at a multiple of 64, the header ends in a newline.
  const start = Math.ceil((10 + dict.length + 1) / 64) * 64;
  const header = `${dict.padEnd(start - 11)}\n`;
  const out = new Uint8Array(start + tensor.data.byteLength);
  out.set([...magic].map((c) => c.charCodeAt(0)));
  out.set([1, 0, header.length & 0xff, header.length >> 8], 6);
  out.set(new TextEncoder().encode(header), 10);
  out.set(bytesOf(tensor.data), start);
  return out;
}
