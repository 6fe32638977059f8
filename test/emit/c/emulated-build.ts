/**
 * Emitted C on an emulated board, with the board's own flags, run step by step like host-build.ts.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { getBoard } from '../../../host/board/boards.js';
import { bytesOf } from '../../../host/core/dtype.js';
import { packageFile } from '../../../host/core/package.js';
import { emitC } from '../../../host/emit/c/emit-c.js';
import type { Lowered } from '../../../host/lower/lowered.js';
import { type HostModel, observedOf, strictFlags, testHash } from './host-build.js';

const sources = ['test/emit/c/fixtures/emulated_driver.c', 'firmware/memory.c'];

/** Boards whose RAM is small: their code runs on another one. */
const roomy: Readonly<Record<string, string>> = { microbit: 'mps2-an385-v6m' };

/** What the driver's exit codes mean. */
const failures: Readonly<Record<number, string>> = {
  2: 'results could not be written',
  3: 'files could not be opened',
  4: 'the core took a fault',
  5: 'bytes behind the arena were written',
};

/** Builds a lowered graph for a board in QEMU. Throws with the compiler's output when it warns. */
export function buildEmulated(lowered: Lowered, boardName: string): HostModel {
  const { flags } = getBoard(boardName);
  const { include, linkerScript, runner } = getBoard(roomy[boardName] ?? boardName);
  if (runner.kind !== 'qemu') throw new Error(`${boardName} is not emulated`);
  const dir = mkdtempSync(join(tmpdir(), 'enn-emulated-'));
  for (const [name, text] of emitC(lowered, { modelHash: testHash })) {
    writeFileSync(join(dir, name), text);
  }
  const includes = [dir, ...[...include, 'kernels/c'].map((path) => packageFile(path))];
  const script = packageFile(linkerScript!);
  const link = ['-nostartfiles', '-Wl,--gc-sections', `-L${packageFile('firmware/cortex-m')}`];
  execFileSync(
    'arm-none-eabi-gcc',
    [
      ...[...flags, ...strictFlags, ...includes.map((path) => `-I${path}`)],
      ...[join(dir, 'model.c'), ...sources.map((path) => packageFile(path))],
      ...[...link, `-T${script}`, '-o', join(dir, 'model.elf')],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const qemu = ['-M', runner.machine, '-nographic', '-monitor', 'none', '-serial', 'none'];
  const semihosting = ['-semihosting-config', 'enable=on,target=native', '-kernel', 'model.elf'];
  return {
    run(inferences) {
      writeFileSync(join(dir, 'cases.bin'), Buffer.concat(inferences.flat().map(bytesOf)));
      const { status, stderr } = spawnSync('qemu-system-arm', [...qemu, ...semihosting], {
        cwd: dir,
        encoding: 'utf8',
        timeout: 120_000,
      });
      if (status !== 0) {
        const what = failures[status ?? -1] ?? `status ${status}`;
        throw new Error(`${boardName}, ${basename(dir)}: ${what}\n${stderr}`);
      }
      return observedOf(lowered, readFileSync(join(dir, 'results.bin')), inferences.length);
    },
    dispose: () => rmSync(dir, { recursive: true, force: true }),
  };
}
