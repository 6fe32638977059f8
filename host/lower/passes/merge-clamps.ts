/**
 * A bound (relu, relu6) on the only use of a value becomes the clamp of the op that computes it. Exact
 * where scale and zero point stay the same: the op then clamps the same bytes.
 */
import { type Graph, getValue, type Node, type ValueId } from '../../ir/graph.js';
import { opSpec } from '../../ir/ops.js';
import { clampOf } from '../../quant/interpret/params.js';
import { quantRule } from '../../quant/quant-rules.js';
import { rebuild } from '../edit.js';
import { sameQuantization } from '../quantization.js';

const canClamp = ({ op }: Node): boolean => 'clamp' in opSpec(op).attrs;

/** How often each value is used, as operand or as output. */
function useCounts(graph: Graph): Map<ValueId, number> {
  const uses = new Map<ValueId, number>();
  const updates = graph.states.flatMap(({ update }) => (update === undefined ? [] : [update]));
  for (const id of [...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs, ...updates]) {
    uses.set(id, (uses.get(id) ?? 0) + 1);
  }
  return uses;
}

/** The producer with the activation inside, giving the activation's value. */
function merged(graph: Graph, producer: Node, activation: Node): Node {
  const [low, high] = clampOf(graph, producer);
  const [least, most] = clampOf(graph, activation);
  // An empty intersection means that every byte ends on the nearer bound of the activation.
  const clamp = [
    Math.min(Math.max(low, least), most),
    Math.max(Math.min(high, most), least),
  ] as const;
  return { ...producer, output: activation.output, attrs: { ...producer.attrs, clamp } } as Node;
}

/** Merges every activation that may become a clamp. */
export function mergeClamps(graph: Graph): Graph {
  const uses = useCounts(graph);
  const nodes: Node[] = [];
  const at = new Map<ValueId, number>();
  for (const node of graph.nodes) {
    const index = at.get(node.inputs[0]!);
    const producer = index === undefined ? undefined : nodes[index];
    const mergeable =
      quantRule(node.op).kind === 'bound' &&
      producer !== undefined &&
      canClamp(producer) &&
      uses.get(producer.output) === 1 &&
      sameQuantization(getValue(graph, producer.output), getValue(graph, node.output));
    if (mergeable) {
      nodes[index!] = merged(graph, producer, node);
      at.set(node.output, index!);
    } else {
      at.set(node.output, nodes.push(node) - 1);
    }
  }
  return rebuild(graph, { nodes });
}
