/**
 * The losses: what targets they take, and how they enter a graph.
 */
import type { AnyArray } from '../core/dtype.js';
import { BadInputError, UsageError } from '../core/errors.js';
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
  /** Targets are 0 or 1, each for itself: what is above this says 1, before and behind `includes`. */
  readonly yes?: { readonly logit: number; readonly activated: number };
}

export const losses: Readonly<Record<LossName, LossRule>> = {
  softmaxCrossEntropy: { target: 'class', reduction: 'mean', includes: 'softmax' },
  sigmoidCrossEntropy: {
    ...{ target: 'values', reduction: 'mean', includes: 'sigmoid' },
    yes: { logit: 0, activated: 0.5 },
  },
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
const targetType = (loss: LossName, output: Shape): TensorType =>
  losses[loss].target === 'class'
    ? { shape: [output[0]!], dtype: 's32' }
    : { shape: output, dtype: 'f32' };

/** A label smoothing that fits the loss and the data. @throws UsageError (exit code 2) */
export function requireSmoothing(smoothing: number, loss: LossName, dataset: Dataset): number {
  if (!(smoothing >= 0 && smoothing < 1)) {
    throw new UsageError(`the label smoothing must be from 0 up to 1, got ${smoothing}`, {
      hint: 'Give a small number such as 0.1.',
    });
  }
  const smooths = losses[loss].includes !== undefined && dataset.target.kind === 'class';
  if (smoothing === 0 || smooths) return smoothing;
  throw new UsageError(`labels of the loss ${loss} on data ${dataset.name} cannot be smoothed`, {
    hint: 'Label smoothing needs a cross-entropy and data with classes.',
  });
}

/** The value that the loss reads: the output, or the logits below an activation it includes. */
export function predictionOf(graph: Graph, loss: LossName): ValueId {
  const output = graph.outputs[0]!;
  const last = graph.nodes.find((node) => node.output === output);
  return last && last.op === losses[loss].includes ? last.inputs[0]! : output;
}

/**
 * Adds the loss of a graph's first output.
 *
 * @param builder holds all of `graph`, at stage train
 * @param smoothing above 0, targets are distributions instead of class numbers
 * @returns the input that takes the targets, and the scalar loss
 */
export function addLoss(
  builder: GraphBuilder,
  graph: Graph,
  loss: LossName,
  smoothing = 0,
): { readonly target: ValueId; readonly value: ValueId } {
  const prediction = predictionOf(graph, loss);
  const { shape } = getValue(graph, prediction);
  const soft = smoothing > 0 && losses[loss].target === 'class';
  const type = soft ? ({ shape, dtype: 'f32' } as const) : targetType(loss, shape);
  const target = builder.input(type, { id: 'target' });
  const op = soft ? 'softCrossEntropy' : loss;
  return { target, value: builder.add(op, [prediction, target], {}, { id: 'loss' }) };
}

/**
 * The targets of some examples, in the type that the loss takes; classes become one-hot rows.
 *
 * @param smoothing the part of every one-hot row that is spread: over all classes for softmax, over
 * yes and no for sigmoid (Szegedy et al., "Rethinking the Inception architecture", 2016)
 */
export function targetsOf(
  loss: LossName,
  dataset: Dataset,
  indices: ArrayLike<number>,
  units: number,
  smoothing = 0,
): AnyArray {
  const isClass = losses[loss].target === 'class';
  if (isClass && smoothing === 0) return dataset.labels(indices);
  if (dataset.target.kind === 'values') return dataset.targets(indices);
  const share = smoothing / (isClass ? units : 2);
  const out = new Float32Array(indices.length * units).fill(share);
  for (const [i, label] of dataset.labels(indices).entries()) {
    out[i * units + label] = 1 - smoothing + share;
  }
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
