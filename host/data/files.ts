/**
 * Data files: in memory while they are small, on disk where they are large, unpacked where they are
 * gzip.
 */
import { createReadStream, existsSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { BadInputError } from '../core/errors.js';
import { type ByteFile, diskBytes, memoryBytes } from '../format/byte-file.js';
import { defaultMemoryLimit, spool } from '../format/spool.js';

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

async function unpacked(path: string, memoryLimit: number | undefined): Promise<ByteFile> {
  const source = createReadStream(path);
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  try {
    return await spool(source.pipe(gunzip), path, memoryLimit);
  } catch (cause) {
    throw new BadInputError(`cannot unpack ${path}: ${(cause as Error).message}`, {
      hint: 'The file is truncated or damaged; get it again from where it came from.',
      where: path,
      cause,
    });
  } finally {
    source.destroy();
  }
}

/** A data file, and whether it is small enough to be read whole. */
export interface DataFile {
  readonly bytes: ByteFile;
  readonly small: boolean;
}

/**
 * Opens a data file, unpacked where it is gzip.
 *
 * @param memoryLimit more bytes than this stay on disk; default 64 MB
 * @throws BadInputError naming the file
 */
export async function openDataFile(
  path: string,
  memoryLimit = defaultMemoryLimit,
): Promise<DataFile> {
  const disk = diskBytes(path);
  const packed = disk.size >= 2 && isGzip(disk.read(0, 2));
  const bytes = packed ? await unpacked(path, memoryLimit) : disk;
  if (bytes.size > memoryLimit) return { bytes, small: false };
  return { bytes: memoryBytes(bytes.read(0, bytes.size), path), small: true };
}

/** All bytes of an open file. */
export const wholeFile = ({ bytes }: DataFile): Uint8Array => bytes.read(0, bytes.size);

/** The path of a file that may carry `.gz`; the plain name where neither exists. */
export const plainOrGz = (path: string): string =>
  !existsSync(path) && existsSync(`${path}.gz`) ? `${path}.gz` : path;
