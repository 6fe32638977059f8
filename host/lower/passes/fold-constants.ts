/**
 * What depends on constants alone is computed now, by the oracle.
 */
import type { AnyArray } from '../../core/dtype.js';
import { type Graph, getData, getValue, type Node, type ValueId } from '../../ir/graph.js';
import { createOracle } from '../../quant/interpret/interpret.js';
import { rebuild } from '../edit.js';

/** A graph of one node over constants. */
function alone(graph: Graph, node: Node, data: ReadonlyMap<ValueId, AnyArray>): Graph {
  const operands = [...new Set(node.inputs)];
  return {
    name: graph.name,
    stage: graph.stage,
    values: new Map([
      ...operands.map((id) => [id, { ...getValue(graph, id), kind: 'const' as const }] as const),
      [node.output, getValue(graph, node.output)],
    ]),
    nodes: [node],
    inputs: [],
    outputs: [node.output],
    states: [],
    data: new Map(operands.map((id) => [id, data.get(id) ?? getData(graph, id)])),
  };
}

/** Replaces every node whose operands are all constant by its result. */
export function foldConstants(graph: Graph): Graph {
  const isConst = (id: ValueId) => getValue(graph, id).kind === 'const';
  const data = new Map<ValueId, AnyArray>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    if (!node.inputs.every((id) => isConst(id) || data.has(id))) {
      nodes.push(node);
      continue;
    }
    data.set(node.output, createOracle(alone(graph, node, data)).run([])[0]!);
  }
  const values = [...data.keys()].map((id) => ({ ...getValue(graph, id), kind: 'const' as const }));
  return rebuild(graph, { nodes, values, data });
}
