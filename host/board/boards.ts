/**
 * Boards as data: what the compiler, the linker, the emulator and the certificate need to know.
 * A board is an entry of this table and a folder of firmware/; adding one needs no code.
 *
 * All paths are relative to the package's root, and to the root of an emitted folder alike.
 */
import { UsageError } from '../core/errors.js';
import { type Arch, portableTarget, type Target } from '../lower/lowered.js';
import type { ToolName } from './toolchain/tools.js';

/** Bytes. On `host` and `virtual`, where memory is not the limit, what their code model addresses. */
export interface MemoryLimits {
  readonly flash: number;
  readonly ram: number;
}

/** Where execution starts and what may interrupt it: the roots of the stack bound. */
export interface StackRoots {
  readonly entry: string;
  /** Handlers of one priority: they do not nest, so the deepest of them counts. */
  readonly handlers: readonly string[];
  /** What the core pushes when it takes an exception, alignment included; 0 without handlers. */
  readonly exceptionBytes: number;
}

/** How an image is brought to run. */
export type Runner =
  | { readonly kind: 'wasm' }
  | { readonly kind: 'process' }
  | {
      readonly kind: 'qemu';
      readonly machine: string;
      /** An instruction takes 2^shift ns of the emulated clock when instructions are counted. */
      readonly icountShift: number;
    };

export interface Board {
  readonly name: string;
  readonly description: string;
  readonly cpu: string;
  /** The kernels that it runs; the portable ones unless told. */
  readonly arch?: Arch;
  readonly compiler: 'wasm-clang' | 'cc' | 'arm-none-eabi-gcc';
  /** Code generation: core, optimization. */
  readonly flags: readonly string[];
  readonly linkFlags: readonly string[];
  /** C files besides the model's. */
  readonly sources: readonly string[];
  readonly include: readonly string[];
  readonly linkerScript?: string;
  readonly limits: MemoryLimits;
  /** Bytes set aside for the stack where no static bound is possible. */
  readonly stackReserve?: number;
  readonly stack?: StackRoots;
  readonly runner: Runner;
  /** How an image gets onto it: emulated flash is a file in the build folder. */
  readonly flasher: 'file';
  readonly needs: readonly ToolName[];
  /** A board without a C toolchain of its own builds elsewhere as a program for this board. */
  readonly standalone?: string;
}

const runtime = ['device/enn_device.c', 'device/enn_frame.c', 'firmware/memory.c'];
const runtimeInclude = ['model', 'device', 'firmware'];
const kb = 1024;
const mb = 1024 * kb;

const cortexM = {
  compiler: 'arm-none-eabi-gcc',
  linkFlags: ['-nostartfiles', '-Wl,--gc-sections'],
  flasher: 'file',
  needs: ['arm-none-eabi-gcc', 'arm-newlib', 'qemu-system-arm'],
} as const;

/** Eight words, and one to align; with a floating-point unit eighteen more. DDI 0403E, B1.5.7. */
const basicFrame = 40;
const floatFrame = 112;

/** A Cortex-M on one of Arm's MPS boards: CMSDK UART, SysTick. */
const mps = (board: {
  readonly name: string;
  /** The machine of QEMU and the folder of firmware/; the board's name unless told. */
  readonly machine?: string;
  readonly description: string;
  readonly cpu: string;
  readonly flags: readonly string[];
  readonly arch?: Arch;
  readonly bytes: number;
  readonly exceptionBytes: number;
}): Board => ({
  ...cortexM,
  name: board.name,
  description: board.description,
  cpu: board.cpu,
  ...(board.arch && { arch: board.arch }),
  flags: [...board.flags, '-mthumb', '-O2'],
  sources: [
    ...runtime,
    'firmware/main.c',
    'firmware/cortex-m/startup.c',
    'firmware/cortex-m/systick.c',
    'firmware/cmsdk/uart.c',
  ],
  include: [...runtimeInclude, `firmware/${board.machine ?? board.name}`, 'firmware/cortex-m'],
  linkerScript: `firmware/${board.machine ?? board.name}/link.ld`,
  limits: { flash: board.bytes, ram: board.bytes },
  stack: {
    entry: 'enn_start',
    handlers: ['enn_uart_irq', 'enn_systick_irq'],
    exceptionBytes: board.exceptionBytes,
  },
  runner: { kind: 'qemu', machine: board.machine ?? board.name, icountShift: 5 },
});

const host: Board = {
  name: 'host',
  description: "the device as a process of this machine, built by the system's C compiler",
  cpu: 'this machine',
  compiler: 'cc',
  flags: ['-O2', '-fno-pie'],
  linkFlags: ['-no-pie', '-Wl,--gc-sections'],
  sources: [...runtime, 'firmware/main.c', 'firmware/host/port.c'],
  include: [...runtimeInclude, 'firmware/host'],
  limits: { flash: 2048 * mb, ram: 2048 * mb },
  stack: { entry: 'main', handlers: [], exceptionBytes: 0 },
  runner: { kind: 'process' },
  flasher: 'file',
  needs: ['cc'],
};

