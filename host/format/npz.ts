/**
 * NumPy's .npz: a zip of .npy files, stored (numpy.savez) or deflated (numpy.savez_compressed).
 * Reading goes through npm yauzl, writing through fflate.
 * Source: https://numpy.org/doc/stable/reference/generated/numpy.savez.html
 */
import { crc32 } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { BadInputError } from '../core/errors.js';
import { lazyPackage } from '../core/lazy-package.js';
import {
  type ByteFile,
  byteRange,
  diskBytes,
  memoryBytes,
  pieces,
  unreadable,
} from './byte-file.js';
import { damagedHint } from './bytes.js';
import { type NpyTensor, readNpy, writeNpy } from './npy.js';
import { defaultMemoryLimit, spool } from './spool.js';

export interface NpzArchive {
  /** Names of the arrays, without `.npy`, in the order of the file. */
  readonly names: readonly string[];
  /**
   * The .npy file of an array, its CRC-32 checked. A stored one is read where it lies; a deflated
   * one is unpacked into memory or, beyond the limit, into a temporary file.
   * @throws BadInputError for a damaged file or a name that is not there
   */
  open(name: string): Promise<ByteFile>;
  /** Arrays that were opened stay readable. */
  close(): void;
}

const yauzl = lazyPackage<typeof import('yauzl')>('yauzl');
const fflate = lazyPackage<typeof import('fflate')>('fflate');

const stored = 0;

const bad = (file: string, what: string, hint = damagedHint, cause?: unknown): BadInputError =>
  new BadInputError(`${file}: ${what}`, { hint, where: file, cause });

async function* checkedCrc(
  stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  expected: number,
  name: string,
): AsyncGenerator<Uint8Array> {
  let crc = 0;
  for await (const part of stream) {
    crc = crc32(part, crc);
    yield part;
  }
  if (crc !== expected) throw bad(name, 'its checksum is not the one in the archive');
}

async function openEntry(
  zip: ZipFile,
  source: ByteFile,
  entry: Entry,
  memoryLimit: number,
): Promise<ByteFile> {
  const name = `${source.file}/${entry.fileName}`;
  try {
    if (entry.compressionMethod === stored) {
      const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
      const range = byteRange(source, fileDataStart, entry.compressedSize, name);
      for await (const _ of checkedCrc(pieces(range), entry.crc32, name));
      return range;
    }
    const stream = await zip.openReadStreamPromise(entry);
    return await spool(checkedCrc(stream, entry.crc32, name), name, memoryLimit);
  } catch (cause) {
    if (cause instanceof BadInputError) throw cause;
    throw bad(name, `cannot be unpacked: ${(cause as Error).message}`, damagedHint, cause);
  }
}

async function openZip(file: string | Uint8Array, name: string): Promise<ZipFile> {
  const options = { lazyEntries: true, autoClose: false } as const;
  try {
    return typeof file === 'string'
      ? await yauzl().openPromise(file, options)
      : await yauzl().fromBufferPromise(Buffer.from(file), options);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall !== undefined) throw unreadable(name, cause);
    const hint = 'Give a file that numpy.savez or numpy.savez_compressed wrote.';
    throw bad(name, `is no .npz: ${(cause as Error).message}`, hint, cause);
  }
}

/**
 * Opens an archive. Arrays of a file on disk are not read before they are asked for.
 *
 * @param file a path, or the bytes
 * @throws BadInputError
 */
export async function openNpz(
  file: string | Uint8Array,
  options: { readonly name?: string; readonly memoryLimit?: number } = {},
): Promise<NpzArchive> {
  const name = options.name ?? (typeof file === 'string' ? file : 'npz data');
  const zip = await openZip(file, name);
  const source = typeof file === 'string' ? diskBytes(file, name) : memoryBytes(file, name);
  const entries = new Map<string, Entry>();
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('.npy')) entries.set(entry.fileName.slice(0, -4), entry);
    }
  } catch (cause) {
    throw bad(name, `is a damaged .npz: ${(cause as Error).message}`, damagedHint, cause);
  }
  const names = [...entries.keys()];
  return {
    names,
    async open(wanted) {
      const entry = entries.get(wanted);
      if (entry) return openEntry(zip, source, entry, options.memoryLimit ?? defaultMemoryLimit);
      const list = names.join(', ') || 'none';
      throw bad(name, `has no array ${wanted}; it has: ${list}`, 'Name one of its arrays.');
    },
    close: () => zip.close(),
  };
}

/** All arrays of an .npz, by name. @throws BadInputError, UnsupportedError */
export async function readNpz(
  file: string | Uint8Array,
  name?: string,
): Promise<Map<string, NpyTensor>> {
  const archive = await openNpz(file, name === undefined ? {} : { name });
  const out = new Map<string, NpyTensor>();
  try {
    for (const array of archive.names) {
      const source = await archive.open(array);
      out.set(array, readNpy(source.read(0, source.size), source.file));
    }
  } finally {
    archive.close();
  }
  return out;
}

/** The deflated .npz of some arrays, as numpy.savez_compressed writes it; the clock is not in it. */
export function writeNpz(arrays: Iterable<readonly [string, NpyTensor]>): Uint8Array {
  const files = [...arrays].map(([name, tensor]) => [`${name}.npy`, writeNpy(tensor)] as const);
  return fflate().zipSync(Object.fromEntries(files), { level: 6, mtime: new Date(1980, 0, 1) });
}
