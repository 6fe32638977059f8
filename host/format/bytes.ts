/**
 * Checked access to the bytes of a file. Every codec of this folder reads through it, so that a
 * truncated or damaged file ends in a BadInputError that names the file, the offset and what was
 * expected there, and never in a read outside the file.
 */
import { BadInputError } from '../core/errors.js';

export interface Source {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Such as `safetensors`; begins each message. */
  readonly format: string;
  /** File name or another description of where the bytes came from. */
  readonly file: string;
}

/** Wraps the bytes of one file. `format` and `file` appear in the errors. */
export function openSource(bytes: Uint8Array, format: string, file: string): Source {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { bytes, view, format, file };
}

/** What to do about a damaged file of which nothing better can be said. */
export const damagedHint = 'The file is damaged; get it again from where it came from.';

/** The error for a damaged file: what is wrong, at which offset, and what to do. */
export function damaged(source: Source, offset: number, what: string, hint: string): BadInputError {
  return new BadInputError(`${source.format}: ${what}`, {
    hint,
    where: `${source.file}:${offset}`,
  });
}

/**
 * Checks that `size` bytes lie at `offset`.
 * @throws BadInputError naming the offset, expected and got
 */
export function need(source: Source, offset: number, size: number, what: string): void {
  const total = source.bytes.byteLength;
  if (offset >= 0 && size >= 0 && offset + size <= total) return;
  const got = Math.max(0, total - Math.max(0, offset));
  throw damaged(
    source,
    offset,
    `${what} at offset ${offset} needs ${size} bytes, the file has ${got} left of ${total}`,
    damagedHint,
  );
}

const decoder = new TextDecoder('utf-8');

/** The UTF-8 text of `size` bytes at `offset`; bytes that are not UTF-8 become U+FFFD. */
export function textAt(source: Source, offset: number, size: number, what: string): string {
  need(source, offset, size, what);
  return decoder.decode(source.bytes.subarray(offset, offset + size));
}

interface ArrayConstructor<T extends ArrayBufferView> {
  new (buffer: ArrayBuffer): T;
}

/** Copies bytes into a typed array of their own; the length must be a whole number of elements. */
export function copyAs<T extends ArrayBufferView>(
  array: ArrayConstructor<T>,
  bytes: Uint8Array,
): T {
  const own = new Uint8Array(bytes.byteLength);
  own.set(bytes);
  return new array(own.buffer);
}

/** The bytes behind a typed array, not copied. */
export const bytesOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
