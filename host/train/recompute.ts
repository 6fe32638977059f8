/**
 * Less memory for more arithmetic: forward values that are cheap to compute are not kept for the
 * backward pass, but computed again there (Chen et al., "Training deep nets with sublinear memory
 * cost", 2016, section 3). A value is computed again only from what the backward pass keeps anyway,
 * so the memory never grows; the operations are the same, and so are the bytes.
 */
import { elements } from '../core/shape.js';
import { type Graph, getValue, type Node, type ValueId } from '../ir/graph.js';
import type { OpName } from '../ir/ops.js';
import { verify } from '../ir/verify.js';

/** Ops that cost about one pass over memory; all others are kept. */
const cheap: ReadonlySet<OpName> = new Set<OpName>([
  ...(['add', 'sub', 'mul', 'div', 'scale', 'rsqrt', 'pad', 'reshape', 'dropoutMask'] as const),
  ...(['fakeQuantize'] as const),
  ...(['relu', 'relu6', 'leakyRelu', 'elu', 'selu', 'sigmoid', 'tanh'] as const),
  ...(['softplus', 'softsign', 'hardSwish', 'gelu'] as const),
]);

/** Below it a value is kept: it is a parameter's or a channel's. */
const fewElements = 4096;

/** The forward nodes of a training graph, by what they compute. */
type Forward = ReadonlyMap<ValueId, Node>;

/** Values of the forward pass that the backward pass can have again from what it keeps. */
function computable(graph: Graph, forward: Forward, used: ReadonlySet<ValueId>): Set<ValueId> {
  const isKept = (id: ValueId): boolean => {
    const value = getValue(graph, id);
    return value.kind !== 'temp' || elements(value.shape) <= fewElements || kept.has(id);
  };
  const kept = new Set<ValueId>();
  const again = new Set<ValueId>();
  for (const [id, node] of forward) {
    const sources = node.inputs.every((input) => isKept(input) || again.has(input));
    if (cheap.has(node.op) && sources) again.add(id);
    else if (used.has(id)) kept.add(id);
  }
  return again;
}

/** Copies of nodes, made where they are first wanted. */
function createCopies(graph: Graph, forward: Forward, again: ReadonlySet<ValueId>) {
  const nodes: Node[] = [];
  const values = new Map(graph.values);
  const made = new Map<ValueId, ValueId>();

  /** The id under which the backward pass reads a value. */
  function read(id: ValueId): ValueId {
    const value = getValue(graph, id);
    if (!again.has(id) || elements(value.shape) <= fewElements) return id;
    const known = made.get(id);
    if (known !== undefined) return known;
    const node = forward.get(id)!;
    const output = `${id}.again`;
    const inputs = node.inputs.map(read);
    values.set(output, { ...value, id: output, name: output });
    nodes.push({ ...node, inputs, output } as Node);
    made.set(id, output);
    return output;
  }
  return { nodes, values, read };
}

/**
 * A training graph that computes cheap forward values again in the backward pass.
 *
 * @param forwardNodes the nodes of the forward pass
 */
export function recompute(graph: Graph, forwardNodes: readonly Node[]): Graph {
  const ids = new Set(forwardNodes.map(({ output }) => output));
  const first = graph.nodes.filter(({ output }) => ids.has(output));
  const forward = new Map(first.map((node) => [node.output, node]));
  const backward = graph.nodes.filter(({ output }) => !ids.has(output));
  const used = new Set(backward.flatMap(({ inputs }) => inputs));
  const { nodes, values, read } = createCopies(graph, forward, computable(graph, forward, used));
  for (const node of backward) {
    const inputs = node.inputs.map(read);
    nodes.push({ ...node, inputs } as Node);
  }
  return verify({ ...graph, values, nodes: [...first, ...nodes] });
}
