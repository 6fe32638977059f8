/**
 * The hand-written model of fixtures/, built for every kind of device, and what it must compute.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileWasm } from '../../host/board/toolchain/wasm-clang.js';
import { packageFile } from '../../host/core/package.js';

const inputBytes = 80;

/** Input number `seed`: bytes that include zeros and runs of the same value. */
export const inputOf = (seed: number): Uint8Array =>
  Uint8Array.from({ length: inputBytes }, (_, i) => (i % 7 === 0 ? 0 : i * (seed + 3) + seed));

/** The window of every step, as the comment in fixtures/model.c says. */
export function windowsOf(input: Uint8Array): Uint8Array[] {
  const scaled = input.map((byte) => byte * 3 + 1);
  const mixed = Uint8Array.from({ length: 16 }, (_, i) => scaled[i]! ^ scaled[i + 16]!);
  const scores = Uint8Array.from({ length: 10 }, (_, i) => mixed[i]! + i);
  return [scaled, mixed, scores];
}

export const outputOf = (input: Uint8Array): Uint8Array => windowsOf(input)[2]!;

const runtime = ['device/enn_device.c', 'device/enn_frame.c', 'firmware/memory.c'];
const model = 'test/device/fixtures/model.c';
const headers = [
  'device/enn_device.h',
  'device/enn_frame.h',
  'device/enn_input.h',
  'device/enn_model.h',
  'device/enn_port.h',
  'device/enn_protocol.h',
  'firmware/firmware.h',
  'firmware/ring.h',
  'firmware/virtual/board.h',
  'test/device/fixtures/model.h',
];

const includes = (board: string): string[] =>
  ['device', 'firmware', `firmware/${board}`, 'test/device/fixtures'].map((dir) => `-I${dir}`);

const strict = ['-std=c11', '-Wall', '-Wextra', '-Wconversion', '-Werror', '-ffp-contract=off'];

/** All of the virtual board but a model. */
export const virtualSources = [...runtime, 'firmware/virtual/port.c'];
export const virtualFlags = includes('virtual');
export const virtualFiles: ReadonlyMap<string, string> = new Map(
  [...virtualSources, ...headers.filter((file) => !file.startsWith('test/'))].map((file) => [
    file,
    readFileSync(packageFile(file), 'utf8'),
  ]),
);

let virtual: Promise<Uint8Array> | undefined;

/** @param flags further flags, such as `-DENN_RX_BYTES=512` */
export function buildVirtual(flags: readonly string[] = []): Promise<Uint8Array> {
  const build = (): Promise<Uint8Array> => {
    const own = [model, 'test/device/fixtures/model.h'];
    const files = new Map([
      ...virtualFiles,
      ...own.map((file) => [file, readFileSync(packageFile(file), 'utf8')] as const),
    ]);
    return compileWasm([...virtualSources, model], files, [...virtualFlags, ...flags]);
  };
  if (flags.length > 0) return build();
  virtual ??= build();
  return virtual;
}

export const hasTool = (name: string): boolean =>
  spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0;

function compile(compiler: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(compiler, args, { cwd: packageFile(), encoding: 'utf8' });
  if (status !== 0 || stderr !== '') throw new Error(`${compiler} failed: ${stderr}`);
}

/** A folder for one test's files. */
export const scratchDir = (): string => mkdtempSync(join(tmpdir(), 'enn-device-'));

/** The device as a program of this machine, under the address and undefined-behaviour sanitizers. */
export function buildHost(dir: string): string {
  const out = join(dir, 'device');
  const sanitize = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  const sources = [...runtime, 'firmware/main.c', 'firmware/host/port.c', model];
  compile('cc', [...strict, ...sanitize, ...includes('host'), ...sources, '-o', out]);
  return out;
}

const cmsdk = ['firmware/cortex-m/systick.c', 'firmware/cmsdk/uart.c'];

export const armBoards: Readonly<
  Record<string, { readonly cpu: readonly string[]; readonly drivers: readonly string[] }>
> = {
  'mps2-an385': { cpu: ['-mcpu=cortex-m3'], drivers: cmsdk },
  'mps2-an386': {
    cpu: ['-mcpu=cortex-m4', '-mfloat-abi=hard', '-mfpu=fpv4-sp-d16'],
    drivers: cmsdk,
  },
  'mps2-an500': {
    cpu: ['-mcpu=cortex-m7', '-mfloat-abi=hard', '-mfpu=fpv5-d16'],
    drivers: cmsdk,
  },
  'mps3-an547': { cpu: ['-mcpu=cortex-m55', '-mfloat-abi=hard'], drivers: cmsdk },
  microbit: { cpu: ['-mcpu=cortex-m0'], drivers: ['firmware/nrf51/nrf51.c'] },
};

/** The firmware of a Cortex-M board as an ELF file, with a model that has the fixture's sizes. */
export function buildArm(
  board: string,
  dir: string,
  flags: readonly string[] = [],
  modelSource = model,
): string {
  const { cpu, drivers } = armBoards[board]!;
  const out = join(dir, `${board}.elf`);
  const port = ['firmware/main.c', 'firmware/cortex-m/startup.c', ...drivers];
  const sources = [...runtime, ...port, modelSource];
  const link = ['-specs=nano.specs', '-nostartfiles', '-Wl,--gc-sections', '-Lfirmware/cortex-m'];
  compile('arm-none-eabi-gcc', [
    ...[...cpu, '-mthumb', '-O2', '-ffunction-sections', '-fdata-sections'],
    ...[...strict, ...includes(board), '-Ifirmware/cortex-m', ...flags],
    ...[...sources, ...link, `-Tfirmware/${board}/link.ld`, '-o', out],
  ]);
  return out;
}

export interface Emulator {
  /** The PTY of the board's UART. */
  readonly pty: string;
  stop(): void;
}

/** Boots an ELF file in QEMU with the UART on a PTY. */
export function bootQemu(board: string, elf: string): Promise<Emulator> {
  const child = spawn(
    'qemu-system-arm',
    [
      ...['-M', board, '-kernel', elf, '-display', 'none', '-monitor', 'none'],
      ...['-chardev', 'pty,id=uart', '-serial', 'chardev:uart'],
      ...['-icount', 'shift=5,sleep=off'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  return new Promise((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (bytes) => (text += bytes));
    child.stdout.on('data', (bytes) => {
      text += bytes;
      const pty = /redirected to (\S+)/.exec(text)?.[1];
      if (pty !== undefined) resolve({ pty, stop: () => void child.kill() });
    });
    child.on('error', reject);
    child.on('exit', () => reject(new Error(`QEMU ended: ${text}`)));
  });
}
