/**
 * IDX, the format of the MNIST files: bytes 0 0, a type code, the number of dimensions, one
 * big-endian uint32 per dimension, then the elements, big-endian, row-major.
 * Source: http://yann.lecun.com/exdb/mnist (section "the IDX file format").
 */
import { BadInputError } from '../core/errors.js';
import { elements } from '../core/shape.js';
import type { ByteFile } from './byte-file.js';
import { bytesOf, damaged, damagedHint, need, openSource, type Source } from './bytes.js';

export type IdxDtype = 'u8' | 's8' | 's16' | 's32' | 'f32' | 'f64';

interface ArrayOf {
  readonly u8: Uint8Array;
  readonly s8: Int8Array;
  readonly s16: Int16Array;
  readonly s32: Int32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
}

export type IdxTensor = {
  readonly [D in IdxDtype]: {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: ArrayOf[D];
  };
}[IdxDtype];

interface Rule {
  readonly code: number;
  readonly size: number;
  readonly tensor: (
    shape: readonly number[],
    ...where: readonly [buffer: ArrayBuffer, at?: number, count?: number]
  ) => IdxTensor;
}

const rules: { readonly [D in IdxDtype]: Rule } = {
  u8: rule(0x08, 1, (shape, ...b) => ({ dtype: 'u8', shape, data: new Uint8Array(...b) })),
  s8: rule(0x09, 1, (shape, ...b) => ({ dtype: 's8', shape, data: new Int8Array(...b) })),
  s16: rule(0x0b, 2, (shape, ...b) => ({ dtype: 's16', shape, data: new Int16Array(...b) })),
  s32: rule(0x0c, 4, (shape, ...b) => ({ dtype: 's32', shape, data: new Int32Array(...b) })),
  f32: rule(0x0d, 4, (shape, ...b) => ({ dtype: 'f32', shape, data: new Float32Array(...b) })),
  f64: rule(0x0e, 8, (shape, ...b) => ({ dtype: 'f64', shape, data: new Float64Array(...b) })),
};

function rule(code: number, size: number, tensor: Rule['tensor']): Rule {
  return { code, size, tensor };
}

/** Big-endian to the host's little-endian order, or back: both are the same reversal. */
export function swapped(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes.length);
  if (size === 1) {
    out.set(bytes);
    return out;
  }
  for (let i = 0; i < bytes.length; i++) {
    out[i] = bytes[i - (i % size) + size - 1 - (i % size)]!;
  }
  return out;
}

function ruleOf(source: Source): Rule {
  const { bytes } = source;
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    throw damaged(source, 0, 'the file is gzip-compressed', 'Unpack it with gunzip first.');
  }
  need(source, 0, 4, 'the magic number');
  if (bytes[0] !== 0 || bytes[1] !== 0) {
    const got = [...bytes.subarray(0, 2)].map((b) => `0x${b.toString(16).padStart(2, '0')}`);
    const what = `expected the magic bytes 0x00 0x00 at offset 0, got ${got.join(' ')}`;
    throw damaged(source, 0, what, 'Give an IDX file, such as train-images-idx3-ubyte.');
  }
  const found = Object.values(rules).find((r) => r.code === bytes[2]);
  if (found) return found;
  const what = `unknown element type 0x${bytes[2]!.toString(16)} at offset 2`;
  throw damaged(source, 2, what, 'IDX knows the types 0x08, 0x09 and 0x0b to 0x0e.');
}

export interface IdxHeader {
  readonly dtype: IdxDtype;
  readonly shape: readonly number[];
  /** Offset of the first element. */
  readonly start: number;
  /** Bytes of an element. */
  readonly size: number;
}

/** The most bytes that a header takes: it has at most 255 dimensions. */
const mostHeader = 4 + 4 * 255;

function headerOf(source: Source, total: number): IdxHeader {
  const { size } = ruleOf(source);
  const { bytes, view } = source;
  const dtype = (Object.keys(rules) as IdxDtype[]).find((d) => rules[d].code === bytes[2])!;
  const rank = bytes[3]!;
  const start = 4 + 4 * rank;
  need(source, 4, 4 * rank, `the ${rank} dimensions`);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const length = elements(shape) * size;
  const dims = `[${shape.join(', ')}]`;
  if (total < start + length) {
    const what = `data of shape ${dims} at offset ${start} needs ${length} bytes, the file has ${total - start} left of ${total}`;
    throw damaged(source, start, what, damagedHint);
  }
  if (total > start + length) {
    const what = `expected ${start + length} bytes for shape ${dims}, got ${total}`;
    const hint = 'The file has bytes after its data; get it again.';
    throw damaged(source, start + length, what, hint);
  }
  return { dtype, shape, start, size };
}

/**
 * What an IDX file holds, read from its first bytes and checked against its size.
 * @throws BadInputError
 */
export function readIdxHeader(source: ByteFile): IdxHeader {
  const bytes = source.read(0, Math.min(source.size, mostHeader));
  return headerOf(openSource(bytes, 'idx', source.file), source.size);
}

/**
 * Reads one IDX file. Numbers of one byte are seen where they lie, not copied.
 * @param file name for the errors
 * @throws BadInputError naming the offset, the expected and the actual number of bytes
 */
export function readIdx(bytes: Uint8Array, file = 'idx data'): IdxTensor {
  const source = openSource(bytes, 'idx', file);
  const { dtype, shape, start, size } = headerOf(source, bytes.length);
  const body = bytes.subarray(start);
  if (size === 1 && body.buffer instanceof ArrayBuffer) {
    return rules[dtype].tensor(shape, body.buffer, body.byteOffset, body.length);
  }
  return rules[dtype].tensor(shape, swapped(body, size).buffer);
}

/**
 * The IDX file of a tensor.
 * @throws BadInputError for a shape that does not match the data, or of more than 255 dimensions
 */
export function writeIdx(tensor: IdxTensor): Uint8Array {
  const { code, size } = rules[tensor.dtype];
  if (elements(tensor.shape) !== tensor.data.length || tensor.shape.length > 255) {
    throw new BadInputError(
      `idx: shape [${tensor.shape}] does not fit ${tensor.data.length} elements`,
      { hint: 'Give as many numbers as the shape has elements, in at most 255 dimensions.' },
    );
  }
  const start = 4 + 4 * tensor.shape.length;
  const out = new Uint8Array(start + tensor.data.byteLength);
  const view = new DataView(out.buffer);
  out.set([0, 0, code, tensor.shape.length]);
  for (const [i, dim] of tensor.shape.entries()) view.setUint32(4 + 4 * i, dim);
  out.set(swapped(bytesOf(tensor.data), size), start);
  return out;
}
