/**
 * Files appear whole or not at all: written under a temporary name, synced, renamed. What is no
 * file (a device, a pipe) is written to, and never replaced.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
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

/** Whether something is there that is no file and no folder, such as /dev/null or a named pipe. */
function isDevice(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

/** The file itself behind links; undefined where there is none. */
function realFile(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Refuses an output that is one of the files it is made from.
 *
 * @throws UsageError
 */
export function requireOtherFile(output: string, inputs: readonly string[]): void {
  const real = realFile(output);
  if (real === undefined || !inputs.some((input) => realFile(input) === real)) return;
  throw new UsageError(`${output} is the input: writing the output there would destroy it`, {
    hint: 'Choose another --out (of run: --output).',
    where: output,
  });
}

/** Writes a file whole, with its folder. @throws UsageError; nothing is left half-written */
export function writeOutputFile(path: string, content: Uint8Array | string): void {
  makeOutputFolder(dirname(path));
  try {
    if (isDevice(path)) writeFileSync(path, content);
    else writeFileAtomic.sync(path, typeof content === 'string' ? content : Buffer.from(content));
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
  const device = isDevice(path);
  const temporary = device ? path : `${path}.${process.pid}.part`;
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
    if (device) return total;
    guarded(() => fsyncSync(file));
    closeSync(file);
    fd = undefined;
    guarded(() => renameSync(temporary, path));
    return total;
  } finally {
    if (fd !== undefined) closeSync(fd);
    if (!device) rmSync(temporary, { force: true });
  }
}
