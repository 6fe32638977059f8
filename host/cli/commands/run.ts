/** `edge-nn run`: one inference, raw bytes in and out. */
import type { AnyArray } from '../../core/dtype.js';
import { byteSize, bytesOf, viewAs } from '../../core/dtype.js';
import { BadInputError } from '../../core/errors.js';
import { requireOtherFile, writeOutputFile } from '../../core/output-file.js';
import { elements, formatShape } from '../../core/shape.js';
import { createEngine } from '../../engine/engine.js';
import { isBuild, withDevice } from '../../eval/open-device.js';
import { type Graph, getValue } from '../../ir/graph.js';
import { forInference } from '../../rewrite/for-inference.js';
import { type Context, command, defined, type Flags, silent } from '../command.js';
import { noteFloat, readInputFile, readModelFile } from '../model-file.js';
import { milliseconds, read, requireTexts, shared } from '../options.js';
import { chooseBoard } from '../settings.js';
import { facts } from '../table.js';

export interface RunOptions {
  /** A build folder, an int8 .tflite (compiled and flashed first), or a float checkpoint. */
  readonly model: string;
  /** For a .tflite; default `virtual`. */
  readonly board?: string;
  readonly port?: string;
  /** Raw bytes of the inputs, one after the other, in the model's types. */
  readonly input: string;
  /** Where the raw bytes of the outputs go. */
  readonly output: string;
  /** Seconds. */
  readonly timeout?: number;
}

export interface RunReport {
  /** The board, or the engine of a float model. */
  readonly board: string;
  readonly output: string;
  readonly bytes: number;
  readonly outputs: readonly { readonly name: string; readonly type: string }[];
}

/** Cuts a file into the model's inputs. */
function splitInputs(graph: Graph, bytes: Uint8Array, file: string): AnyArray[] {
  const values = graph.inputs.map((id) => getValue(graph, id));
  const sizes = values.map(({ dtype, shape }) => byteSize(dtype, elements(shape)));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes.length !== total) {
    const types = values.map(({ id, dtype, shape }) => `${id}: ${dtype}${formatShape(shape)}`);
    throw new BadInputError(`${file} has ${bytes.length} bytes, the model takes ${total}`, {
      hint: `Give the raw bytes of ${types.join(', ')}, one after the other.`,
      where: file,
    });
  }
  let at = 0;
  return values.map(({ dtype }, i) => viewAs(dtype, bytes.slice(at, (at += sizes[i]!))));
}

async function runFloatModel(graph: Graph, bytes: Uint8Array, file: string) {
  const engine = await createEngine();
  const inference = forInference(graph);
  const program = engine.compile(inference);
  for (const [i, data] of splitInputs(inference, bytes, file).entries()) {
    program.write(inference.inputs[i]!, data);
  }
  program.run();
  const outputs = inference.outputs.map((id) => bytesOf(program.read(id)));
  program.dispose();
  return { board: `engine ${engine.name}`, outputs };
}

/**
 * One inference on a device, or of a float model in the engine.
 *
 * @throws BadInputError when the input has another size than the model takes
 */
export async function run(options: RunOptions, context: Context = silent): Promise<RunReport> {
  requireTexts('run', options, 'model', 'input', 'output');
  const bytes = readInputFile(options.input, 'input');
  requireOtherFile(options.output, [options.input, options.model]);
  const floatModel = isBuild(options.model)
    ? undefined
    : readModelFile(options.model, context.note).graph;
  if (floatModel?.stage === 'float') noteFloat(options.model, options.board, context.note);
  const { graph, board, outputs } =
    floatModel?.stage === 'float'
      ? { graph: floatModel, ...(await runFloatModel(floatModel, bytes, options.input)) }
      : await runOnDevice(options, context, bytes);
  writeOutputFile(options.output, Buffer.concat(outputs));
  return {
    board,
    output: options.output,
    bytes: outputs.reduce((sum, { length }) => sum + length, 0),
    outputs: graph.outputs.map((id) => {
      const { name, dtype, shape } = getValue(graph, id);
      return { name, type: `${dtype}${formatShape(shape)}` };
    }),
  };
}

function runOnDevice(options: RunOptions, context: Context, bytes: Uint8Array) {
  const { board, port } = chooseBoard(context.config, options.board, options.port);
  const timeoutMs = milliseconds(options.timeout);
  return withDevice({ path: options.model, board, port, timeoutMs }, async (device) => {
    const inputs = splitInputs(device.graph, bytes, options.input).map(bytesOf);
    const outputs = await device.session.infer(inputs);
    return { graph: device.graph, board: device.certificate.board, outputs };
  });
}

const options = (flags: Flags): RunOptions =>
  defined({
    model: read.required(flags, 'model'),
    board: read.text(flags, 'board'),
    port: read.text(flags, 'port'),
    input: read.required(flags, 'input'),
    output: read.required(flags, 'output'),
    timeout: read.number(flags, 'timeout'),
  });

export const runCommand = command<RunReport>({
  verb: 'run',
  summary: 'One inference: raw bytes in, raw bytes out',
  positionals: { model: { describe: 'Build folder, int8 .tflite, or float checkpoint' } },
  options: {
    board: shared.board,
    port: shared.port,
    input: { type: 'string', demandOption: true, describe: 'Raw bytes of the inputs' },
    output: { type: 'string', demandOption: true, describe: 'Where the raw outputs go' },
    timeout: shared.timeout,
  },
  examples: [['edge-nn run build/lenet5 --input seven.bin --output scores.bin', 'On the device']],
  run: (flags, context) => run(options(flags), context),
  render: (report) =>
    facts([
      ['board', report.board],
      ['output', report.output],
      ...report.outputs.map(({ name, type }) => [name, type] as const),
    ]),
});
