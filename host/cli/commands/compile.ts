/** `edge-nn compile`: an int8 model to firmware with its certificate, or a model to another format. */
import { basename, extname, join } from 'node:path';
import { type CompileResult, compileModel } from '../../board/compile.js';
import { UnsupportedError, UsageError } from '../../core/errors.js';
import { requireOtherFile, writeOutputFile } from '../../core/output-file.js';
import { exportOnnx } from '../../emit/onnx/onnx.js';
import { exportTflite } from '../../emit/tflite/tflite.js';
import type { Graph } from '../../ir/graph.js';
import { forInference } from '../../rewrite/for-inference.js';
import { type Context, command, defined, type Flags, silent } from '../command.js';
import { readIntegerModel, readModelFile } from '../model-file.js';
import { read, requireTexts, shared } from '../options.js';
import { chooseBoard } from '../settings.js';
import { facts, percent, table } from '../table.js';

const emitNames = ['c', 'onnx', 'tflite'] as const;
export type EmitName = (typeof emitNames)[number];

export interface CompileOptions {
  /** An int8 .tflite; for `emit: 'onnx'` a float model. */
  readonly model: string;
  /** Default `virtual`. */
  readonly board?: string;
  /** Default `c`: firmware for the board. */
  readonly emit?: EmitName;
  /** Folder of the firmware, default build/<model>-<board>; or the file to write. */
  readonly out?: string;
  /** The most that the arena may take, in bytes: layers then go row by row as far as that needs. */
  readonly ram?: number;
  /** The input is never in memory as a whole: its rows are consumed as they arrive over the link. */
  readonly streamInput?: boolean;
}

/** What `emit: 'onnx'` and `emit: 'tflite'` give. */
export interface ExportReport {
  readonly output: string;
  readonly bytes: number;
}

const exporters: Readonly<Record<Exclude<EmitName, 'c'>, (graph: Graph) => Uint8Array>> = {
  onnx: (graph) => exportOnnx(forInference(graph)),
  tflite: exportTflite,
};

const stageOf: Readonly<Record<Exclude<EmitName, 'c'>, Graph['stage']>> = {
  onnx: 'float',
  tflite: 'int8',
};

function exportModel(
  options: CompileOptions,
  emit: Exclude<EmitName, 'c'>,
  name: string,
): ExportReport {
  const { graph } = readModelFile(options.model);
  if (graph.stage !== stageOf[emit]) {
    throw new UnsupportedError(
      `${options.model} is ${graph.stage}; .${emit} takes ${stageOf[emit]}`,
      {
        hint: 'Use --emit onnx for float models and --emit tflite for int8 ones.',
        where: options.model,
      },
    );
  }
  const output = options.out ?? `${name}.${emit}`;
  requireOtherFile(output, [options.model]);
  const bytes = exporters[emit](graph);
  writeOutputFile(output, bytes);
  return { output, bytes: bytes.length };
}

/**
 * Compiles a model for a board: emits C, builds it, measures it, and writes a folder that builds
 * without edge-nn.
 *
 * @throws DoesNotFitError (exit code 5) with the largest live tensors, UnsupportedError (4),
 *   ToolchainError (6)
 */
export async function compile(
  options: CompileOptions,
  context: Context = silent,
): Promise<CompileResult | ExportReport> {
  requireTexts('compile', options, 'model');
  const name = basename(options.model, extname(options.model));
  const { emit = 'c', ram, streamInput } = options;
  if (emit !== 'c') {
    if (ram === undefined && !streamInput) return exportModel(options, emit, name);
    throw new UsageError(`--ram and --stream-input are about firmware, not about .${emit} files`, {
      hint: 'Leave them out, or compile for a board.',
      where: '--emit',
    });
  }
  const { board = 'virtual' } = chooseBoard(context.config, options.board, undefined);
  const { bytes } = readIntegerModel(options.model, context.note);
  const out = options.out ?? join('build', `${name}-${board}`);
  return compileModel({ model: bytes, name, file: options.model, board, out, ram, streamInput });
}

/** @throws UsageError for what is no number of bytes */
function byteCount(flags: Flags, name: string): number | undefined {
  const bytes = read.number(flags, name);
  if (bytes === undefined || (Number.isSafeInteger(bytes) && bytes > 0)) return bytes;
  throw new UsageError(`--${name} ${flags[name]} is no number of bytes`, {
    hint: `Give a positive whole number, such as --${name} 30000.`,
    where: `--${name}`,
  });
}

