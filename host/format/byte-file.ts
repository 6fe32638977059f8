/**
 * Random access to the bytes of a file that need not fit into memory. Codecs read through it, so
 * that the same code takes a file, an unpacked copy of one, or bytes in memory.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { BadInputError } from '../core/errors.js';
import { damagedHint } from './bytes.js';

export interface ByteFile {
  /** Name for the errors. */
  readonly file: string;
  readonly size: number;
  /**
   * The bytes [offset, offset + length). They may be a view that the next read overwrites.
   * @throws BadInputError where the file ends before
   */
  read(offset: number, length: number): Uint8Array;
}

/** The error for bytes that a file does not have. */
function beyond({ file, size }: Pick<ByteFile, 'file' | 'size'>, offset: number, length: number) {
  const got = Math.max(0, size - offset);
  return new BadInputError(
    `${file}: ${length} bytes expected at offset ${offset}, the file has ${got} left of ${size}`,
    { hint: damagedHint, where: `${file}:${offset}` },
  );
}

/** A file that cannot be opened or read, as the error that names it. */
export function unreadable(path: string, cause: unknown): BadInputError {
  const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
  const what = missing
    ? `no such data file: ${path}`
    : `cannot read data file ${path}: ${(cause as Error).message}`;
  return new BadInputError(what, {
    hint: 'Check the path after --data; it is relative to the current folder.',
    where: path,
    cause,
  });
}

/** Bytes in memory. */
export function memoryBytes(bytes: Uint8Array, file: string): ByteFile {
  const size = bytes.length;
  return {
    file,
    size,
    read(offset, length) {
      if (offset < 0 || offset + length > size) throw beyond({ file, size }, offset, length);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** Closes the descriptors of files that nobody holds any more. */
const forgotten = new FinalizationRegistry<number>(closeSync);

function readFully(fd: number, out: Uint8Array, offset: number): number {
  let done = 0;
  while (done < out.length) {
    const got = readSync(fd, out, done, out.length - done, offset + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

/**
 * A file on disk; nothing of it is kept in memory. It stays open as long as the result is held.
 *
 * @param name for the errors, where it is not the path
 * @throws BadInputError naming the file
 */
export function diskBytes(path: string, name = path): ByteFile {
  let fd: number;
  let size: number;
  try {
    fd = openSync(path, 'r');
    size = fstatSync(fd).size;
  } catch (cause) {
    throw unreadable(name, cause);
  }
  const result: ByteFile = {
    file: name,
    size,
    read(offset, length) {
      if (offset < 0 || offset + length > size) throw beyond(result, offset, length);
      const out = new Uint8Array(length);
      let got: number;
      try {
        got = readFully(fd, out, offset);
      } catch (cause) {
        throw unreadable(name, cause);
      }
      // Cut by somebody while it was open.
      if (got < length) throw beyond({ file: name, size: offset + got }, offset, length);
      return out;
    },
  };
  forgotten.register(result, fd);
  return result;
}

/** A part of a file as a file of its own. */
export function byteRange(source: ByteFile, start: number, size: number, file: string): ByteFile {
  if (start < 0 || start + size > source.size) throw beyond(source, start, size);
  return {
    file,
    size,
    read(offset, length) {
      if (offset < 0 || offset + length > size) throw beyond({ file, size }, offset, length);
      return source.read(start + offset, length);
    },
  };
}

const windowBytes = 2 ** 22;

/** The same file, read ahead in windows of 4 MB: for reading it in order, in small pieces. */
export function readAhead(source: ByteFile): ByteFile {
  let window = new Uint8Array(0);
  let start = 0;
  return {
    file: source.file,
    size: source.size,
    read(offset, length) {
      if (offset < start || offset + length > start + window.length) {
        const rest = Math.max(source.size - offset, 0);
        const size = Math.max(length, Math.min(windowBytes, rest));
        window = source.read(offset, size) as Uint8Array<ArrayBuffer>;
        start = offset;
      }
      return window.subarray(offset - start, offset - start + length);
    },
  };
}

/** A range of a file in pieces of at most 4 MB. */
export function* pieces(source: ByteFile, start = 0, end = source.size): Generator<Uint8Array> {
  for (let at = start; at < end; at += windowBytes) {
    yield source.read(at, Math.min(windowBytes, end - at));
  }
}
