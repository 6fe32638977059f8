/**
 * A dataset run on a device: accuracy, and whether every output equals the oracle's.
 */
import { type AnyArray, bytesOf, type NumericArray, viewAs } from '../core/dtype.js';
import type { Dataset } from '../data/dataset.js';
import { type Graph, getValue } from '../ir/graph.js';
import type { Session } from '../link/session.js';
import { encodeInput } from '../quant/evaluate.js';
import type { Oracle } from '../quant/interpret/interpret.js';
import { createScorer, type Score } from '../quant/score.js';

export interface DeviceRun {
  readonly session: Session;
  /** The int8 graph that was compiled. */
  readonly graph: Graph;
  readonly oracle: Oracle;
  readonly dataset: Dataset;
  /** How many examples, from the first. */
  readonly limit: number;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface DeviceScore {
  readonly score: Score;
  /** The fraction of examples whose outputs equal the oracle's byte for byte. */
  readonly equal: number;
  /** The first example whose outputs differ. */
  readonly firstUnequal: number | undefined;
}

const sameBytes = (a: readonly Uint8Array[], b: readonly AnyArray[]): boolean =>
  a.every((bytes, i) => Buffer.compare(bytes, bytesOf(b[i]!)) === 0);

/**
 * Runs the first `limit` examples. While the device computes one, the oracle computes the same on
 * the host.
 */
export async function evaluateOnDevice(run: DeviceRun): Promise<DeviceScore> {
  const { session, graph, oracle, dataset, limit } = run;
  const inputValue = getValue(graph, graph.inputs[0]!);
  const output = getValue(graph, graph.outputs[0]!);
  const encoded = (example: number) => encodeInput(dataset, example, inputValue);
  function* feeds(): Generator<Uint8Array[]> {
    for (let i = 0; i < limit && !run.signal?.aborted; i++) yield [bytesOf(encoded(i))];
  }
  const scorer = createScorer(dataset, graph);
  let equal = 0;
  let firstUnequal: number | undefined;
  let example = 0;
  for await (const outputs of session.inferAll(feeds())) {
    if (sameBytes(outputs, oracle.run([encoded(example)]))) equal++;
    else firstUnequal ??= example;
    scorer.add(example, viewAs(output.dtype, outputs[0]!) as NumericArray);
    run.onProgress?.(++example);
  }
  return { score: scorer.score(), equal: example === 0 ? 0 : equal / example, firstUnequal };
}
