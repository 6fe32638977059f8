/**
 * A line to a board: boots what was flashed on an emulated one.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError } from '../core/errors.js';
import { inProcessTransport } from '../link/in-process.js';
import { processTransport } from '../link/process.js';
import type { Transport } from '../link/transport.js';
import { wasmDevice } from '../link/wasm-device.js';
import { type Board, getBoard } from './boards.js';
import { readCertificate } from './build-folder.js';
import { flashedImage } from './flashed.js';
import { qemuTransport } from './qemu.js';

export interface OpenOptions {
  /** A serial port; emulated boards have none. */
  readonly port?: string | undefined;
  /** Lets QEMU's clock follow the instruction count: ticks are then exact, and it runs slower. */
  readonly count?: boolean | undefined;
}

async function boot(board: Board, image: string, count: boolean | undefined): Promise<Transport> {
  const { runner, name } = board;
  switch (runner.kind) {
    case 'wasm':
      return inProcessTransport(await wasmDevice(new Uint8Array(readFileSync(image))), name);
    case 'process':
      return { ...(await processTransport(resolve(image))), name };
    case 'qemu':
      return qemuTransport(runner, image, { name, count });
  }
}

/**
 * Boots the flashed image of a build and returns the line to it. Closing the line ends the device.
 *
 * @param dir what `compileModel` wrote and `flashBuild` flashed
 * @throws DeviceNotFoundError (exit code 7) when nothing was flashed; FlashVerifyError (9) when the
 *   flash was damaged; ToolchainError (6) when the emulator is missing or fails, with what it said
 */
export async function openBoard(
  dir: string,
  { port, count }: OpenOptions = {},
): Promise<Transport> {
  const board = getBoard(readCertificate(dir).board);
  if (port !== undefined) {
    throw new UsageError(`${board.name} is emulated and has no port ${port}`, {
      hint: 'Leave --port out.',
      where: port,
    });
  }
  return boot(board, flashedImage(dir), count);
}
