/** `edge-nn bench`: instructions of one inference, layer by layer. */
import { type BenchResult, type BenchSize, benchModel } from '../../eval/bench.js';
import { isBuild } from '../../eval/open-device.js';
import { type Context, command, defined, type Flags, silent } from '../command.js';
import { readIntegerModel } from '../model-file.js';
import { milliseconds, read, requireTexts, shared } from '../options.js';
import { chooseBoard } from '../settings.js';
import { type Cell, facts, table } from '../table.js';

export type { BenchLayer, BenchResult, BenchSize } from '../../eval/bench.js';

export interface BenchOptions {
  /** A build folder that was flashed, or an int8 .tflite (compiled and flashed first). */
  readonly model: string;
  /** For a .tflite; an emulated board that counts instructions. Default `mps2-an386`. */
  readonly board?: string;
  /** Seconds. */
  readonly timeout?: number;
}

/** The board that counts for a .tflite unless told otherwise: the most common core. */
const countingBoard = 'mps2-an386';
/** Counting is slow, and a large layer answers nothing for a while. */
const defaultTimeoutSeconds = 120;

/**
 * Counts what one warm inference executes, in total and per layer. The same build gives the same
 * numbers.
 *
 * @throws UnsupportedError (exit code 4) for a board that counts no instructions, GateError (10) when
 *   its outputs are not the oracle's
 */
export async function bench(
  options: BenchOptions,
  context: Context = silent,
): Promise<BenchResult> {
  requireTexts('bench', options, 'model');
  const { board, port } = chooseBoard(context.config, options.board, undefined);
  const chosen = board ?? (options.model.endsWith('.tflite') ? countingBoard : undefined);
  const timeoutMs = milliseconds(options.timeout ?? defaultTimeoutSeconds);
  if (!isBuild(options.model)) readIntegerModel(options.model, context.note);
  return benchModel({ path: options.model, board: chosen, port, timeoutMs });
}

const perUnit = (macs: number, count: number): Cell =>
  macs === 0 ? '' : (macs / Math.max(count, 1)).toFixed(2);

const flashText = ({ code, weights, borders, runtime }: BenchSize): string =>
  `code ${code}, weights ${weights}, borders ${borders}, start-up, link and runtime ${runtime}`;

const ramText = ({ arena, stack, stackUsed, static: rest }: BenchSize): string =>
  `arena ${arena}, stack ${stackUsed} of at most ${stack}, static ${rest}`;

function render({ model, board, unit, total, macs, layers, size, tools }: BenchResult): string {
  const head = facts([
    ['model', model],
    ['board', board],
    ['flash, bytes', flashText(size)],
    ['RAM, bytes', ramText(size)],
    ['tools', `${tools.compiler}; ${tools.emulator}`],
  ]);
  const row = (name: string, op: string, m: number, count: number): Cell[] => [
    ...[name, op, m, count],
    ...[perUnit(m, count), `${((100 * count) / Math.max(total, 1)).toFixed(1)} %`],
  ];
  const rows = layers.map((layer) => row(layer.name, layer.op, layer.macs, layer.count));
  const columns = ['layer', 'op', 'MACs', unit, `MAC/${unit.slice(0, -1)}`, 'share'];
  return `${head}\n\n${table(columns, [...rows, row('total', '', macs, total)])}`;
}

const options = (flags: Flags): BenchOptions =>
  defined({
    model: read.required(flags, 'model'),
    board: read.text(flags, 'board'),
    timeout: read.number(flags, 'timeout'),
  });

export const benchCommand = command<BenchResult>({
  verb: 'bench',
  summary: 'Count the instructions of one inference, layer by layer',
  positionals: { model: { describe: 'Build folder, or int8 .tflite' } },
  options: {
    board: shared.board,
    timeout: { ...shared.timeout, default: defaultTimeoutSeconds },
  },
  examples: [['edge-nn bench lenet5.tflite --board mps2-an386', 'On a Cortex-M4F, in QEMU']],
  run: (flags, context) => bench(options(flags), context),
  render,
});
