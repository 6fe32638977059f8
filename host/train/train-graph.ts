/**
 * The training graph of a model: forward pass, loss, gradients and updates in one graph.
 */
import { elements } from '../core/shape.js';
import { buildGraph, type GraphBuilder } from '../ir/build-graph.js';
import { type Graph, getValue, type ValueId } from '../ir/graph.js';
import { deadCode } from '../rewrite/dead-code.js';
import { forTraining, type TrainingOptions } from '../rewrite/for-training.js';
import { rebatch } from '../rewrite/rebatch.js';
import { gradients } from './grad.js';
import { addLoss, lossOf } from './losses.js';
import { type Optimizer, optimizers, type UpdateInputs } from './optimizers.js';
import { recompute } from './recompute.js';
import { regularize } from './regularize.js';

/** A slot of the optimizer, by parameter and name. */
export interface Slot {
  readonly parameter: ValueId;
  readonly slot: string;
  readonly state: ValueId;
}

export interface TrainGraph {
  /** Stage train; outputs are the loss (a scalar) and the model's outputs. */
  readonly graph: Graph;
  readonly input: ValueId;
  readonly target: ValueId;
  /** The scalar input that takes the rate of a step, as the optimizer's rule computes it. */
  readonly rate: ValueId;
  /** The scalar input of the learning rate times the weight decay, where the optimizer has one. */
  readonly decay?: ValueId;
  /** The input s32 [seed, epoch, step] of dropout; absent without dropout. */
  readonly key?: ValueId;
  readonly loss: ValueId;
  readonly output: ValueId;
  /** Parameters and statistics: the states that a trained model keeps, in order. */
  readonly weights: readonly ValueId[];
  readonly slots: readonly Slot[];
}

export interface TrainGraphOptions extends TrainingOptions {
  /** Above 0, the targets are distributions. Default 0. */
  readonly labelSmoothing?: number;
  /** Cheap forward values are computed again in the backward pass. Default false. */
  readonly recompute?: boolean | undefined;
  /** Parameters that weight decay leaves alone. */
  readonly undecayed?: ReadonlySet<ValueId> | undefined;
}

/** The training graph of a float graph (batch 1) for batches of `batch` examples. */
export function buildTrainGraph(
  model: Graph,
  batch: number,
  optimizer: Optimizer,
  options: TrainGraphOptions = {},
): TrainGraph {
  const prepared = forTraining(rebatch(model, batch), options);
  const { graph } = prepared;
  const builder = buildGraph(graph, graph);
  const { target, value: loss } = addLoss(builder, graph, lossOf(model), options.labelSmoothing);
  const forward = builder.finish([loss, ...graph.outputs]);
  // The builder goes on with the same list.
  const forwardNodes = [...forward.nodes];
  const weights = forward.states.map(({ value }) => value);
  const parameters = weights.filter((id) => getValue(forward, id).trainable);
  const one = builder.constant({ shape: [], dtype: 'f32' }, Float32Array.of(1), { id: 'one' });
  const grads = gradients(forward, builder, loss, one, parameters);
  const { slots, ...rates } = addUpdates(builder, optimizer, grads, options.undecayed ?? new Set());
  const complete = deadCode(builder.finish([loss, ...graph.outputs]));
  return {
    graph: options.recompute ? deadCode(recompute(complete, forwardNodes)) : complete,
    input: graph.inputs[0]!,
    target,
    ...rates,
    ...(prepared.key && { key: prepared.key }),
    loss,
    output: graph.outputs[0]!,
    weights,
    slots,
  };
}

/** Adds the inputs of the learning rate, and the slots and updates of all parameters. */
function addUpdates(
  builder: GraphBuilder,
  optimizer: Optimizer,
  grads: ReadonlyMap<ValueId, ValueId>,
  undecayed: ReadonlySet<ValueId>,
): Pick<TrainGraph, 'rate' | 'decay' | 'slots'> {
  const scalar = { shape: [], dtype: 'f32' } as const;
  const rate = builder.input(scalar, { id: 'rate' });
  const decouples = optimizers[optimizer.name].decouple;
  const decay = decouples ? builder.input(scalar, { id: 'decay' }) : undefined;
  const none = builder.constant(scalar, new Float32Array(1), { id: 'none' });
  const slots = [...regularize(builder, optimizer, grads, undecayed)].flatMap(([w, g]) =>
    addUpdate(builder, optimizer, {
      w,
      g,
      rate,
      decay: decay && (undecayed.has(w) ? none : decay),
    }),
  );
  return { rate, ...(decay !== undefined && { decay }), slots };
}

/** Adds the slots and updates of one parameter. */
function addUpdate(
  builder: GraphBuilder,
  { name, hyper }: Optimizer,
  inputs: Omit<UpdateInputs, 'slots'>,
): Slot[] {
  const { w } = inputs;
  const rule = optimizers[name];
  const { shape } = builder.values.get(w)!;
  const slots = Object.entries(rule.slots(hyper)).map(([slot, start]) => {
    const data = new Float32Array(elements(shape)).fill(start);
    const state = builder.state({ shape, dtype: 'f32' }, data, { id: `${w}.${slot}` });
    return { parameter: w, slot, state };
  });
  const ids = Object.fromEntries(slots.map(({ slot, state }) => [slot, state]));
  const update = rule.update(builder, { ...inputs, slots: ids }, hyper);
  builder.update(w, update.w);
  for (const { slot, state } of slots) builder.update(state, update.slots[slot]!);
  return slots;
}
