/**
 * Reading of data files, with the errors that name them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { BadInputError } from '../core/errors.js';

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/**
 * A file's bytes, unpacked where they are gzip.
 *
 * @throws BadInputError naming the file
 */
export function readDataFile(path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const what = missing
      ? `no such data file: ${path}`
      : `cannot read data file ${path}: ${(cause as Error).message}`;
    throw new BadInputError(what, {
      hint: 'Check the path after --data; it is relative to the current folder.',
      where: path,
      cause,
    });
  }
  if (!isGzip(bytes)) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new BadInputError(`cannot unpack ${path}: ${(cause as Error).message}`, {
      hint: 'The file is truncated or damaged; get it again from where it came from.',
      where: path,
      cause,
    });
  }
}

/** The path of a file that may carry `.gz`; the plain name where neither exists. */
export const plainOrGz = (path: string): string =>
  !existsSync(path) && existsSync(`${path}.gz`) ? `${path}.gz` : path;
