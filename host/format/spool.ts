/**
 * The bytes of a stream with random access: in memory while they are few, else in a temporary file
 * that goes away with the process.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ByteFile, diskBytes, memoryBytes } from './byte-file.js';

/** Files and unpacked data up to this many bytes are kept in memory. */
export const defaultMemoryLimit = 2 ** 26;

/** A file that only this process can see: its name is gone as soon as it is open for reading. */
class Spool {
  readonly #folder = mkdtempSync(join(tmpdir(), 'edge-nn-data-'));
  readonly #path = join(this.#folder, 'unpacked');
  readonly #fd = openSync(this.#path, 'w');

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
  }

  /** Ends the writing. */
  finish(name: string): ByteFile {
    closeSync(this.#fd);
    try {
      return diskBytes(this.#path, name);
    } finally {
      this.#remove();
    }
  }

  abandon(): void {
    closeSync(this.#fd);
    this.#remove();
  }

  #remove(): void {
    const remove = (): void => rmSync(this.#folder, { recursive: true, force: true });
    try {
      remove();
    } catch {
      // A system that keeps the names of open files lets go of them when the process ends.
      process.on('exit', remove);
    }
  }
}

/**
 * Collects a stream.
 *
 * @param name for the errors
 * @param memoryLimit more bytes than this go to a temporary file
 * @throws what the stream or the disk throws
 */
export async function spool(
  stream: AsyncIterable<Uint8Array>,
  name: string,
  memoryLimit = defaultMemoryLimit,
): Promise<ByteFile> {
  const parts: Uint8Array[] = [];
  let size = 0;
  let file: Spool | undefined;
  try {
    for await (const part of stream) {
      size += part.length;
      if (!file && size > memoryLimit) {
        file = new Spool();
        for (const earlier of parts.splice(0)) file.write(earlier);
      }
      if (file) file.write(part);
      else parts.push(part);
    }
  } catch (error) {
    file?.abandon();
    throw error;
  }
  return file ? file.finish(name) : memoryBytes(Buffer.concat(parts), name);
}
