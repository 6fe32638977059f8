/**
 * A PAD before a convolution becomes the convolution's own padding. Exact: both pad with the zero
 * point, so the added taps contribute nothing. Pools keep their PAD: their padding is ignored, not
 * zero.
 */
import type { Padding2d } from '../../core/shape.js';
import { type Graph, getValue, type Node, type NodeOf } from '../../ir/graph.js';
import { isLayer } from '../../quant/quant-rules.js';
import { rebuild } from '../edit.js';
import { sameQuantization } from '../quantization.js';

/** [top, bottom, left, right] of a PAD that leaves batch and channels alone. */
function spatialPadding(node: NodeOf<'pad'>): Padding2d | undefined {
  const p = node.attrs.padding;
  if (p.length !== 8 || [p[0], p[1], p[6], p[7]].some((n) => n !== 0)) return undefined;
  return [p[2]!, p[3]!, p[4]!, p[5]!];
}

function folded(graph: Graph, node: Node, producers: ReadonlyMap<string, Node>): Node {
  if (!isLayer(node) || !('pad' in node.attrs)) return node;
  const pad = producers.get(node.inputs[0]!);
  if (pad?.op !== 'pad') return node;
  const extra = spatialPadding(pad);
  const [x, padded] = [getValue(graph, pad.inputs[0]!), getValue(graph, pad.output)];
  if (!extra || !sameQuantization(x, padded)) return node;
  const total = node.attrs.pad.map((n, i) => n + extra[i]!) as unknown as Padding2d;
  const inputs = [pad.inputs[0]!, ...node.inputs.slice(1)];
  // A PAD may follow another.
  return folded(
    graph,
    { ...node, inputs, attrs: { ...node.attrs, pad: total } } as Node,
    producers,
  );
}

/** Folds every PAD that only widens the border of a convolution. */
export function foldPad(graph: Graph): Graph {
  const producers = new Map(graph.nodes.map((node) => [node.output, node]));
  return rebuild(graph, { nodes: graph.nodes.map((node) => folded(graph, node, producers)) });
}
