/**
 * What an inference costs on an emulated board, layer by layer, in units that do not depend on the
 * machine: executed instructions, or cycles where the emulator counts them.
 *
 * Under `-icount` an instruction advances QEMU's clock by 2^shift ns, so ticks of a board's timer
 * are instructions. The device takes off what reading its timer costs and begins every measurement
 * at the same place of a tick (device/enn_device.c), so that a count repeats exactly.
 */
import { type Board, getBoard } from '../board/boards.js';
import type { Certificate } from '../board/certificate.js';
import { findTool } from '../board/toolchain/tools.js';
import { bytesOf } from '../core/dtype.js';
import { GateError, LinkError, UnsupportedError } from '../core/errors.js';
import { elements } from '../core/shape.js';
import { type Graph, getValue } from '../ir/graph.js';
import { createOracle } from '../quant/interpret/interpret.js';
import { type DeviceSource, type OpenedDevice, withDevice } from './open-device.js';

export type BenchUnit = 'instructions' | 'cycles';

export interface BenchLayer {
  /** The lowered value that the layer computes. */
  readonly name: string;
  readonly op: string;
  readonly macs: number;
  readonly count: number;
}

/** What the build takes, in bytes: its certificate, and the stack that was measured. */
export interface BenchSize {
  /** Model and kernels. */
  readonly code: number;
  readonly weights: number;
  /** Biases of outputs near the edges (host/ir/border.ts). */
  readonly borders: number;
  /** The rest of the firmware: start-up code, link, runtime, libraries. */
  readonly runtime: number;
  readonly arena: number;
  readonly static: number;
  /** The bound that the call graph gives. */
  readonly stack: number;
  /** What of it the paint showed as used after these inferences. */
  readonly stackUsed: number;
}

export interface BenchResult {
  readonly model: string;
  readonly board: string;
  readonly unit: BenchUnit;
  readonly total: number;
  readonly macs: number;
  readonly layers: readonly BenchLayer[];
  readonly size: BenchSize;
  /** Counts of other versions are not comparable. */
  readonly tools: { readonly compiler: string; readonly emulator: string };
}

/** One inference's input, the same everywhere: a congruential pattern over the whole range. */
export function patternInputs(graph: Graph): (Int8Array | Int16Array)[] {
  return graph.inputs.map((id) => {
    const { shape, dtype } = getValue(graph, id);
    const pattern = Array.from(
      { length: elements(shape) },
      (_, i) => (Math.imul(i, 1103515245) + 12345) >> 16,
    );
    return dtype === 's16' ? Int16Array.from(pattern) : Int8Array.from(pattern);
  });
}

/**
 * What one tick of a board's clock is in instructions.
 *
 * @throws UnsupportedError for a board whose clock measures time
 */
export function instructionsPerTick(board: Board, tickHz: number | undefined): number {
  if (tickHz === 0) return 1;
  if (tickHz !== undefined && board.runner.kind === 'qemu') {
    return 1e9 / tickHz / 2 ** board.runner.icountShift;
  }
  throw new UnsupportedError(`board ${board.name} counts no instructions`, {
    hint: 'Choose a board in an emulator that does, such as --board mps2-an386.',
    where: board.name,
  });
}

/** The first inference warms up and shows that what is counted is right. */
async function requireRightOutputs({ graph, session, certificate }: OpenedDevice): Promise<void> {
  const inputs = patternInputs(graph);
  const outputs = await session.infer(inputs.map(bytesOf));
  const expected = createOracle(graph).run(inputs).map(bytesOf);
  const wrong = expected.findIndex((bytes, i) => Buffer.compare(bytes, outputs[i]!) !== 0);
  if (wrong < 0) return;
  const name = getValue(graph, graph.outputs[wrong]!).name;
  throw new GateError(`${certificate.board} computes another ${name} than the oracle`, {
    hint: `Find the layer: \`edge-nn eval\` with --diff on board ${certificate.board}.`,
    where: name,
  });
}

interface Measured {
  readonly layers: readonly BenchLayer[];
  readonly stackUsed: number;
}

async function measure({ graph, session, certificate, ops }: OpenedDevice): Promise<Measured> {
  const scale = instructionsPerTick(getBoard(certificate.board), session.info.tickHz);
  const { stepTicks, stackUsed } = await session.profile(patternInputs(graph).map(bytesOf));
  if (stepTicks === undefined) {
    throw new LinkError(`${certificate.board} sent no profile`, {
      hint: 'Compile and flash the model again with this version of edge-nn.',
      where: certificate.board,
    });
  }
  const layers = (await session.steps()).map(({ value, macs }, step) => ({
    name: value,
    op: ops[step]!,
    macs,
    count: Math.round(stepTicks[step]! * scale),
  }));
  return { layers, stackUsed };
}

const sizeOf = (certificate: Certificate, stackUsed: number): BenchSize => {
  const { flash, borders, ram, firmware } = certificate;
  return {
    code: flash.code,
    weights: flash.weights,
    borders,
    runtime: firmware.flash - flash.total,
    arena: ram.arena,
    static: ram.static,
    stack: ram.stack,
    stackUsed,
  };
};

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** The emulator that counted. */
async function emulatorVersion(board: Board): Promise<string> {
  const tool = board.runner.kind === 'qemu' ? await findTool('qemu-system-arm') : undefined;
  return tool?.version ?? board.runner.kind;
}

/**
 * Counts one warm inference of a model on an emulated board.
 *
 * @throws the errors of `withDevice`; UnsupportedError (exit code 4) for a board that cannot count,
 *   GateError (10) when its outputs are not the oracle's
 */
export const benchModel = (source: DeviceSource): Promise<BenchResult> =>
  withDevice({ ...source, count: true }, async (device) => {
    const { certificate } = device;
    const board = getBoard(certificate.board);
    instructionsPerTick(board, device.session.info.tickHz);
    await requireRightOutputs(device);
    const { layers, stackUsed } = await measure(device);
    return {
      model: certificate.model,
      board: certificate.board,
      unit: 'instructions',
      total: sum(layers.map(({ count }) => count)),
      macs: sum(layers.map(({ macs }) => macs)),
      layers,
      size: sizeOf(certificate, stackUsed),
      tools: { compiler: certificate.compiler, emulator: await emulatorVersion(board) },
    };
  });
