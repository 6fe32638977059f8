/**
 * The only way to change the batch of a graph.
 */
import type { Shape } from '../core/shape.js';
import { type Graph, getData, getValue, type ValueId } from '../ir/graph.js';
import { everyFloatOp, everyTrainOp, type OpTable } from '../ir/ops.js';
import { mapGraph } from './map-graph.js';

/** The number of examples that a graph takes at once: the first dimension of its first input. */
export const batchOf = (graph: Graph): number => getValue(graph, graph.inputs[0]!).shape[0]!;

/** Whether an op does not broadcast: a constant operand needs the batch of the others. */
type Rule = (output: Shape) => boolean;
const never: Rule = () => false;

const needsBatch = {
  conv2d: never,
  depthwiseConv2d: never,
  dense: never,
  maxPool2d: never,
  avgPool2d: never,
  mean: never,
  add: never,
  mul: never,
  relu: never,
  relu6: never,
  softmax: never,
  reshape: never,
  concat: () => true,
  pad: never,
  requantize: never,
  ...everyFloatOp(never),
  ...everyTrainOp(never),
  /** Of two axes: the right one is a parameter, as that of a dense layer. */
  matmul: (output) => output.length > 2,
} as const satisfies OpTable<Rule>;

/** Constants, themselves or in another form, that lie beside batched values in such ops. */
function batchedConstants(graph: Graph): Set<ValueId> {
  const batched = new Set(graph.inputs);
  const sources = new Map<ValueId, readonly ValueId[]>();
  const out = new Set<ValueId>();
  for (const { id, kind, trainable } of graph.values.values()) {
    if (kind === 'const' && !trainable) sources.set(id, [id]);
  }
  for (const node of graph.nodes) {
    const from = node.inputs.flatMap((id) => sources.get(id) ?? []);
    if (!node.inputs.some((id) => batched.has(id))) {
      sources.set(node.output, from);
      continue;
    }
    batched.add(node.output);
    const { shape } = getValue(graph, node.output);
    if (needsBatch[node.op](shape)) for (const id of from) out.add(id);
  }
  return out;
}

/** The first example's part of some data, n times. */
function repeated(data: Float32Array, batch: number, n: number): Float32Array<ArrayBuffer> {
  const size = data.length / batch;
  return Float32Array.from({ length: n * size }, (_, i) => data[i % size]!);
}

/**
 * The graph for a batch of n: its inputs get n as first dimension, all other shapes follow, and
 * constants that stand for one value per example are repeated.
 */
export function rebatch(graph: Graph, n: number): Graph {
  const batch = batchOf(graph);
  const spread = batchedConstants(graph);
  return mapGraph(graph, {
    inputShape: ({ shape }) => [n, ...shape.slice(1)],
    parameter(value, out) {
      const { id, name, shape, dtype, quant } = value;
      const data = spread.has(id) ? getData(graph, id) : undefined;
      if (shape[0] !== batch || !(data instanceof Float32Array)) return out.keepParameter(value);
      const type = { shape: [n, ...shape.slice(1)], dtype };
      return out.builder.constant(type, repeated(data, batch, n), { id, name, quant });
    },
  });
}
