/** `edge-nn eval`: a dataset on the device, every output compared with the oracle. */
import { type ExitCode, exitCodes, GateError } from '../../core/errors.js';
import { createEngine } from '../../engine/engine.js';
import type { Difference } from '../../eval/difference.js';
import { type DeviceEvaluation, evaluateModel } from '../../eval/evaluate.js';
import { buildGraph, isBuild } from '../../eval/open-device.js';
import type { Graph } from '../../ir/graph.js';
import { scoreFloat } from '../../quant/evaluate.js';
import type { Score } from '../../quant/score.js';
import { type Context, command, defined, exitInterrupted, type Flags, silent } from '../command.js';
import { needsOf, openEvaluationData } from '../datasets.js';
import { noteFloat, readModelFile } from '../model-file.js';
import { milliseconds, read, requireLimit, requireTexts, shared } from '../options.js';
import { chooseBoard } from '../settings.js';
import { type Cell, facts, percent, table } from '../table.js';

export interface EvalOptions {
  /** A flashed build folder, an int8 .tflite (compiled and flashed first), or a float checkpoint. */
  readonly model: string;
  readonly data: string;
  /** For a .tflite; default `virtual`. */
  readonly board?: string;
  readonly port?: string;
  /** How many examples, from the first; default all. */
  readonly limit?: number;
  /** Also compare layer by layer, and name the first difference. */
  readonly diff?: boolean;
  /** Exit code 10 when accuracy is lower, in percent. */
  readonly minAccuracy?: number;
  /** What runs a float model. */
  readonly engine?: string;
  /** Seconds. */
  readonly timeout?: number;
}

/** A float model has no device and no oracle. */
export interface FloatEvaluation extends Score {
  readonly engine: string;
  readonly labels?: readonly string[];
}

export type EvalReport = DeviceEvaluation;

/**
 * The gate of `minAccuracy`, for a run that was not stopped.
 *
 * @param total how many examples there were to run
 * @throws GateError (exit code 10)
 */
function requireAccuracy(
  { accuracy, count }: Score,
  minimum: number | undefined,
  total: number,
  { signal, note }: Context,
): void {
  if (signal.aborted) note(`stopped after ${count} of ${total} examples`);
  if (signal.aborted || minimum === undefined || accuracy === null) return;
  if (100 * accuracy >= minimum) return;
  throw new GateError(`accuracy is ${percent(accuracy)}, below ${minimum} %`, {
    hint: 'Train longer, calibrate with more samples, or lower --min-accuracy.',
  });
}

async function evaluateFloatModel(
  graph: Graph,
  options: EvalOptions,
  context: Context,
): Promise<FloatEvaluation> {
  const dataset = await openEvaluationData(context.config, options.data, needsOf(graph));
  const engine = await createEngine(options.engine);
  const total = Math.min(options.limit ?? dataset.count, dataset.count);
  const bar = context.progress('evaluate', total);
  const score = await scoreFloat(graph, dataset, engine, {
    limit: total,
    onProgress: (done) => bar.update(done),
    signal: context.signal,
  });
  bar.stop();
  requireAccuracy(score, options.minAccuracy, total, context);
  const labels = graph.labels ?? dataset.classNames;
  return { engine: engine.name, ...score, ...(labels && { labels }) };
}

/**
 * Accuracy of a model: on its device, or of a float model in the engine.
 *
 * @throws DeviceNotFoundError (exit code 7) when nothing was flashed, LinkError (8), GateError (10) below
 *   `minAccuracy`, BadInputError (3) when data and model do not fit
 */
export async function evaluate(
  options: EvalOptions,
  context: Context = silent,
): Promise<EvalReport | FloatEvaluation> {
  requireTexts('evaluate', options, 'model', 'data');
  requireLimit(options.limit);
  const graph = isBuild(options.model)
    ? buildGraph(options.model)
    : readModelFile(options.model, context.note).graph;
  if (graph.stage === 'float') {
    noteFloat(options.model, options.board, context.note);
    return evaluateFloatModel(graph, options, context);
  }
  const dataset = await openEvaluationData(context.config, options.data, needsOf(graph));
  const { board, port } = chooseBoard(context.config, options.board, options.port);
  let bar: ReturnType<Context['progress']> | undefined;
  const result = await evaluateModel({
    path: options.model,
    board,
    port,
    timeoutMs: milliseconds(options.timeout),
    dataset,
    limit: options.limit,
    diff: options.diff,
    signal: context.signal,
    onProgress(done, total) {
      bar ??= context.progress('evaluate', total);
      bar.update(done);
    },
  });
  bar?.stop();
  const total = Math.min(options.limit ?? dataset.count, dataset.count);
  requireAccuracy(result, options.minAccuracy, total, context);
  return result;
}

