/**
 * Single steps of a float graph as programs of their own: what one layer computes from operands of
 * any origin.
 */
import { elements } from '../core/shape.js';
import type { Engine, Program } from '../engine/engine.js';
import { programCache } from '../engine/program-cache.js';
import { buildGraph } from '../ir/build-graph.js';
import { type Graph, getData, getValue, type Node, type ValueId } from '../ir/graph.js';
import { rebatch } from '../rewrite/rebatch.js';
import type { Step } from './fuse.js';

export interface StepRuns {
  readonly batch: number;
  /**
   * What a step computes, [batch, ...].
   *
   * @param operand by value: activations [batch, ...]; of a constant undefined, where its contents
   *   in the graph shall be taken
   */
  run(step: Step, operand: (id: ValueId) => Float32Array | undefined): Float32Array;
  /** Frees the programs. */
  dispose(): void;
}

export interface StepRunOptions {
  /** Whether a step ends with the bound (relu, relu6) that it took in. */
  readonly bounds: boolean;
}

/** The nodes of a step: one, or two where a bound belongs to it. */
function nodesOf(graph: Graph, { node, output }: Step, { bounds }: StepRunOptions): Node[] {
  if (!bounds || output === node.output) return [node];
  return [node, graph.nodes.find((one) => one.output === output)!];
}

/** A graph of one step; its activations become inputs. */
function stepGraph(graph: Graph, step: Step, options: StepRunOptions): Graph {
  const builder = buildGraph({ name: step.output, stage: 'float' });
  for (const id of new Set(step.node.inputs)) {
    const { kind, shape, dtype, trainable } = getValue(graph, id);
    if (kind === 'const') builder.constant({ shape, dtype }, getData(graph, id), { id, trainable });
    else builder.input({ shape, dtype }, { id });
  }
  let output = '';
  for (const node of nodesOf(graph, step, options)) {
    output = builder.add(node.op, node.inputs, node.attrs as never, { id: node.output });
  }
  return builder.finish([output]);
}

interface StepProgram {
  readonly program: Program;
  readonly inputs: readonly ValueId[];
  readonly constants: readonly ValueId[];
  /** Constants that hold something else than in the graph. */
  readonly replaced: Set<ValueId>;
  readonly output: ValueId;
}

/** A value of one example for as many as `count` elements are. */
const spread = (data: Float32Array, count: number): Float32Array =>
  data.length === count
    ? data
    : Float32Array.from({ length: count }, (_, i) => data[i % data.length]!);

/** Writes what differs from the graph's constants, and takes back what differed before. */
function writeConstants(
  { program, constants, replaced }: StepProgram,
  operand: (id: ValueId) => Float32Array | undefined,
): void {
  for (const id of constants) {
    const given = operand(id);
    if (given) program.write(id, spread(given, elements(getValue(program.graph, id).shape)));
    else if (replaced.has(id)) program.write(id, getData(program.graph, id));
    if (given) replaced.add(id);
    else replaced.delete(id);
  }
}

/**
 * Programs for the steps of a graph, compiled when they are first run.
 *
 * @param graph stage float, batch 1; `fuseBounds(graph)` are its steps
 */
export function createStepRuns(
  graph: Graph,
  engine: Engine,
  batch: number,
  options: StepRunOptions,
): StepRuns {
  const programs = programCache((step: Step): StepProgram => {
    const alone = stepGraph(graph, step, options);
    // What reads constants only is the same for every example.
    const batched = alone.inputs.length > 0 ? rebatch(alone, batch) : alone;
    const constants = [...alone.values.values()].filter(({ kind }) => kind === 'const');
    return {
      program: engine.compile(batched),
      inputs: alone.inputs,
      constants: constants.map(({ id }) => id),
      replaced: new Set(),
      output: alone.outputs[0]!,
    };
  });
  return {
    batch,
    run(step, operand) {
      const entry = programs.get(step);
      const { program, inputs, output } = entry;
      for (const id of inputs) program.write(id, operand(id)!);
      writeConstants(entry, operand);
      program.run();
      const result = program.read(output) as Float32Array;
      return spread(result, inputs.length > 0 ? result.length : batch * result.length);
    },
    dispose: programs.dispose,
  };
}
