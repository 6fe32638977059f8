/**
 * A device that runs as a child process and speaks on its stdin and stdout: the host board.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { DeviceNotFoundError } from '../core/errors.js';
import type { Transport } from './transport.js';

/** How much of what the process said on stderr goes into the message when it dies. */
const complaintBytes = 2000;

/**
 * Starts the program; it ends when the transport is closed.
 *
 * @throws DeviceNotFoundError when it cannot be started
 */
export async function processTransport(
  program: string,
  args: readonly string[] = [],
): Promise<Transport> {
  // In a group of its own, because Ctrl-C is for this process: it may want to end in good order.
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let complaint = '';
  child.stderr.on('data', (bytes) => (complaint = `${complaint}${bytes}`.slice(-complaintBytes)));
  // A write into a process that died; 'exit' tells why.
  child.stdin.on('error', () => {});
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new DeviceNotFoundError(`Cannot start ${program}: ${cause}`, {
      hint: 'Flash the build again; it may be for another machine.',
      where: program,
      cause,
    });
  }
  child.on('error', () => {});
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    name: program,
    write: (bytes) =>
      new Promise((resolve, reject) =>
        child.stdin.write(bytes, (error) => (error ? reject(error) : resolve())),
      ),
    onData: (listener) => void child.stdout.on('data', listener),
    onClose: (listener) =>
      void child.once('close', (code, signal) =>
        listener(new Error(`exit ${code ?? signal}\n${complaint}`.trim())),
      ),
    async close() {
      child.kill();
      await ended;
    },
  };
}
