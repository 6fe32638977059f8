/**
 * Boards in QEMU: the emulator as a child process, its UART on a PTY.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { ToolchainError } from '../core/errors.js';
import { serialTransport } from '../link/serial.js';
import type { Transport } from '../link/transport.js';
import type { Runner } from './boards.js';
import { keepUntilExit } from './children.js';
import { requireTool } from './toolchain/tools.js';

export type QemuRunner = Extract<Runner, { kind: 'qemu' }>;

/**
 * The arguments that boot an image.
 *
 * @param count lets the emulated clock follow the instruction count: slower, exact on repeat
 */
export const qemuArguments = (runner: QemuRunner, image: string, count = false): string[] => [
  ...['-M', runner.machine, '-display', 'none', '-monitor', 'none'],
  ...['-chardev', 'pty,id=uart', '-serial', 'chardev:uart', '-kernel', image],
  ...(count ? ['-icount', `shift=${runner.icountShift},sleep=off`] : []),
];

/** QEMU says where its PTY is within milliseconds; a loaded machine may need longer. */
const startLimitMs = 20_000;

type Emulator = ChildProcessByStdio<null, Readable, Readable>;

interface Started {
  readonly child: Emulator;
  readonly pty: string;
  /** What it has said on stderr so far. */
  complaint(): string;
}

function emulatorError(machine: string, what: string, complaint: string): ToolchainError {
  return new ToolchainError(`QEMU (${machine}) ${what}\n${complaint}`.trim(), {
    hint: 'Check that this QEMU knows the machine (qemu-system-arm -M help), and flash the build again.',
    where: machine,
  });
}

/** Starts QEMU and waits for the PTY's name. */
function start(program: string, runner: QemuRunner, args: readonly string[]): Promise<Started> {
  // In a group of its own, because Ctrl-C is for this process: it may want to end in good order.
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  keepUntilExit(child);
  let said = '';
  let complaint = '';
  child.stderr.on('data', (chunk) => (complaint = `${complaint}${chunk}`.slice(-4000)));
  return new Promise((resolve, reject) => {
    const fail = (what: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(emulatorError(runner.machine, what, complaint));
    };
    const timer = setTimeout(() => fail('did not start in time.'), startLimitMs);
    child.on('error', (cause) => fail(`cannot be started: ${cause.message}`));
    child.once('close', (code, signal) => fail(`ended at once (${signal ?? `exit ${code}`}).`));
    child.stdout.on('data', (chunk) => {
      said += chunk;
      const pty = /char device redirected to (\S+) /.exec(said)?.[1];
      if (pty === undefined) return;
      clearTimeout(timer);
      resolve({ child, pty, complaint: () => complaint.trim() });
    });
  });
}

const ended = (child: Emulator): boolean => child.exitCode !== null || child.signalCode !== null;

async function stop(child: Emulator): Promise<void> {
  if (ended(child)) return;
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.kill('SIGKILL');
  await gone;
}

export interface QemuOptions {
  /** How messages name the board. */
  readonly name: string;
  /** See `qemuArguments`. */
  readonly count?: boolean | undefined;
}

/**
 * Boots an image in QEMU. The emulator ends with the transport, and with this process.
 *
 * @throws ToolchainError when QEMU is missing or does not start, with what it printed
 */
export async function qemuTransport(
  runner: QemuRunner,
  image: string,
  { name, count }: QemuOptions,
): Promise<Transport> {
  const { path } = await requireTool('qemu-system-arm', `board ${name}`);
  const { child, pty, complaint } = await start(path, runner, qemuArguments(runner, image, count));
  let serial: Transport;
  try {
    serial = await serialTransport(pty);
  } catch (error) {
    await stop(child);
    throw error;
  }
  let onClose: (cause?: unknown) => void = () => {};
  const close = (cause?: unknown): void => {
    onClose(complaint() === '' ? cause : new Error(`QEMU: ${complaint()}`, { cause }));
    onClose = () => {};
  };
  serial.onClose(close);
  child.once('close', close);
  return {
    name,
    write: (bytes) => serial.write(bytes),
    onData: (listener) => serial.onData(listener),
    onClose: (listener) => void (onClose = listener),
    async close() {
      onClose = () => {};
      await serial.close();
      await stop(child);
    },
  };
}
