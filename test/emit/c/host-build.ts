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

  function split(bytes: Buffer): Observed {
    let at = 0;
    const take = ({ bytes: length }: { bytes: number }) =>
      new Int8Array(bytes.subarray(at, (at += length)));
    return {
      steps: lowered.steps.map(({ window }) => take(window)),
      outputs: lowered.outputs.map(take),
    };
  }

  return {
    run(inferences) {
      const input = Buffer.concat(inferences.flat().map(bytesOf));
      const out = execFileSync(program, { input, maxBuffer: 2 ** 30 });
      const size = out.length / inferences.length;
      return inferences.map((_, i) => split(out.subarray(i * size, (i + 1) * size)));
    },
    dispose: () => rmSync(dir, { recursive: true, force: true }),
  };
}
