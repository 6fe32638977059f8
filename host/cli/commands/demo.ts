/** `edge-nn demo`: the main job from end to end, LeNet-5 on MNIST to its accuracy on a device. */
import { join } from 'node:path';
import { listDevices } from '../../board/devices.js';
import { type ExitCode, exitCodes } from '../../core/errors.js';
import { writeOutputFile } from '../../core/output-file.js';
import { packageFile } from '../../core/package.js';
import { type Context, command, defined, type Flags, silent } from '../command.js';
import { read, shared } from '../options.js';
import { facts, percent, table } from '../table.js';
import { compile } from './compile.js';
import { type EvalReport, evaluate } from './eval.js';
import { flash } from './flash.js';
import { info } from './info.js';
import { quantize } from './quantize.js';
import { train } from './train.js';

export interface DemoOptions {
  /** Default runs/demo. */
  readonly out?: string;
  readonly epochs?: number;
  readonly seed?: number;
}

export interface DemoBoard {
  readonly board: string;
  readonly count: number;
  readonly accuracy: number;
  /** The fraction of outputs that equal the oracle's byte for byte. */
  readonly equal: number;
  readonly flash: number;
  readonly arena: number;
  readonly stackBound: number;
}

export interface DemoReport {
  readonly model: string;
  readonly parameters: number;
  readonly seed: number;
  readonly epochs: number;
  readonly floatAccuracy: number;
  readonly boards: readonly DemoBoard[];
  readonly output: string;
  readonly seconds: number;
}

const dataset = 'mnist';
const calibrationImages = 500;
/** Examples per board; an emulated core is slower than WebAssembly. */
const runs = [
  { board: 'virtual', limit: 10_000 },
  { board: 'mps2-an386', limit: 1_000 },
] as const;

async function runBoard(
  model: string,
  folder: string,
  { board, limit }: (typeof runs)[number],
  context: Context,
): Promise<DemoBoard> {
  const build = join(folder, board);
  const certificate = await compile({ model, board, out: build }, context);
  await flash({ build }, context);
  const result = (await evaluate({ model: build, data: dataset, limit }, context)) as EvalReport;
  const { ram, firmware } = certificate as Extract<typeof certificate, { ram: unknown }>;
  return {
    board,
    count: result.count,
    accuracy: result.accuracy!,
    equal: result.equal,
    flash: firmware.flash,
    arena: ram.arena,
    stackBound: ram.stack,
  };
}

/** Boards of the demo that this machine can run; the others are named with what they need. */
async function usableRuns(context: Context) {
  const { boards } = await listDevices();
  return runs.filter(({ board }) => {
    const missing = boards.find(({ name }) => name === board)?.missing ?? [];
    if (missing.length > 0) {
      context.note(`${board}: left out, ${missing.join(' and ')} missing (edge-nn setup)`);
    }
    return missing.length === 0;
  });
}

/**
 * Trains LeNet-5 on MNIST, quantizes, compiles, flashes, and evaluates on every usable board.
 *
 * @throws whatever a stage throws; nothing is skipped but boards whose tools are missing
 */
export async function demo(
  options: DemoOptions = {},
  context: Context = silent,
): Promise<DemoReport> {
  const { out = join('runs', 'demo'), epochs = 2, seed = 1 } = options;
  const started = performance.now();
  const step = (text: string): void => {
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    context.note(`[${seconds} s] ${text}`);
  };
  step(`training LeNet-5 on MNIST, ${epochs} epochs`);
  const model = packageFile('models', 'lenet5.ts');
  const trained = await train({ model, data: dataset, epochs, seed, out }, context);
  step(`quantizing with ${calibrationImages} images`);
  const tflite = join(out, 'lenet5.tflite');
  const quantized = await quantize(
    { model: trained.checkpoint!, data: dataset, samples: calibrationImages, seed, out: tflite },
    context,
  );
  const boards: DemoBoard[] = [];
  for (const entry of await usableRuns(context)) {
    step(`compiling for ${entry.board}, flashing, evaluating ${entry.limit} images on it`);
    boards.push(await runBoard(tflite, out, entry, context));
  }
  const report: DemoReport = {
    model: 'lenet5',
    parameters: (await info({ file: trained.checkpoint! })).parameters!,
    seed,
    epochs: trained.epochs,
    floatAccuracy: quantized.floatAccuracy!,
    boards,
    output: join(out, 'demo.json'),
    seconds: Math.round((performance.now() - started) / 1000),
  };
  writeOutputFile(report.output, `${JSON.stringify(report, null, 2)}\n`);
  return report;
}

const options = (flags: Flags): DemoOptions =>
  defined({
    out: read.text(flags, 'out'),
    epochs: read.number(flags, 'epochs'),
    seed: read.number(flags, 'seed'),
  });

const render = (report: DemoReport): string =>
  [
    table(
      ['where', 'images', 'accuracy', 'equal to the oracle', 'flash', 'arena', 'stack'],
      [
        ['float, host', '10,000', percent(report.floatAccuracy), '', '', '', ''],
        ...report.boards.map((b) => [
          `int8, ${b.board}`,
          b.count.toLocaleString('en-US'),
          percent(b.accuracy),
          percent(b.equal),
          b.flash.toLocaleString('en-US'),
          b.arena.toLocaleString('en-US'),
          b.stackBound.toLocaleString('en-US'),
        ]),
      ],
    ),
    facts([
      ['written to', report.output],
      ['took', `${report.seconds} s`],
    ]),
  ].join('\n\n');

export const demoCommand = command<DemoReport>({
  verb: 'demo',
  summary: 'LeNet-5 on MNIST, from training to its accuracy on a device',
  options: {
    out: { ...shared.out, describe: 'Folder of all results; default runs/demo' },
    epochs: { type: 'number', default: 2, describe: 'Passes over the data' },
    seed: shared.seed,
  },
  examples: [['edge-nn demo', 'A minute or two on two cores']],
  run: (flags, context) => demo(options(flags), context),
  render,
  exitCode: ({ boards }): ExitCode =>
    boards.every(({ equal }) => equal === 1) ? exitCodes.ok : exitCodes.gate,
});
