/**
 * Training steps in the engine: one program per batch size, all over the same weights.
 */
import type { Engine, Program } from '../engine/engine.js';
import { programCache } from '../engine/program-cache.js';
import type { Graph, ValueId } from '../ir/graph.js';
import type { Setup, Tensors } from './checkpoint.js';
import { buildTrainGraph, type TrainGraph } from './train-graph.js';

type Floats = Float32Array<ArrayBuffer>;

/** What one step needs beside the weights. */
export interface StepInputs {
  /** [batch, ...shape] */
  readonly inputs: Float32Array;
  /** Class numbers, or values of the output's shape. */
  readonly targets: Int32Array | Float32Array;
  /** The optimizer's rate of this step. */
  readonly rate: number;
  /** The learning rate times the weight decay, for optimizers that decouple it. */
  readonly decay: number;
  /** [seed, epoch, step]: what dropout draws from. */
  readonly key: readonly [number, number, number];
}

export interface Stepper {
  /** One step on a batch of `size` examples; returns the loss before the update, and the outputs [batch, ...]. */
  step(size: number, inputs: StepInputs): { readonly loss: number; readonly outputs: Floats };
  /** Copies of the weights and statistics, by id. */
  weights(): Tensors;
  /** Copies of the optimizer's slots, by `<slot>/<parameter>`. */
  slots(): Tensors;
  /** Bytes of memory of all programs so far. */
  memoryBytes(): number;
  dispose(): void;
}

export interface StepperOptions {
  /** Contents of the optimizer's slots to start from; default their start values. */
  readonly slots?: Tensors | undefined;
  /** See TrainGraphOptions. */
  readonly recompute?: boolean | undefined;
  readonly undecayed?: ReadonlySet<ValueId> | undefined;
}

interface Compiled {
  readonly train: TrainGraph;
  readonly program: Program;
}

const slotName = ({ slot, parameter }: { slot: string; parameter: ValueId }): string =>
  `${slot}/${parameter}`;

/** The values of a program under names. */
const readAll = (
  program: Program,
  named: readonly (readonly [string, ValueId])[],
): Map<string, Floats> => new Map(named.map(([name, id]) => [name, program.read(id) as Floats]));

/** Takes the weights and slots of the last step over into another program. */
function copyStates(from: Compiled, to: Compiled): void {
  for (const { value } of to.train.graph.states) to.program.write(value, from.program.read(value));
}

/** One step of a program on a batch of its size. */
function run({ train, program }: Compiled, { inputs, targets, rate, decay, key }: StepInputs) {
  program.write(train.input, inputs as Floats);
  program.write(train.target, targets as Floats);
  program.write(train.rate, Float32Array.of(rate));
  if (train.decay !== undefined) program.write(train.decay, Float32Array.of(decay));
  if (train.key !== undefined) program.write(train.key, Int32Array.from(key));
  program.run();
  const [loss] = program.read(train.loss) as Floats;
  return { loss: loss!, outputs: program.read(train.output) as Floats };
}

/**
 * Prepares the training of a float graph (batch 1).
 *
 * @param setup says the optimizer, the size of most batches, the label smoothing
 */
export function createStepper(
  model: Graph,
  { optimizer, batch, labelSmoothing }: Setup,
  engine: Engine,
  { slots = new Map(), recompute = false, undecayed }: StepperOptions = {},
): Stepper {
  const options = { labelSmoothing, recompute, undecayed };
  const programs = programCache((size: number): Compiled => {
    const train = buildTrainGraph(model, size, optimizer, options);
    return { train, program: engine.compile(train.graph) };
  });
  let current = programs.get(batch);
  for (const slot of current.train.slots) {
    const data = slots.get(slotName(slot));
    if (data) current.program.write(slot.state, data);
  }

  return {
    step(size, inputs) {
      const next = programs.get(size);
      if (next !== current) copyStates(current, next);
      current = next;
      return run(current, inputs);
    },
    weights: () =>
      readAll(
        current.program,
        current.train.weights.map((id) => [id, id]),
      ),
    slots: () =>
      readAll(
        current.program,
        current.train.slots.map((slot) => [slotName(slot), slot.state]),
      ),
    memoryBytes: programs.memoryBytes,
    dispose: programs.dispose,
  };
}
