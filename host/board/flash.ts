/**
 * Flashing. An emulated board's flash is a file inside the build folder, with its hash beside it.
 */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { FlashVerifyError, UsageError } from '../core/errors.js';
import { sha256 } from '../core/hash.js';
import { writeOutputFile } from '../core/output-file.js';
import { Session } from '../link/session.js';
import { getBoard } from './boards.js';
import { readBuildFile, readCertificate } from './build-folder.js';
import type { Certificate } from './certificate.js';
import { hashFile, imageFile } from './flashed.js';
import { openBoard } from './open.js';

export interface FlashOptions {
  /** The board that the build is expected to be for. */
  readonly board?: string | undefined;
  /** A serial port; emulated boards have none. */
  readonly port?: string | undefined;
}

export interface FlashResult {
  readonly board: string;
  readonly bytes: number;
  /** SHA-256 of the image, as hex. */
  readonly image: string;
  /** What the device itself said after it started. */
  readonly modelHash: string;
}

/** The image of a build. @throws FlashVerifyError (exit code 9) when it is not the certified one */
function certifiedImage(dir: string, { image }: Certificate): Uint8Array {
  const bytes = readBuildFile(dir, image.file);
  const actual = sha256(bytes);
  if (actual === image.sha256) return bytes;
  throw new FlashVerifyError(
    `${image.file} has the SHA-256 ${actual}, its certificate says ${image.sha256}`,
    {
      hint: 'The build was damaged or changed: compile the model again.',
      where: join(dir, image.file),
    },
  );
}

/** Starts the board and compares what it says with the certificate. */
async function verifyDevice(dir: string, { board, modelHash }: Certificate): Promise<string> {
  const session = await Session.open(await openBoard(dir));
  try {
    const { modelHash: actual } = session.info;
    if (actual === modelHash) return actual;
    throw new FlashVerifyError(`${board} runs model ${actual}, flashed was ${modelHash}`, {
      hint: 'Compile the model again, and flash it.',
      where: dir,
    });
  } finally {
    await session.close();
  }
}

/**
 * Flashes a build and verifies it: the image against its certificate before, the model's hash that
 * the device reports after.
 *
 * @param dir what `compileModel` wrote
 * @throws FlashVerifyError (exit code 9), UsageError (2) for another board's build
 */
export async function flashBuild(
  dir: string,
  { board, port }: FlashOptions = {},
): Promise<FlashResult> {
  const certificate = readCertificate(dir);
  const { name } = getBoard(certificate.board);
  if (board !== undefined && board !== name) {
    throw new UsageError(`${dir} was compiled for ${name}, not for ${board}`, {
      hint: `Compile the model with --board ${board}, or leave --board out.`,
      where: dir,
    });
  }
  if (port !== undefined) {
    throw new UsageError(`${name} is emulated and has no port ${port}`, {
      hint: 'Leave --port out: its flash lies in the build folder.',
      where: port,
    });
  }
  const image = certifiedImage(dir, certificate);
  writeOutputFile(join(dir, imageFile), image);
  // The host board's image is a program.
  chmodSync(join(dir, imageFile), 0o755);
  writeOutputFile(join(dir, hashFile), `${certificate.image.sha256}\n`);
  const modelHash = await verifyDevice(dir, certificate);
  return { board: name, bytes: image.length, image: certificate.image.sha256, modelHash };
}
