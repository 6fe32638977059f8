/**
 * Copies a graph node by node, so that a pass says only what it changes.
 */
import { buildGraph, type GraphBuilder, type GraphHead } from '../ir/build-graph.js';
import { type Graph, getData, type Node, type Value, type ValueId } from '../ir/graph.js';

/** How a pass copies a graph. A rule that is absent keeps things as they are. */
export interface Mapping {
  readonly head?: Partial<GraphHead>;
  /** The new shape of an input. */
  readonly inputShape?: (value: Value) => readonly number[];
  /** Makes the copy of a const or state; its id should stay. */
  readonly parameter?: (value: Value, out: Copy) => ValueId;
  /** Makes the copy of a node; the result stands for the node's output. */
  readonly node?: (node: Node, out: Copy) => ValueId;
}

/** A copy under construction. */
export interface Copy {
  readonly builder: GraphBuilder;
  /** What stands for a value of the source graph. */
  get(id: ValueId): ValueId;
  /** The plain copy of a const or state. */
  keepParameter(value: Value): ValueId;
  /** The plain copy of a node, shapes inferred anew. */
  keepNode(node: Node): ValueId;
}

const optionsOf = ({ id, name, quant, trainable }: Value) => ({ id, name, quant, trainable });

function startCopy(graph: Graph, builder: GraphBuilder, ids: Map<ValueId, ValueId>): Copy {
  const get = (id: ValueId): ValueId => {
    const copy = ids.get(id);
    if (copy === undefined) throw new Error(`graph ${graph.name}: %${id} is not copied yet`);
    return copy;
  };
  return {
    builder,
    get,
    keepParameter(value) {
      const data = getData(graph, value.id);
      const add = value.kind === 'state' ? builder.state : builder.constant;
      return add(value, data, optionsOf(value));
    },
    keepNode(node) {
      const value = graph.values.get(node.output)!;
      return builder.add(node.op, node.inputs.map(get), node.attrs as never, optionsOf(value));
    },
  };
}

/** The copy of a graph under a mapping, verified. Ids stay where the mapping keeps them. */
export function mapGraph(graph: Graph, mapping: Mapping): Graph {
  const { name, stage, loss, labels } = graph;
  const builder = buildGraph({ name, stage, loss, labels, ...mapping.head });
  const ids = new Map<ValueId, ValueId>();
  const copy = startCopy(graph, builder, ids);
  for (const id of graph.inputs) {
    const value = graph.values.get(id)!;
    const shape = mapping.inputShape?.(value) ?? value.shape;
    ids.set(id, builder.input({ shape, dtype: value.dtype }, optionsOf(value)));
  }
  for (const value of graph.values.values()) {
    if (value.kind !== 'const' && value.kind !== 'state') continue;
    ids.set(value.id, mapping.parameter?.(value, copy) ?? copy.keepParameter(value));
  }
  for (const node of graph.nodes) {
    ids.set(node.output, mapping.node?.(node, copy) ?? copy.keepNode(node));
  }
  for (const { value, update } of graph.states) {
    const state = builder.values.get(copy.get(value));
    if (update !== undefined && state?.kind === 'state') builder.update(state.id, copy.get(update));
  }
  return builder.finish(graph.outputs.map(copy.get));
}
