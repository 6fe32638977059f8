/**
 * Builds s8_driver.c for a target and runs case files through it.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from '../../host/board/toolchain/run-tool.js';
import { requireTool } from '../../host/board/toolchain/tools.js';
import { compileWasm, wasmFlags } from '../../host/board/toolchain/wasm-clang.js';
import { sha256 } from '../../host/core/hash.js';
import { writeOutputFile } from '../../host/core/output-file.js';
import { builtFile, packageFile } from '../../host/core/package.js';
import { type Arch, archs } from '../../host/lower/lowered.js';

export const fuzzTargets = ['host', 'virtual', 'mps2-an386', 'mps3-an547', 'armv6-m'] as const;
export type FuzzTarget = (typeof fuzzTargets)[number];

/** Whose kernels a target runs: those of other cores in plain C where it lacks the instructions. */
export const fuzzArchs: Readonly<Record<FuzzTarget, readonly Arch[]>> = {
  host: archs,
  virtual: ['ref'],
  'mps2-an386': ['ref', 'dsp'],
  'mps3-an547': ['mve'],
  'armv6-m': ['m0'],
};

/** QEMU's machine, its memory map, and the code that is made for it. */
interface Emulated {
  readonly machine: string;
  readonly script: string;
  readonly flags: readonly string[];
}

const emulated = {
  'mps2-an386': {
    machine: 'mps2-an386',
    script: 'firmware/mps2-an386/link.ld',
    flags: ['-mcpu=cortex-m4'],
  },
  'mps3-an547': {
    machine: 'mps3-an547',
    script: 'test/kernels/fixtures/mps3-an547.ld',
    flags: ['-mcpu=cortex-m55', '-mfloat-abi=hard'],
  },
  'armv6-m': {
    machine: 'mps2-an385',
    script: 'firmware/mps2-an385/link.ld',
    flags: ['-mcpu=cortex-m0plus'],
  },
} as const satisfies Partial<Record<FuzzTarget, Emulated>>;

export const driverSource = 'test/kernels/s8_driver.c';

/** The integer kernels' headers by name. */
export function kernelHeaders(): ReadonlyMap<string, string> {
  const dir = packageFile('kernels/c');
  const names = readdirSync(dir).filter((name) =>
    /^enn_(fixed|window|dsp|dot4_dsp|mve|m0|rows_s8|body_.*|s8.*|s16.*)\.h$/.test(name),
  );
  return new Map(names.sort().map((name) => [name, readFileSync(join(dir, name), 'utf8')]));
}

/** What every compiler must accept. */
export const strictFlags = [
  '-std=c11',
  '-Wall',
  '-Wextra',
  '-Wconversion',
  '-Werror',
  '-ffp-contract=off',
] as const;

export interface DriverRun {
  /** 0: all cases ran; else s8_driver.c's `enum result`, or what the target died of. */
  readonly status: number;
  readonly results: Uint8Array;
  /** What it said: a sanitizer's report, or nothing. */
  readonly output: string;
}

export interface Driver {
  run(file: Uint8Array, resultBytes: number): Promise<DriverRun>;
  dispose(): void;
}

const folder = (): string => mkdtempSync(join(tmpdir(), 'enn-fuzz-'));

/** The folder's files when the driver left them there. */
function readResults(dir: string, count: number): Uint8Array {
  try {
    return new Uint8Array(readFileSync(join(dir, 'results.bin'))).slice(0, count);
  } catch {
    return new Uint8Array();
  }
}

async function compile(tool: 'cc' | 'arm-none-eabi-gcc', args: readonly string[]): Promise<void> {
  const { path } = await requireTool(tool, 'the kernel fuzzer');
  const sources = [packageFile(driverSource), `-I${packageFile('kernels/c')}`];
  const { status, stderr } = await runTool(path, [...strictFlags, ...sources, ...args]);
  if (status !== 0) throw new Error(`${path} rejects ${driverSource}:\n${stderr}`);
}

