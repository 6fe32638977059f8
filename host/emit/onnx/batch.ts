/**
 * Which nodes work across the batch, axis 0: a graph that holds one keeps its batch in .onnx, all
 * others are exported with a symbolic one.
 */
import { normalizeAxis } from '../../core/shape.js';
import { type Graph, getValue, type NodeOf } from '../../ir/graph.js';
import { everyTrainOp, type OpName } from '../../ir/ops.js';

type Rule<O extends OpName> = (graph: Graph, node: NodeOf<O>) => boolean;

const never = (): boolean => false;

const rankOf = (graph: Graph, { inputs }: { readonly inputs: readonly string[] }): number =>
  getValue(graph, inputs[0]!).shape.length;

type OverAxes = 'mean' | 'sum' | 'variance' | 'max' | 'min' | 'reverse';
const overAxes = (graph: Graph, node: NodeOf<OverAxes>): boolean =>
  node.attrs.axes.some((axis) => normalizeAxis(axis, rankOf(graph, node)) === 0);

const overAxis = (graph: Graph, node: NodeOf<'argMax' | 'argMin' | 'concat'>): boolean =>
  normalizeAxis(node.attrs.axis, rankOf(graph, node)) === 0;

/** A vector's own axis is the batch. */
const overLast = (graph: Graph, node: NodeOf<'softmax'>): boolean => rankOf(graph, node) === 1;

/** Of matrices, the rows are examples; the right one, or a transposed left one, is taken whole. */
const matmul: Rule<'matmul'> = (graph, { inputs, attrs }) => {
  const [a, b] = inputs.map((id) => getValue(graph, id));
  if (a!.shape.length > 2) return false;
  return attrs.transposeA || b!.kind !== 'const';
};

const slice: Rule<'slice'> = (graph, { inputs, attrs }) => {
  const [batch] = getValue(graph, inputs[0]!).shape;
  return attrs.begin[0] !== 0 || (attrs.size[0] !== -1 && attrs.size[0] !== batch);
};

const rules = {
  conv2d: never,
  depthwiseConv2d: never,
  dense: never,
  maxPool2d: never,
  avgPool2d: never,
  mean: overAxes,
  add: never,
  mul: never,
  relu: never,
  relu6: never,
  softmax: overLast,
  reshape: never,
  concat: overAxis,
  pad: (_, { attrs: { padding } }) => padding[0] !== 0 || padding[1] !== 0,
  requantize: never,
  batchNorm: never,
  sum: overAxes,
  variance: overAxes,
  max: overAxes,
  min: overAxes,
  argMax: overAxis,
  argMin: overAxis,
  matmul,
  slice,
  transpose: (_, { attrs }) => attrs.perm[0] !== 0,
  reverse: overAxes,
  // Along the last axis but one, of complex numbers.
  fft: (graph, node) => rankOf(graph, node) === 2,
  equal: never,
  notZero: never,
  truncate: never,
  sub: never,
  div: never,
  scale: never,
  rsqrt: never,
  leakyRelu: never,
  elu: never,
  selu: never,
  sigmoid: never,
  tanh: never,
  softplus: never,
  softsign: never,
  hardSwish: never,
  gelu: never,
  dropout: never,
  // None is exported.
  ...everyTrainOp(never),
} satisfies { readonly [O in OpName]: Rule<O> };

/** Whether the batch may be any: it is 1 in the graph, and no node works across it. */
export const batchIsFree = (graph: Graph): boolean =>
  graph.inputs.every((id) => getValue(graph, id).shape[0] === 1) &&
  !graph.nodes.some((node) => (rules[node.op] as Rule<OpName>)(graph, node as NodeOf<OpName>));