const options = (flags: Flags): CompileOptions =>
  defined({
    model: read.required(flags, 'model'),
    board: read.text(flags, 'board'),
    emit: read.text(flags, 'emit') as EmitName | undefined,
    out: read.text(flags, 'out'),
    ram: byteCount(flags, 'ram'),
    streamInput: read.flag(flags, 'stream-input'),
  });

/** The certificate's sizes, with the board's limits beside them. */
function renderSizes(result: CompileResult): string {
  const { flash, borders, ram, limits, firmware } = result;
  const share = (bytes: number, limit: number) => percent(bytes / limit);
  return table(
    ['memory', 'bytes', 'of the board'],
    [
      ['flash: code of model and kernels', flash.code, ''],
      ['flash: weights and tables', flash.weights, ''],
      ['flash: biases of the border', borders, ''],
      ['flash: whole firmware', firmware.flash, share(firmware.flash, limits.flash)],
      ['RAM: arena', ram.arena, ''],
      ['RAM: stack, bound', ram.stack, ''],
      ['RAM: static', ram.static, ''],
      ['RAM: total', ram.total, share(ram.total, limits.ram)],
    ],
  );
}

/** What the sizes and the proof rest on. */
function renderEvidence({ accumulators, peak, stackBound, compiler }: CompileResult): string {
  const live = peak.tensors.map(({ name, bytes }) => `${name} (${bytes})`).join(', ');
  return [
    facts([
      ['compiler', compiler],
      ['arena, lower bound', peak.lowerBound],
      ['most is live at', `${peak.value}: ${live}`],
      ['stack', [stackBound.method, stackBound.path.join(' > ')].filter(Boolean).join(': ')],
    ]),
    table(
      ['accumulator', 'channels', 'largest', 'of int32'],
      accumulators.values.map(({ value, channels, largest }) => [
        value,
        channels,
        largest,
        percent(largest / accumulators.limit),
      ]),
    ),
  ].join('\n\n');
}

const rowsText = ({ layers, output, streamed }: NonNullable<CompileResult['rows']>): string =>
  `${layers} row by row${streamed ? ' as the input arrives' : ''}, up to ${output}`;

function render(result: CompileResult | ExportReport, flags: Flags): string {
  if (!('board' in result)) {
    return facts([
      ['output', result.output],
      ['bytes', result.bytes],
    ]);
  }
  const head = facts([
    ['board', result.board],
    ['build', result.output],
    ['model hash', result.modelHash],
    ...(result.rows ? [['first layers', rowsText(result.rows)] as const] : []),
    ['accumulators', `none of ${result.accumulators.channels} channels can overflow int32`],
  ]);
  const parts = [head, renderSizes(result)];
  return [...parts, ...(read.flag(flags, 'certificate') ? [renderEvidence(result)] : [])].join(
    '\n\n',
  );
}

export const compileCommand = command<CompileResult | ExportReport>({
  verb: 'compile',
  summary: 'Compile an int8 model to firmware for a board, with its certificate',
  positionals: { model: { describe: 'Int8 .tflite; with --emit onnx a float checkpoint' } },
  options: {
    board: { ...shared.board, default: 'virtual' },
    emit: { type: 'string', default: 'c', choices: emitNames, describe: 'What to write' },
    out: { ...shared.out, describe: 'Folder, default build/<model>-<board>; or the file' },
    ram: {
      type: 'number',
      describe: 'Most bytes of the arena: first layers go row by row as far as that needs',
    },
    'stream-input': {
      type: 'boolean',
      default: false,
      describe: 'Consume rows of the input as they arrive: the arena never holds all of it',
    },
    certificate: {
      type: 'boolean',
      default: false,
      describe: 'Also print what the figures rest on; certificate.json has it all',
    },
  },
  examples: [
    ['edge-nn compile lenet5.tflite --board mps2-an386 --out build/lenet5', 'Firmware for a M4F'],
    ['edge-nn compile vww.tflite --board mps2-an386 --ram 30000', 'In so many bytes of arena'],
    ['edge-nn compile runs/lenet5/best.safetensors --emit onnx --out lenet5.onnx', 'Float .onnx'],
  ],
  run: (flags, context) => compile(options(flags), context),
  render,
});
