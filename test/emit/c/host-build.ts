/**
 * Emitted C on this machine: compiled by cc under ASan and UBSan, run step by step.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf } from '../../../host/core/dtype.js';
import { packageFile } from '../../../host/core/package.js';
import { emitC } from '../../../host/emit/c/emit-c.js';
import type { Lowered } from '../../../host/lower/lowered.js';

export const strictFlags = [
  '-std=c11',
  '-Wall',
  '-Wextra',
  '-Wconversion',
  '-Werror',
  '-ffp-contract=off',
];

/** Whether a program can be run. */
export const hasTool = (name: string): boolean =>
  spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0;

export const testHash = Uint8Array.from({ length: 16 }, (_, i) => i);

/** What one inference left: the window after each step, and the outputs. */
export interface Observed {
  readonly steps: readonly Int8Array[];
  readonly outputs: readonly Int8Array[];
}

export interface HostModel {
  run(inferences: readonly (readonly Int8Array[])[]): Observed[];
  dispose(): void;
}

/** What a driver wrote: the windows of all steps, then the outputs, for each inference. */
export function observedOf(lowered: Lowered, written: Buffer, inferences: number): Observed[] {
  const size = written.length / inferences;
  return Array.from({ length: inferences }, (_, i) => {
    let at = i * size;
    const take = ({ bytes }: { bytes: number }) =>
      new Int8Array(written.subarray(at, (at += bytes)));
    return {
      steps: lowered.steps.map(({ window }) => take(window)),
      outputs: lowered.outputs.map(take),
    };
  });
}

/** Builds a lowered graph. Throws with the compiler's output when it warns. */
export function buildOnHost(lowered: Lowered, optimize = '-O1'): HostModel {
  const dir = mkdtempSync(join(tmpdir(), 'enn-emit-'));
  for (const [name, text] of emitC(lowered, { modelHash: testHash })) {
    writeFileSync(join(dir, name), text);
  }
  const program = join(dir, 'driver');
  const sanitize = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  const includes = [dir, packageFile('device'), packageFile('kernels/c')].map(
    (path) => `-I${path}`,
  );
  const sources = [join(dir, 'model.c'), packageFile('test/emit/c/fixtures/driver.c')];
  execFileSync(
    'cc',
    [...strictFlags, optimize, ...sanitize, ...includes, ...sources, '-o', program],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );

  return {
    run(inferences) {
      const input = Buffer.concat(inferences.flat().map(bytesOf));
      const out = execFileSync(program, { input, maxBuffer: 2 ** 30 });
      return observedOf(lowered, out, inferences.length);
    },
    dispose: () => rmSync(dir, { recursive: true, force: true }),
  };
}
