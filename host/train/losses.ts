/**
 * The losses: what targets they take, and how they enter a graph.
 */
import type { AnyArray } from '../core/dtype.js';
import { BadInputError } from '../core/errors.js';
import { elements, formatShape, type Shape } from '../core/shape.js';
import { type Dataset, requireClasses, requireInputShape } from '../data/dataset.js';
import type { GraphBuilder } from '../ir/build-graph.js';
import { type Graph, getValue, type LossName, type ValueId } from '../ir/graph.js';
import type { TensorType } from '../ir/op-spec.js';
import type { OpName } from '../ir/ops.js';

export interface LossRule {
  /** What a target is: a class number per example, or numbers of the output's shape. */
  readonly target: 'class' | 'values';
  /** How the loss of many examples comes from the losses of batches. */
  readonly reduction: 'mean' | 'sum';
  /** The activation that the loss computes itself; as the last layer of a model it is skipped. */
  readonly includes?: OpName;
}

export const losses: Readonly<Record<LossName, LossRule>> = {
  softmaxCrossEntropy: { target: 'class', reduction: 'mean', includes: 'softmax' },
  sigmoidCrossEntropy: { target: 'values', reduction: 'mean', includes: 'sigmoid' },
  meanSquares: { target: 'values', reduction: 'mean' },
  sumSquares: { target: 'values', reduction: 'sum' },
};

/** The loss of a model. @throws BadInputError when it names none */
export function lossOf(graph: Graph): LossName {
  if (graph.loss) return graph.loss;
  throw new BadInputError(`model ${graph.name} has no loss, so it cannot be trained`, {
    hint: `Write model(name, build, { loss }) with one of ${Object.keys(losses).join(', ')}.`,
  });
}

/** The type of the targets of a batch, for an output of the given shape, batch included. */
export const targetType = (loss: LossName, output: Shape): TensorType =>
  losses[loss].target === 'class'
    ? { shape: [output[0]!], dtype: 's32' }
    : { shape: output, dtype: 'f32' };

/** The value that the loss reads: the output, or the logits below an activation it includes. */
function predictionOf(graph: Graph, loss: LossName): ValueId {
  const output = graph.outputs[0]!;
  const last = graph.nodes.find((node) => node.output === output);
  return last && last.op === losses[loss].includes ? last.inputs[0]! : output;
}

/**
 * Adds the loss of a graph's first output.
 *
 * @param builder holds all of `graph`, at stage train
 * @returns the input that takes the targets, and the scalar loss
 */
export function addLoss(
  builder: GraphBuilder,
  graph: Graph,
  loss: LossName,
): { readonly target: ValueId; readonly value: ValueId } {
  const prediction = predictionOf(graph, loss);
  const { shape } = getValue(graph, prediction);
  const target = builder.input(targetType(loss, shape), { id: 'target' });
  return { target, value: builder.add(loss, [prediction, target], {}, { id: 'loss' }) };
}

/** The targets of some examples, in the type that the loss takes; classes become one-hot rows. */
export function targetsOf(
  loss: LossName,
  dataset: Dataset,
  indices: ArrayLike<number>,
  units: number,
): AnyArray {
  if (losses[loss].target === 'class') return dataset.labels(indices);
  if (dataset.target.kind === 'values') return dataset.targets(indices);
  const out = new Float32Array(indices.length * units);
  for (const [i, label] of dataset.labels(indices).entries()) out[i * units + label] = 1;
  return out;
}

/**
 * Checks before training that a dataset fits a model and its loss.
 *
 * @param graph stage float, batch 1
 * @throws BadInputError (exit code 3) naming both shapes or class counts
 */
export function checkData(graph: Graph, dataset: Dataset): void {
  const loss = lossOf(graph);
  if (graph.inputs.length !== 1) {
    throw new BadInputError(
      `model ${graph.name} has ${graph.inputs.length} inputs; training feeds one`,
      { hint: 'Build the model with one input(...).' },
    );
  }
  if (dataset.count === 0) {
    throw new BadInputError(`data ${dataset.name} has no examples`, { hint: 'Give other data.' });
  }
  requireInputShape(dataset, getValue(graph, graph.inputs[0]!).shape.slice(1));
  const output = getValue(graph, graph.outputs[0]!).shape.slice(1);
  const { target } = dataset;
  if (losses[loss].target === 'class' || target.kind === 'class') {
    requireClasses(dataset, elements(output));
  } else if (elements(target.shape) !== elements(output)) {
    throw new BadInputError(
      `data ${dataset.name} has targets of shape ${formatShape(target.shape)}, the model's output is ${formatShape(output)}`,
      { hint: 'Change the last layer, or give data with targets of that shape.' },
    );
  }
}
