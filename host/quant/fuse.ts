/**
 * Steps of the int8 graph: each float node, or a node together with the bound (relu, relu6) that
 * becomes its clamp.
 */
import { UnsupportedError } from '../core/errors.js';
import type { BoundActivation } from '../format/tflite/activation.js';
import { consumers, type Graph, getValue, type Node, type ValueId } from '../ir/graph.js';
import { opSpec } from '../ir/ops.js';
import { type QuantRule, quantRule } from './quant-rules.js';

export interface Step {
  readonly node: Node;
  readonly rule: QuantRule;
  /** What the step computes: the node's output, or that of the bound it took in. */
  readonly output: ValueId;
  /** The bound that becomes the clamp. */
  readonly activation: BoundActivation;
  /** Whether the op has a clamp. */
  readonly clamps: boolean;
}

const hasClamp = (node: Node): boolean => 'clamp' in opSpec(node.op).attrs;

function requireForm(graph: Graph, node: Node): QuantRule {
  const rule = quantRule(node.op);
  if (rule.kind !== 'none') return rule;
  const { name } = getValue(graph, node.output);
  const called = name === node.output ? '' : ` '${name}'`;
  throw new UnsupportedError(`${node.op} (%${node.output}${called}) has no int8 form`, {
    hint: rule.hint,
    where: `%${node.output}`,
  });
}

/**
 * The steps in topological order.
 *
 * @throws UnsupportedError naming the op and value that have no int8 form
 */
export function fuseBounds(graph: Graph): Step[] {
  const readers = consumers(graph);
  const outputs = new Set(graph.outputs);
  const taken = new Set<Node>();
  const boundAfter = (node: Node): { node: Node; activation: BoundActivation } | undefined => {
    const [next, ...others] = readers.get(node.output) ?? [];
    if (!next || others.length > 0 || outputs.has(node.output) || !hasClamp(node)) return undefined;
    const rule = quantRule(next.op);
    return rule.kind === 'bound' ? { node: next, activation: rule.activation } : undefined;
  };
  const steps: Step[] = [];
  for (const node of graph.nodes) {
    if (taken.has(node)) continue;
    const rule = requireForm(graph, node);
    const bound = boundAfter(node);
    if (bound) taken.add(bound.node);
    steps.push({
      node,
      rule,
      output: bound?.node.output ?? node.output,
      activation: bound?.activation ?? 'NONE',
      clamps: hasClamp(node),
    });
  }
  return steps;
}

/**
 * Where noise counts: the outputs; of a softmax what it reads, since the order of classes is decided
 * there, and the steps of its own output add to noise but not to mistakes.
 */
export function measuredValues(graph: Graph, steps: readonly Step[]): ValueId[] {
  return graph.outputs.map((id) => {
    const step = steps.find(({ output }) => output === id);
    return step?.rule.kind === 'probabilities' ? step.node.inputs[0]! : id;
  });
}
