/**
 * Accuracy where it counts: on the device, with every output compared with the oracle's.
 */
import type { Dataset } from '../data/dataset.js';
import { lower } from '../lower/pipeline.js';
import { encodeInput } from '../quant/evaluate.js';
import { soleInput } from '../quant/float-runs.js';
import { createOracle } from '../quant/interpret/interpret.js';
import type { Score } from '../quant/score.js';
import { evaluateOnDevice } from './device.js';
import { type Difference, firstDifference } from './difference.js';
import { type DeviceSource, type OpenedDevice, withDevice } from './open-device.js';

export interface EvaluateOptions extends DeviceSource {
  readonly dataset: Dataset;
  /** How many examples, from the first; default all. */
  readonly limit?: number | undefined;
  /** Also compare layer by layer, until the first difference. */
  readonly diff?: boolean | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DeviceEvaluation extends Score {
  readonly board: string;
  readonly model: string;
  readonly modelHash: string;
  /** Names of the classes, where the model or the data has them. */
  readonly labels?: readonly string[];
  /** The fraction of examples whose outputs equal the oracle's byte for byte. */
  readonly equal: number;
  readonly stack: { readonly bound: number; readonly used: number };
  /** With `diff`: where device and oracle part; null when every layer compared is equal. */
  readonly difference?: Difference | null;
  /** With `diff`: how many examples were compared layer by layer. */
  readonly compared?: number;
}

/** Layers of equal outputs are compared on so many examples; each costs a trace. */
const tracedExamples = 20;

/** Looks at the examples whose outputs differ first, then at some whose outputs are equal. */
async function findDifference(
  { graph, session, certificate }: OpenedDevice,
  dataset: Dataset,
  count: number,
  firstUnequal: number | undefined,
): Promise<Pick<DeviceEvaluation, 'difference' | 'compared'>> {
  const lowered = lower(graph).graph;
  const reference = { graph: lowered, oracle: createOracle(lowered) };
  const input = soleInput(graph, dataset);
  const examples =
    firstUnequal === undefined
      ? Array.from({ length: Math.min(count, tracedExamples) }, (_, i) => i)
      : [firstUnequal];
  for (const [k, example] of examples.entries()) {
    const inputs = [encodeInput(dataset, example, input)];
    const difference = await firstDifference(session, reference, inputs, example);
    if (!difference) continue;
    const rows = difference.step === 0 ? certificate.rows?.layers : undefined;
    return { difference: { ...difference, ...(rows && { rows }) }, compared: k + 1 };
  }
  return { difference: null, compared: examples.length };
}

/**
 * Runs a dataset on a device.
 *
 * @throws the errors of `withDevice`; BadInputError when dataset and model do not fit
 */
export async function evaluateModel(options: EvaluateOptions): Promise<DeviceEvaluation> {
  const { dataset, diff = false, onProgress, signal } = options;
  const limit = Math.min(options.limit ?? dataset.count, dataset.count);
  return withDevice(options, async (device) => {
    const { graph, session, certificate } = device;
    const input = soleInput(graph, dataset);
    const oracle = createOracle(graph);
    const run = { session, graph, oracle, dataset, limit, signal };
    const { score, equal, firstUnequal } = await evaluateOnDevice({
      ...run,
      onProgress: (done) => onProgress?.(done, limit),
    });
    const found =
      diff && !signal?.aborted ? await findDifference(device, dataset, limit, firstUnequal) : {};
    const example = encodeInput(dataset, 0, input);
    const labels = graph.labels ?? dataset.classNames;
    const { stackUsed } = await session.profile([new Uint8Array(example.buffer)]);
    return {
      board: certificate.board,
      model: certificate.model,
      modelHash: certificate.modelHash,
      ...(labels && { labels }),
      ...score,
      equal,
      stack: { bound: certificate.ram.stack, used: stackUsed },
      ...found,
    };
  });
}
