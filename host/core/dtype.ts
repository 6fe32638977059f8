/**
 * Element types and their arrays on the host.
 */

/** `s4` is stored two to a byte; every other type has its natural little-endian form. */
export const dtypes = {
  f32: { bits: 32, array: Float32Array },
  s4: { bits: 4, array: Int8Array },
  s8: { bits: 8, array: Int8Array },
  u8: { bits: 8, array: Uint8Array },
  s16: { bits: 16, array: Int16Array },
  s32: { bits: 32, array: Int32Array },
  s64: { bits: 64, array: BigInt64Array },
  bool: { bits: 8, array: Uint8Array },
} as const;

export type DType = keyof typeof dtypes;

/** The integers that the types of quantized values hold, lowest and highest. */
export const storedRanges = {
  s4: [-8, 7],
  s8: [-128, 127],
  u8: [0, 255],
  s16: [-32768, 32767],
  s32: [-(2 ** 31), 2 ** 31 - 1],
} as const satisfies { readonly [T in DType]?: readonly [number, number] };

export type StoredType = keyof typeof storedRanges;

export const isStoredType = (dtype: DType): dtype is StoredType =>
  Object.hasOwn(storedRanges, dtype);

interface Arrays extends Record<DType, unknown> {
  f32: Float32Array;
  s4: Int8Array;
  s8: Int8Array;
  u8: Uint8Array;
  s16: Int16Array;
  s32: Int32Array;
  s64: BigInt64Array;
  bool: Uint8Array;
}

/** The host array that holds elements of a type; `s4` is widened to one byte an element. */
export type ArrayOf<T extends DType> = Arrays[T];

export type NumericArray = ArrayOf<Exclude<DType, 's64'>>;
export type AnyArray = ArrayOf<DType>;

export const isDType = (text: string): text is DType => Object.hasOwn(dtypes, text);

/** Bytes of `count` elements as stored in a file or in device memory. */
export const byteSize = (dtype: DType, count: number): number =>
  Math.ceil((dtypes[dtype].bits * count) / 8);

/** A zeroed host array of `count` elements. */
export function allocate<T extends DType>(dtype: T, count: number): ArrayOf<T> {
  return new dtypes[dtype].array(count) as ArrayOf<T>;
}

/** The bytes of an array, without copying. */
export const bytesOf = (array: AnyArray): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** The elements in `bytes`; copied when the bytes do not start on an element's boundary. */
export function viewAs<T extends DType>(dtype: T, bytes: Uint8Array): ArrayOf<T> {
  const { array } = dtypes[dtype];
  const aligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  const count = Math.floor(aligned.byteLength / array.BYTES_PER_ELEMENT);
  return new array(aligned.buffer as ArrayBuffer, aligned.byteOffset, count) as ArrayOf<T>;
}

/** Elements of 4 bits as they are stored: two to a byte, the first in the low half. */
export function packNibbles(elements: Int8Array): Uint8Array {
  const out = new Uint8Array(byteSize('s4', elements.length));
  elements.forEach((x, i) => {
    out[i >> 1]! |= (x & 15) << (4 * (i & 1));
  });
  return out;
}

/** The elements of `packNibbles`. */
export const unpackNibbles = (bytes: Uint8Array, count: number): Int8Array =>
  Int8Array.from({ length: count }, (_, i) => (bytes[i >> 1]! << (i & 1 ? 24 : 28)) >> 28);