const options = (flags: Flags): EvalOptions =>
  defined({
    model: read.required(flags, 'model'),
    data: read.required(flags, 'data'),
    board: read.text(flags, 'board'),
    port: read.text(flags, 'port'),
    limit: read.number(flags, 'limit'),
    diff: read.flag(flags, 'diff'),
    minAccuracy: read.number(flags, 'min-accuracy'),
    engine: read.text(flags, 'engine'),
    timeout: read.number(flags, 'timeout'),
  });

const stepText = ({ op, weights, rows }: Difference): string =>
  [
    op,
    ...weights,
    ...(rows ? [`or one of the ${rows - 1} layers before it, row by row`] : []),
  ].join(' ');

/** Where a device parts from the oracle, in one sentence. */
const describeDifference = (d: Difference): string =>
  `first difference: layer ${d.layer} (step ${d.step}: ${stepText(d)}), element [${d.element.join(',')}]: ` +
  `the oracle has ${d.expected}, the device ${d.got}; ` +
  `${d.differing} of ${d.elements} elements differ (example ${d.example})`;

/** The confusion matrix; empty cells are zero. */
function renderConfusion({ confusion, labels }: Score & Pick<EvalReport, 'labels'>): string {
  if (!confusion || confusion.length > 20) return '';
  const name = (i: number) => labels?.[i] ?? String(i);
  const rows = confusion.map((row, i): Cell[] => [
    name(i),
    ...row.map((n) => (n ? String(n) : '.')),
  ]);
  return `\n\n${table(['true \\ got', ...confusion.map((_, i) => name(i))], rows)}`;
}

function renderDiff({ difference, compared }: EvalReport): string | undefined {
  if (difference === undefined) return undefined;
  if (difference) return describeDifference(difference);
  return `every layer of ${compared} examples equals the oracle`;
}

/** Boards whose stack cannot be painted report 0. */
const stackText = ({ stack: { used, bound } }: EvalReport): string =>
  `${used === 0 ? 'not measured,' : `${used} of`} at most ${bound.toLocaleString('en-US')} bytes`;

function render(result: EvalReport | FloatEvaluation): string {
  const device = 'board' in result ? result : undefined;
  const head = facts([
    device ? ['board', device.board] : ['engine', (result as FloatEvaluation).engine],
    ['examples', result.count],
    ['accuracy', result.accuracy === null ? undefined : percent(result.accuracy)],
    ['mean square error', result.meanSquares?.toPrecision(4)],
    ['equal to the oracle', device && percent(device.equal)],
    ['stack used', device && stackText(device)],
    ['layers', device && renderDiff(device)],
  ]);
  return head + renderConfusion(result);
}

function exitCode(result: EvalReport | FloatEvaluation): ExitCode {
  const differs = 'board' in result && (result.equal < 1 || Boolean(result.difference));
  return differs ? exitCodes.gate : exitCodes.ok;
}

export const evalCommand = command<EvalReport | FloatEvaluation>({
  verb: 'eval',
  summary: 'Accuracy on the device; exit code 10 when an output differs from the oracle',
  positionals: { model: { describe: 'Build folder, int8 .tflite, or float checkpoint' } },
  options: {
    data: { ...shared.data, demandOption: true },
    board: shared.board,
    port: shared.port,
    limit: shared.limit,
    diff: {
      type: 'boolean',
      default: false,
      describe: 'Compare layer by layer; name the first layer and element that differ',
    },
    'min-accuracy': { type: 'number', describe: 'Exit code 10 below so many percent' },
    engine: { type: 'string', describe: 'What runs a float model' },
    timeout: shared.timeout,
  },
  examples: [
    ['edge-nn eval build/lenet5 --data mnist --limit 1000', 'The first 1,000 test images'],
    ['edge-nn eval build/lenet5 --data mnist --limit 100 --diff', 'Compare every layer'],
  ],
  run: (flags, context) => evaluate(options(flags), context),
  render,
  exitCode,
  interrupted: exitInterrupted,
});
