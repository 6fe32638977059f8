/**
 * A build folder: written whole or not at all, read back with checks.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { BadInputError, UsageError } from '../core/errors.js';
import { makeOutputFolder, outputError } from '../core/output-file.js';
import type { Certificate } from './certificate.js';

export const certificateFile = 'certificate.json';

/** Refuses to replace a folder that is no build: it holds somebody's files. */
function checkReplaceable(out: string): void {
  if (!existsSync(out)) return;
  let names: string[];
  try {
    names = readdirSync(out);
  } catch (cause) {
    throw outputError(out, cause);
  }
  if (names.length === 0 || names.includes(certificateFile)) return;
  throw new UsageError(`${out} holds other files (${names.slice(0, 3).join(', ')}) and no build`, {
    hint: 'Choose an --out folder that is empty, does not exist, or holds an earlier build.',
    where: out,
  });
}

/** Puts `from` in the place of `out`; an earlier build goes away only when the new one is there. */
function replaceFolder(from: string, out: string): void {
  const old = `${from}.old`;
  const replaces = existsSync(out);
  if (replaces) renameSync(out, old);
  try {
    renameSync(from, out);
  } catch (cause) {
    if (replaces) renameSync(old, out);
    throw cause;
  }
  rmSync(old, { recursive: true, force: true });
}

/**
 * Lets `fill` write into a temporary folder beside `out` and then renames it into place. When
 * anything fails, nothing remains of it and an earlier build stays as it was.
 *
 * @throws UsageError (exit code 2) when the output cannot be written, or is somebody's folder
 */
export async function writeBuildFolder<T>(
  path: string,
  fill: (dir: string) => Promise<T>,
): Promise<T> {
  const out = resolve(path);
  checkReplaceable(out);
  makeOutputFolder(dirname(out));
  let temporary: string;
  // One level deeper: what mkdtemp makes, nobody else may read.
  let dir: string;
  try {
    temporary = mkdtempSync(join(dirname(out), `.${basename(out)}-`));
    dir = join(temporary, 'build');
    mkdirSync(dir);
  } catch (cause) {
    throw outputError(out, cause);
  }
  const clean = (): void => rmSync(temporary, { recursive: true, force: true });
  process.on('exit', clean);
  try {
    const result = await fill(dir);
    try {
      replaceFolder(dir, out);
    } catch (cause) {
      throw outputError(out, cause);
    }
    return result;
  } finally {
    clean();
    process.removeListener('exit', clean);
  }
}

/** Writes files below a folder that nobody sees yet. @throws UsageError */
export function writeTree(dir: string, files: ReadonlyMap<string, string | Uint8Array>): void {
  for (const [path, content] of files) {
    const file = join(dir, path);
    try {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    } catch (cause) {
      throw outputError(file, cause);
    }
  }
}

function damaged(dir: string, what: string, cause?: unknown): BadInputError {
  return new BadInputError(`${dir}: ${what}`, {
    hint: 'Give the folder that `edge-nn compile` wrote, or compile the model again.',
    where: dir,
    cause,
  });
}

/** A file of a build. @throws BadInputError (exit code 3) */
export function readBuildFile(dir: string, name: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(join(dir, name)));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' || code === 'ENOTDIR' ? `it has no ${name}` : message;
    throw damaged(dir, `is no build folder: ${why}`, cause);
  }
}

/** The certificate of a build. @throws BadInputError (exit code 3) when it is none */
export function readCertificate(dir: string): Certificate {
  const text = Buffer.from(readBuildFile(dir, certificateFile)).toString();
  let read: Partial<Certificate> | null;
  try {
    read = JSON.parse(text);
  } catch (cause) {
    throw damaged(dir, `${certificateFile} is no JSON`, cause);
  }
  const complete = read?.board && read.modelHash && read.image?.file && read.image.sha256;
  if (!complete) throw damaged(dir, `${certificateFile} lacks board, modelHash or image`);
  return read as Certificate;
}
