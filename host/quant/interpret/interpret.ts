/**
 * The oracle: what an integer graph computes, to the byte. Slow and obvious; every kernel of every
 * target is compared with it. The arithmetic is that of TensorFlow Lite Micro's reference kernels
 * (DESIGN.md, "One integer semantics").
 */
import { type AnyArray, allocate, dtypes } from '../../core/dtype.js';
import { BadInputError, UnsupportedError } from '../../core/errors.js';
import { formatShape } from '../../core/shape.js';
import { type Graph, getData, getValue, type Node, type ValueId } from '../../ir/graph.js';
import { located } from '../../ir/located.js';
import { everyFloatOp, everyTrainOp, type OpName, type OpTable } from '../../ir/ops.js';
import { conv2d, dense, depthwiseConv2d } from './conv.js';
import { add, mul, rescaled } from './elementwise.js';
import { avgPool2d, maxPool2d, mean } from './pool.js';
import { elementsOf } from './quant.js';
import type { Kernel, Rule, Stored } from './rule.js';
import { concat, pad, reshape } from './shape.js';
import { softmax } from './softmax.js';

export interface Oracle {
  readonly graph: Graph;
  /** Runs one inference; arrays in the order of graph.inputs and graph.outputs, row-major. */
  run(inputs: readonly AnyArray[]): AnyArray[];
  /** Runs one inference and returns every value: inputs, constants, states before it, temps. */
  runAll(inputs: readonly AnyArray[]): ReadonlyMap<ValueId, AnyArray>;
  /** Puts the states back to what they hold at the start. */
  reset(): void;
}

/** An op that an int8 graph may not contain; quantization replaces or refuses it. */
const noInt8Form = (_graph: Graph, node: Node): never => {
  throw new UnsupportedError(`${node.op} (%${node.output}) has no int8 form`, {
    hint: 'Replace this layer by one that has, or keep the model in float.',
    where: `%${node.output}`,
  });
};

const rules = {
  conv2d,
  depthwiseConv2d,
  dense,
  maxPool2d,
  avgPool2d,
  mean,
  add,
  mul,
  relu: rescaled,
  relu6: rescaled,
  softmax,
  reshape,
  concat,
  pad,
  requantize: rescaled,

  ...everyFloatOp(noInt8Form),
  ...everyTrainOp(noInt8Form),
} as const satisfies { readonly [O in OpName]: Rule<O> } & OpTable<unknown>;

interface Step {
  readonly kernel: Kernel;
  readonly inputs: readonly Stored[];
  readonly output: Stored;
}

function checkInputs(graph: Graph, inputs: readonly AnyArray[]): void {
  if (inputs.length !== graph.inputs.length) {
    throw new BadInputError(
      `got ${inputs.length} inputs, ${graph.name} has ${graph.inputs.length}`,
      {
        hint: `Give one array per input: ${graph.inputs.map((id) => `%${id}`).join(', ')}.`,
      },
    );
  }
  graph.inputs.forEach((id, i) => {
    const value = getValue(graph, id);
    const given = inputs[i]!;
    if (!(given instanceof dtypes[value.dtype].array) || given.length !== elementsOf(value)) {
      throw new BadInputError(
        `input %${id} is ${given.constructor.name}(${given.length}), expected ${value.dtype}${formatShape(value.shape)}`,
        { hint: 'Quantize the input to the scale and zero point of the graph.', where: `%${id}` },
      );
    }
  });
}

const copyInto = (target: AnyArray, source: AnyArray): void =>
  (target as Int8Array).set(source as Int8Array);

type Buffers = ReadonlyMap<ValueId, AnyArray>;

/** An array per value; constants are those of the graph. */
function makeBuffers(graph: Graph): Buffers {
  return new Map(
    [...graph.values.values()].map((value) => [
      value.id,
      value.kind === 'const' ? getData(graph, value.id) : allocate(value.dtype, elementsOf(value)),
    ]),
  );
}

function makeSteps(graph: Graph, buffers: Buffers): Step[] {
  const buffer = (id: ValueId) => buffers.get(id) as Stored;
  return graph.nodes.map((node) => ({
    kernel: prepared(graph, node),
    inputs: node.inputs.map(buffer),
    output: buffer(node.output),
  }));
}

/** The kernel of a node. */
function prepared(graph: Graph, node: Node): Kernel {
  try {
    // The table pairs each op with its own rule, which the union of nodes cannot express.
    return (rules[node.op] as (graph: Graph, node: Node) => Kernel)(graph, node);
  } catch (error) {
    throw located(error, node.op, node.output);
  }
}

/** States take their update together: one may be another's. */
function updateStates(graph: Graph, buffers: Buffers): void {
  const next = graph.states.map(({ update }) => update && buffers.get(update)!.slice());
  graph.states.forEach(({ value }, i) => {
    if (next[i]) copyInto(buffers.get(value)!, next[i]);
  });
}

/**
 * Prepares an integer graph: multipliers, index tables and buffers are made once.
 *
 * @param graph stage int8 or lowered, batch 1
 * @throws UnsupportedError (exit code 4) for what has no int8 form, BadInputError (3) for
 *   quantization that contradicts itself
 */
export function createOracle(graph: Graph): Oracle {
  if (graph.stage !== 'int8' && graph.stage !== 'lowered') {
    throw new UnsupportedError(`graph ${graph.name} is at stage ${graph.stage}`, {
      hint: 'Quantize it first.',
    });
  }
  const buffers = makeBuffers(graph);
  const steps = makeSteps(graph, buffers);
  const reset = (): void => {
    for (const { value } of graph.states) copyInto(buffers.get(value)!, getData(graph, value));
  };

  /** Computes every node, lets `read` take what it wants, then updates the states. */
  function inference<T>(inputs: readonly AnyArray[], read: () => T): T {
    checkInputs(graph, inputs);
    graph.inputs.forEach((id, i) => {
      copyInto(buffers.get(id)!, inputs[i]!);
    });
    for (const { kernel, inputs: from, output } of steps) kernel(from, output);
    const result = read();
    updateStates(graph, buffers);
    return result;
  }

  reset();
  return {
    graph,
    reset,
    run: (inputs) => inference(inputs, () => graph.outputs.map((id) => buffers.get(id)!.slice())),
    runAll: (inputs) =>
      inference(inputs, () => new Map([...buffers].map(([id, array]) => [id, array.slice()]))),
  };
}