/** A process under the address and undefined-behaviour sanitizers. */
async function hostDriver(): Promise<Driver> {
  const dir = folder();
  const program = join(dir, 'driver');
  const sanitize = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  await compile('cc', ['-DDRIVER_HOST', '-O1', '-g', ...sanitize, '-o', program]);
  return {
    async run(file, resultBytes) {
      writeFileSync(join(dir, 'cases.bin'), file);
      rmSync(join(dir, 'results.bin'), { force: true });
      const args = ['cases.bin', 'results.bin', String(resultBytes)];
      const { status, stderr } = await runTool(program, args, { cwd: dir });
      return { status: status ?? -1, results: readResults(dir, resultBytes), output: stderr };
    },
    dispose: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** A Cortex-M in QEMU, which reads and writes the files of its working folder by semihosting. */
async function cortexDriver({ machine, script, flags }: Emulated): Promise<Driver> {
  const { path: qemu } = await requireTool('qemu-system-arm', 'the kernel fuzzer');
  const dir = folder();
  const image = join(dir, 'driver.elf');
  const link = [`-L${packageFile('firmware/cortex-m')}`];
  link.push('-T', packageFile(script));
  const core = [...flags, '-mthumb', '-O2', '-ffreestanding', '-nostartfiles'];
  await compile('arm-none-eabi-gcc', [...core, ...link, '-o', image]);
  const run = ['-M', machine, '-nographic', '-monitor', 'none', '-serial', 'none'];
  const semihosting = ['-semihosting-config', 'enable=on,target=native'];
  return {
    async run(file, resultBytes) {
      writeFileSync(join(dir, 'cases.bin'), file);
      rmSync(join(dir, 'results.bin'), { force: true });
      const args = [...run, ...semihosting, '-kernel', image];
      const { status, stderr } = await runTool(qemu, args, { cwd: dir, timeoutMs: 120_000 });
      return { status: status ?? -1, results: readResults(dir, resultBytes), output: stderr };
    },
    dispose: () => rmSync(dir, { recursive: true, force: true }),
  };
}

interface WasmDriver {
  readonly memory: WebAssembly.Memory;
  file(): number;
  results(): number;
  run(): number;
  done(): number;
}

/** The driver as a module; kept beside the built tests, because loading the compiler takes seconds. */
async function wasmBytes(): Promise<Uint8Array> {
  const files = new Map<string, string>(kernelHeaders());
  files.set('driver.c', readFileSync(packageFile(driverSource), 'utf8'));
  const kept = builtFile(
    `s8-driver-${sha256(JSON.stringify([wasmFlags, ...files])).slice(0, 16)}.wasm`,
  );
  if (existsSync(kept)) return readFileSync(kept);
  const wasm = await compileWasm(['driver.c'], files, ['-DDRIVER_WASM', '-I.']);
  writeOutputFile(kept, wasm);
  return wasm;
}

/** WebAssembly, as on the board `virtual`. */
async function wasmDriver(): Promise<Driver> {
  const wasm = await wasmBytes();
  const { instance } = await WebAssembly.instantiate(wasm as Uint8Array<ArrayBuffer>, {});
  const driver = instance.exports as unknown as WasmDriver;
  return {
    async run(file, resultBytes) {
      new Uint8Array(driver.memory.buffer).set(file, driver.file());
      const status = driver.run();
      const bytes = new Uint8Array(driver.memory.buffer, driver.results(), resultBytes);
      return { status, results: bytes.slice(), output: `cases completed: ${driver.done()}` };
    },
    dispose() {},
  };
}

const drivers: Readonly<Record<FuzzTarget, () => Promise<Driver>>> = {
  host: hostDriver,
  virtual: wasmDriver,
  'mps2-an386': () => cortexDriver(emulated['mps2-an386']),
  'mps3-an547': () => cortexDriver(emulated['mps3-an547']),
  'armv6-m': () => cortexDriver(emulated['armv6-m']),
};

/**
 * Compiles the driver for a target.
 *
 * @throws ToolchainError when the target's compiler or emulator is missing
 */
export const buildDriver = (target: FuzzTarget): Promise<Driver> => drivers[target]();
