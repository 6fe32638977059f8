/**
 * Files appear whole or not at all: written under a temporary name, synced, renamed.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { UsageError } from './errors.js';

const hints: Readonly<Record<string, string>> = {
  EACCES: 'Choose another --out folder, or give yourself write permission on this one.',
  EPERM: 'Choose another --out folder, or give yourself write permission on this one.',
  EROFS: 'The file system is read-only: choose another --out folder.',
  ENOSPC: 'The disk is full: free some space, or choose an --out folder on another disk.',
  EDQUOT: 'Your disk quota is used up: free some space, or choose another --out folder.',
  EFBIG: 'The file-size limit is reached: raise it (ulimit -f), or choose another --out folder.',
  ENOTDIR: 'A part of this path is a file, not a folder: choose another --out path.',
  EISDIR: 'This path is a folder: give the name of a file.',
  EEXIST: 'A file stands where a folder is needed: remove it, or choose another --out path.',
};

/** The error that a failed write of `path` becomes. Exit code 2. */
export function outputError(path: string, cause: unknown): UsageError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  return new UsageError(`cannot write ${path}: ${(cause as Error).message}`, {
    hint: hints[code] ?? 'Check the output path and try again.',
    where: path,
    cause,
  });
}

/**
 * Makes a folder and those above it, one by one: Node's recursive mkdir never returns where the
 * system answers ENOENT below a folder that exists, as in /proc.
 *
 * @throws UsageError
 */
export function makeOutputFolder(path: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
    if (dirname(path) !== path) makeOutputFolder(dirname(path));
    mkdirSync(path);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw outputError(path, cause);
  }
}

/** Writes a file whole, with its folder. @throws UsageError; nothing is left half-written */
export function writeOutputFile(path: string, content: Uint8Array | string): void {
  makeOutputFolder(dirname(path));
  try {
    writeFileAtomic.sync(path, typeof content === 'string' ? content : Buffer.from(content));
  } catch (cause) {
    throw outputError(path, cause);
  }
}

/**
 * Writes a file piece by piece, for what is too large to be held: it appears when the last piece is
 * written, and not at all when a piece cannot be made or written.
 *
 * @returns the bytes written
 * @throws UsageError, and what `pieces` throws
 */
export function writeOutputPieces(path: string, pieces: Iterable<Uint8Array>): number {
  makeOutputFolder(dirname(path));
  const temporary = `${path}.${process.pid}.part`;
  let fd: number | undefined;
  let total = 0;
  const guarded = <T>(action: () => T): T => {
    try {
      return action();
    } catch (cause) {
      throw outputError(path, cause);
    }
  };
  try {
    const file = (fd = guarded(() => openSync(temporary, 'w')));
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; ) at += guarded(() => writeSync(file, piece, at));
      total += piece.length;
    }
    guarded(() => fsyncSync(file));
    closeSync(file);
    fd = undefined;
    guarded(() => renameSync(temporary, path));
    return total;
  } finally {
    if (fd !== undefined) closeSync(fd);
    rmSync(temporary, { force: true });
  }
}
