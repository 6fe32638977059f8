/**
 * A model on its device: a build folder that was flashed, or a .tflite file that is compiled and
 * flashed into a temporary folder first.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { certificateFile, readBuildFile, readCertificate } from '../board/build-folder.js';
import type { Certificate } from '../board/certificate.js';
import { compileModel } from '../board/compile.js';
import { flashBuild } from '../board/flash.js';
import { openBoard } from '../board/open.js';
import { BadInputError, FlashVerifyError, UsageError } from '../core/errors.js';
import type { Trace } from '../emit/c/trace.js';
import { importTflite } from '../front/tflite/import-tflite.js';
import type { Graph } from '../ir/graph.js';
import { Session } from '../link/session.js';

export interface DeviceSource {
  /** A folder that `compile` wrote, or an int8 .tflite file. */
  readonly path: string;
  /** The board of a .tflite file, default `virtual`; a build knows its own. */
  readonly board?: string | undefined;
  readonly port?: string | undefined;
  /** Without an answer for so long, the device is given up. */
  readonly timeoutMs?: number | undefined;
  /** Lets an emulator's clock follow the instruction count. */
  readonly count?: boolean | undefined;
}

export interface OpenedDevice {
  readonly certificate: Certificate;
  /** The int8 graph that was compiled: what the oracle runs. */
  readonly graph: Graph;
  readonly session: Session;
  /** The op of each step. */
  readonly ops: readonly string[];
}

/** Whether the path is a folder that `compile` wrote. */
export const isBuild = (path: string): boolean => existsSync(join(path, certificateFile));

function checkBoard({ path, board }: DeviceSource, certificate: Certificate): void {
  if (board === undefined || board === certificate.board) return;
  throw new UsageError(`${path} was compiled for ${certificate.board}, not for ${board}`, {
    hint: `Compile the model with --board ${board}, or leave --board out.`,
    where: path,
  });
}

const opsOf = (dir: string): string[] => {
  const trace: Trace = JSON.parse(Buffer.from(readBuildFile(dir, 'trace.json')).toString());
  return trace.steps.map(({ op }) => op);
};

/** The int8 graph that a build was compiled from. @throws BadInputError */
export const buildGraph = (dir: string): Graph =>
  importTflite(readBuildFile(dir, 'model.tflite'), readCertificate(dir).model);

async function useBuild<T>(
  dir: string,
  source: DeviceSource,
  use: (device: OpenedDevice) => Promise<T>,
): Promise<T> {
  const certificate = readCertificate(dir);
  checkBoard(source, certificate);
  const graph = buildGraph(dir);
  const transport = await openBoard(dir, { port: source.port, count: source.count });
  const session = await Session.open(transport, { timeoutMs: source.timeoutMs });
  try {
    const { modelHash } = session.info;
    if (modelHash !== certificate.modelHash) {
      throw new FlashVerifyError(
        `${certificate.board} runs model ${modelHash}, the build has ${certificate.modelHash}`,
        { hint: `Flash it: \`edge-nn flash ${dir}\`.`, where: dir },
      );
    }
    return await use({ certificate, graph, session, ops: opsOf(dir) });
  } finally {
    await session.close();
  }
}

function readModel(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new BadInputError(`cannot read ${path}: ${(cause as Error).message}`, {
      hint: 'Give a folder that `edge-nn compile` wrote, or an int8 .tflite file.',
      where: path,
      cause,
    });
  }
}

/**
 * Opens a device, lets `use` work with it, and closes it whatever happens.
 *
 * @throws DeviceNotFoundError (exit code 7) for a build that was not flashed, FlashVerifyError (9)
 *   when the device runs another model, LinkError (8) when it does not answer
 */
export async function withDevice<T>(
  source: DeviceSource,
  use: (device: OpenedDevice) => Promise<T>,
): Promise<T> {
  if (isBuild(source.path)) return useBuild(source.path, source, use);
  const model = readModel(source.path);
  const folder = mkdtempSync(join(tmpdir(), 'edge-nn-'));
  const clean = (): void => rmSync(folder, { recursive: true, force: true });
  process.on('exit', clean);
  try {
    const out = join(folder, 'build');
    const name = basename(source.path, '.tflite');
    const board = source.board ?? 'virtual';
    await compileModel({ model, name, file: source.path, board, out });
    await flashBuild(out, { port: source.port });
    return await useBuild(out, source, use);
  } finally {
    process.removeListener('exit', clean);
    clean();
  }
}
