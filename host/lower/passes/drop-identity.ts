/**
 * What changes no byte becomes a reshape, which is only another name for the same memory. The
 * value keeps its id, so that outputs keep their names.
 */
import { type Graph, getValue, type Node, type NodeOf } from '../../ir/graph.js';
import type { IntegerOp, OpName } from '../../ir/ops.js';
import { clampOf } from '../../quant/interpret/params.js';
import { storedRange } from '../../quant/interpret/quant.js';
import { rebuild } from '../edit.js';
import { isLoweredNode } from '../lowered-ops.js';
import { sameQuantization } from '../quantization.js';

type Rule<O extends OpName> = (graph: Graph, node: NodeOf<O>) => boolean;

const never = (): boolean => false;

const keepsQuantization = (graph: Graph, { inputs, output }: Node): boolean =>
  sameQuantization(getValue(graph, inputs[0]!), getValue(graph, output));

/** Whether a node copies its first operand unchanged. */
const identities: { readonly [O in IntegerOp]: Rule<O> } = {
  requantize: keepsQuantization,
  pad: (_, { attrs }) => attrs.padding.every((n) => n === 0),
  concat: (graph, node) =>
    node.inputs.length === 1 && keepsQuantization(graph, node) && isFullRange(graph, node),
  conv2d: never,
  depthwiseConv2d: never,
  dense: never,
  // A window of one pixel may still clamp, and activations do.
  maxPool2d: never,
  avgPool2d: never,
  mean: never,
  add: never,
  mul: never,
  relu: never,
  relu6: never,
  softmax: never,
  reshape: never,
};

const isIdentity = (graph: Graph, node: Node): boolean =>
  isLoweredNode(node) && (identities[node.op] as Rule<IntegerOp>)(graph, node);

function isFullRange(graph: Graph, node: Node): boolean {
  const [low, high] = clampOf(graph, node);
  const [least, most] = storedRange(getValue(graph, node.output));
  return low <= least && high >= most;
}

/** Turns requantizations to the same scale, empty PADs and concats of one into reshapes. */
export function dropIdentity(graph: Graph): Graph {
  const nodes = graph.nodes.map((node): Node => {
    if (!isIdentity(graph, node)) return node;
    const shape = getValue(graph, node.output).shape.slice(1);
    return { op: 'reshape', inputs: [node.inputs[0]!], output: node.output, attrs: { shape } };
  });
  return rebuild(graph, { nodes });
}
