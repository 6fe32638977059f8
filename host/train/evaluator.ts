/**
 * Loss and accuracy of a model on test data, with the weights of the moment.
 */
import { setImmediate } from 'node:timers/promises';
import { elements } from '../core/shape.js';
import { batches } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import type { Engine, Program } from '../engine/engine.js';
import { programCache } from '../engine/program-cache.js';
import { buildGraph } from '../ir/build-graph.js';
import { type Graph, getValue, type ValueId } from '../ir/graph.js';
import { forInference } from '../rewrite/for-inference.js';
import { rebatch } from '../rewrite/rebatch.js';
import type { Running, Tensors } from './checkpoint.js';
import { judgeOf } from './judge.js';
import { addLoss, losses, lossOf, targetsOf } from './losses.js';
import { addBatch, nothingSeen } from './metrics.js';

export interface Evaluator {
  /** Sums over the dataset; undefined when the signal aborted it. */
  evaluate(weights: Tensors, signal?: AbortSignal): Promise<Running | undefined>;
  /** Bytes of memory of all programs so far. */
  memoryBytes(): number;
  dispose(): void;
}

interface Compiled {
  readonly program: Program;
  readonly input: ValueId;
  readonly target: ValueId;
  readonly loss: ValueId;
  readonly output: ValueId;
}

const batchSize = 100;

/** The inference graph for a batch, with its loss. */
function compile(model: Graph, batch: number, engine: Engine): Compiled {
  const inference = rebatch(forInference(model), batch);
  const builder = buildGraph({ ...inference, stage: 'train' }, inference);
  const { target, value: loss } = addLoss(builder, inference, lossOf(model));
  const output = inference.outputs[0]!;
  const program = engine.compile(builder.finish([loss, output]));
  return { program, input: inference.inputs[0]!, target, loss, output };
}

/** Prepares the evaluation of a float graph (batch 1) on a dataset that fits it. */
export function createEvaluator(model: Graph, dataset: Dataset, engine: Engine): Evaluator {
  const loss = lossOf(model);
  const units = elements(getValue(model, model.outputs[0]!).shape.slice(1));
  const programs = programCache((batch: number) => compile(model, batch, engine));
  const plan = batches(dataset.count, batchSize);
  const judge = judgeOf(model, dataset);

  function run({ program, input, target, ...ids }: Compiled, indices: Uint32Array, sums: Running) {
    program.write(input, dataset.inputs(indices) as Float32Array<ArrayBuffer>);
    program.write(target, targetsOf(loss, dataset, indices, units));
    program.run();
    const [value] = program.read(ids.loss) as Float32Array;
    const correct = judge?.(program.read(ids.output) as Float32Array, indices) ?? 0;
    return addBatch(sums, losses[loss], indices.length, value!, correct);
  }

  return {
    async evaluate(weights, signal) {
      for (const { length } of [plan[0]!, plan.at(-1)!]) {
        const { program } = programs.get(length);
        for (const [id, data] of weights) {
          if (program.graph.values.has(id)) program.write(id, data);
        }
      }
      let sums = nothingSeen;
      for (const indices of plan) {
        if (signal?.aborted) return undefined;
        sums = run(programs.get(indices.length), indices, sums);
        await setImmediate();
      }
      return sums;
    },
    memoryBytes: programs.memoryBytes,
    dispose: programs.dispose,
  };
}
