/**
 * Reverse-mode differentiation, graph -> graph: one rule per op says how the gradient of its
 * output becomes gradients of its inputs. Training is a rewrite: the engine knows no gradients.
 */
import type { GraphBuilder } from '../ir/build-graph.js';
import type { Graph, Node, ValueId } from '../ir/graph.js';
import type { OpAttrs, OpName } from '../ir/ops.js';
import { type GradRule, type GradScope, gradRules } from './grad-rules.js';

const keyOf = (op: OpName, inputs: readonly ValueId[], attrs: object): string =>
  `${op}(${inputs.join(',')})${JSON.stringify(attrs)}`;

/** Adds nodes to a builder; a node that was added before is used again. */
function sharing(builder: GraphBuilder, nodes: readonly Node[]): GradScope['add'] {
  const known = new Map(nodes.map((n) => [keyOf(n.op, n.inputs, n.attrs), n.output]));
  return <O extends OpName>(op: O, inputs: readonly ValueId[], attrs: OpAttrs<O>): ValueId => {
    const key = keyOf(op, inputs, attrs);
    const existing = known.get(key);
    if (existing !== undefined) return existing;
    const id = builder.add(op, inputs, attrs);
    known.set(key, id);
    return id;
  };
}

/** The values on a path from `sources`. */
function dependents(graph: Graph, sources: readonly ValueId[]): Set<ValueId> {
  const out = new Set(sources);
  for (const node of graph.nodes) {
    if (node.inputs.some((id) => out.has(id))) out.add(node.output);
  }
  return out;
}

/**
 * Adds the gradients of a value to a graph under construction.
 *
 * @param builder holds all of `graph`, at stage train
 * @param y the value to differentiate
 * @param dy the gradient of `y`, of its shape; 1 for a loss
 * @param wrt the values to differentiate for
 * @returns the gradient of each of `wrt`, of its shape; none for a value that y does not depend on
 * @throws UnsupportedError (exit code 4) for an op on the way that has no gradient
 */
export function gradients(
  graph: Graph,
  builder: GraphBuilder,
  y: ValueId,
  dy: ValueId,
  wrt: readonly ValueId[],
): ReadonlyMap<ValueId, ValueId> {
  const needed = dependents(graph, wrt);
  const add = sharing(builder, graph.nodes);
  const grads = new Map<ValueId, ValueId>([[y, dy]]);
  const scope: GradScope = {
    add,
    shape: (id) => builder.values.get(id)!.shape,
    needed: (id) => needed.has(id),
  };
  for (const node of [...graph.nodes].reverse()) {
    const upstream = grads.get(node.output);
    if (upstream === undefined || !needed.has(node.output)) continue;
    const rule = gradRules[node.op] as GradRule<OpName>;
    const parts = rule(node as never, upstream, scope);
    node.inputs.forEach((id, i) => {
      const part = parts[i];
      if (part === undefined || !needed.has(id)) return;
      const sum = grads.get(id);
      grads.set(id, sum === undefined ? part : add('add', [sum, part], {}));
    });
  }
  return new Map(wrt.flatMap((id) => (grads.has(id) ? [[id, grads.get(id)!] as const] : [])));
}
