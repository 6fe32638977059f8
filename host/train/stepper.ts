/**
 * Training steps in the engine: one program per batch size, all over the same weights.
 */
import type { Engine, Program } from '../engine/engine.js';
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
  const compile = (size: number): Compiled => {
    const train = buildTrainGraph(model, size, optimizer, {
      labelSmoothing,
      recompute,
      undecayed,
    });
    return { train, program: engine.compile(train.graph) };
  };
  let current = compile(batch);
  const compiled = new Map([[batch, current]]);
  for (const slot of current.train.slots) {
    const data = slots.get(slotName(slot));
    if (data) current.program.write(slot.state, data);
  }

  /** The program for a batch size, holding the weights of the last step. */
  function switchTo(size: number): Compiled {
    const next = compiled.get(size) ?? compile(size);
    compiled.set(size, next);
    if (current !== next) {
      for (const { value } of next.train.graph.states) {
        next.program.write(value, current.program.read(value));
      }
    }
    current = next;
    return next;
  }

  function readAll(pick: (train: TrainGraph) => readonly (readonly [string, ValueId])[]): Tensors {
    const { train, program } = current;
    return new Map(pick(train).map(([name, id]) => [name, program.read(id) as Floats]));
  }

  return {
    step(size, { inputs, targets, rate, decay, key }) {
      const { train, program } = switchTo(size);
      program.write(train.input, inputs as Floats);
      program.write(train.target, targets as Floats);
      program.write(train.rate, Float32Array.of(rate));
      if (train.decay !== undefined) program.write(train.decay, Float32Array.of(decay));
      if (train.key !== undefined) program.write(train.key, Int32Array.from(key));
      program.run();
      const [loss] = program.read(train.loss) as Floats;
      return { loss: loss!, outputs: program.read(train.output) as Floats };
    },
    weights: () => readAll(({ weights }) => weights.map((id) => [id, id])),
    slots: () => readAll((train) => train.slots.map((slot) => [slotName(slot), slot.state])),
    memoryBytes: () =>
      [...compiled.values()].reduce((sum, { program }) => sum + program.memoryBytes, 0),
    dispose() {
      for (const { program } of compiled.values()) program.dispose();
      compiled.clear();
    },
  };
}
