/**
 * The folder of a training: one training at a time, which leaves its checkpoints and nothing else.
 * The file `training` in it holds the number of the process that writes there.
 */
import { accessSync, constants, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../core/errors.js';
import { makeOutputFolder, outputError, writeOutputFile } from '../core/output-file.js';

/** What a training that was killed while it wrote a checkpoint leaves behind. */
const unfinished = /^(last|best)\.safetensors\.\d+$/;

/** Whether another process of this number runs. A number of our own is that of one that ended. */
function runs(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The process that trains into the folder now; undefined where there is none. */
function holder(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return runs(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes a folder for a training: makes it, and removes what a killed one left.
 *
 * @returns gives the folder back
 * @throws UsageError when it cannot be written, or another process trains into it
 */
export function holdRunFolder(out: string): () => void {
  makeOutputFolder(out);
  const mark = join(out, 'training');
  const pid = holder(mark);
  if (pid !== undefined) {
    throw new UsageError(`process ${pid} trains into ${out} at this moment`, {
      hint: `Choose another --out, or stop that training; if it is none, remove ${mark}.`,
      where: out,
    });
  }
  try {
    accessSync(out, constants.W_OK);
    for (const name of readdirSync(out)) {
      if (unfinished.test(name)) rmSync(join(out, name), { force: true });
    }
  } catch (cause) {
    throw outputError(out, cause);
  }
  writeOutputFile(mark, `${process.pid}\n`);
  return () => rmSync(mark, { force: true });
}