const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

const table: readonly Board[] = [
  {
    name: 'virtual',
    description: 'the device as WebAssembly inside this process; needs npm only',
    cpu: 'WebAssembly',
    compiler: 'wasm-clang',
    flags: [],
    linkFlags: [],
    sources: [...runtime, 'firmware/virtual/port.c'],
    include: [...runtimeInclude, 'firmware/virtual'],
    limits: { flash: 4096 * mb, ram: 4096 * mb },
    stackReserve: 64 * kb,
    runner: { kind: 'wasm' },
    flasher: 'file',
    needs: [],
    standalone: 'host',
  },
  host,
  {
    ...host,
    name: 'host-asan',
    description: 'the same process under AddressSanitizer and UndefinedBehaviorSanitizer',
    flags: ['-O1', '-g', ...sanitizers],
    linkFlags: [...sanitizers],
  },
  mps({
    name: 'mps2-an386',
    description: 'Arm MPS2 with Cortex-M4F, in QEMU',
    cpu: 'Cortex-M4F',
    arch: 'dsp',
    flags: ['-mcpu=cortex-m4', '-mfpu=fpv4-sp-d16', '-mfloat-abi=hard'],
    bytes: 4 * mb,
    exceptionBytes: floatFrame,
  }),
  mps({
    name: 'mps2-an500',
    description: 'Arm MPS2 with Cortex-M7, in QEMU',
    cpu: 'Cortex-M7',
    arch: 'dsp',
    flags: ['-mcpu=cortex-m7', '-mfpu=fpv5-sp-d16', '-mfloat-abi=hard'],
    bytes: 4 * mb,
    exceptionBytes: floatFrame,
  }),
  mps({
    name: 'mps3-an547',
    description: 'Arm MPS3 with Cortex-M55 and Helium, in QEMU',
    cpu: 'Cortex-M55',
    arch: 'mve',
    flags: ['-mcpu=cortex-m55', '-mfloat-abi=hard'],
    bytes: 512 * kb,
    exceptionBytes: floatFrame,
  }),
  mps({
    name: 'mps2-an385',
    description: 'Arm MPS2 with Cortex-M3, in QEMU',
    cpu: 'Cortex-M3',
    flags: ['-mcpu=cortex-m3', '-mfloat-abi=soft'],
    bytes: 4 * mb,
    exceptionBytes: basicFrame,
  }),
  mps({
    name: 'mps2-an385-v6m',
    machine: 'mps2-an385',
    description: 'Armv6-M code on the MPS2 with Cortex-M3, in QEMU: counts that of a Cortex-M0+',
    cpu: 'Cortex-M0+',
    arch: 'm0',
    flags: ['-mcpu=cortex-m0plus', '-mfloat-abi=soft'],
    bytes: 4 * mb,
    exceptionBytes: basicFrame,
  }),
  {
    ...cortexM,
    name: 'microbit',
    description: 'BBC micro:bit v1 (nRF51822: 256 KB of flash, 16 KB of RAM), in QEMU',
    cpu: 'Cortex-M0',
    arch: 'm0',
    flags: ['-mcpu=cortex-m0', '-mfloat-abi=soft', '-mthumb', '-Os'],
    sources: [
      ...runtime,
      'firmware/main.c',
      'firmware/cortex-m/startup.c',
      'firmware/nrf51/nrf51.c',
    ],
    include: [...runtimeInclude, 'firmware/microbit', 'firmware/cortex-m'],
    linkerScript: 'firmware/microbit/link.ld',
    limits: { flash: 256 * kb, ram: 16 * kb },
    stack: { entry: 'enn_start', handlers: ['enn_uart_irq'], exceptionBytes: basicFrame },
    runner: { kind: 'qemu', machine: 'microbit', icountShift: 5 },
  },
];

/** All boards, by name. */
export const boards: ReadonlyMap<string, Board> = new Map(
  table.map((board) => [board.name, board]),
);

/**
 * A board by its name.
 *
 * @throws UsageError (exit code 2) that lists the names
 */
export function getBoard(name: string): Board {
  const board = boards.get(name);
  if (board) return board;
  throw new UsageError(`there is no board named ${JSON.stringify(name)}`, {
    hint: `Choose one of ${[...boards.keys()].join(', ')}; \`edge-nn devices\` describes them.`,
    where: name,
  });
}

/** What lowering has to know of a board. */
export const targetOf = ({ arch = portableTarget.arch }: Board): Target => ({
  ...portableTarget,
  arch,
});
