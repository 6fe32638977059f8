/**
 * What changes no byte becomes a reshape, which is only another name for the same memory. The
 * value keeps its id, so that outputs keep their names.
 */
import { type Graph, getValue, type Node } from '../../ir/graph.js';
import { clampOf } from '../../quant/interpret-params.js';
import { storedRange } from '../../quant/interpret-quant.js';
import { rebuild } from '../edit.js';
import { sameQuantization } from '../quantization.js';

/** Whether the op copies its one operand unchanged. */
function isIdentity(graph: Graph, node: Node): boolean {
  const [x, y] = [getValue(graph, node.inputs[0]!), getValue(graph, node.output)];
  if (node.op === 'requantize') return sameQuantization(x, y);
  if (node.op === 'pad') return node.attrs.padding.every((n) => n === 0);
  if (node.op === 'concat') {
    return node.inputs.length === 1 && sameQuantization(x, y) && isFullRange(graph, node);
  }
  return false;
}

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
