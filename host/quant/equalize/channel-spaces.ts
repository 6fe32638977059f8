/**
 * Channel spaces: sets of values whose channels can be multiplied by positive factors together. A
 * layer writes into a space (its weights and bias are divided by the factors) or reads from one
 * (its weights are multiplied); ops between pass the factors on (channel-rules.ts).
 */
import { createGroups } from '../../core/groups.js';
import { consumers, type Graph, getValue, type Node, type ValueId } from '../../ir/graph.js';
import { passesChannels, type WeightLayout, weightLayout } from './channel-rules.js';

/** A layer with constant parameters. */
export interface ChannelLayer {
  readonly node: Node;
  readonly layout: WeightLayout;
  readonly inputChannels: number;
  readonly outputChannels: number;
}

export interface ChannelSpace {
  /** Element i of a value's last axis is of channel i mod `channels`. */
  readonly channels: number;
  readonly values: ReadonlySet<ValueId>;
  readonly writers: readonly ChannelLayer[];
  readonly readers: readonly ChannelLayer[];
}

/** The layer that a node is, if its parameters are constants. */
export function layerOf(graph: Graph, node: Node): ChannelLayer | undefined {
  const layout = weightLayout(node);
  const [x, ...parameters] = node.inputs as readonly [ValueId, ...ValueId[]];
  if (!layout || !parameters.every((id) => getValue(graph, id).kind === 'const')) return undefined;
  return {
    node,
    layout,
    inputChannels: getValue(graph, x).shape.at(-1)!,
    outputChannels: getValue(graph, node.output).shape.at(-1)!,
  };
}

/**
 * The spaces of a float graph that at least one layer writes and one reads, and that touch neither
 * an input nor an output of the graph, nor an op that stops factors.
 */
export function channelSpaces(graph: Graph): ChannelSpace[] {
  const groups = createGroups<ValueId>();
  const readersOf = consumers(graph);
  const layers: ChannelLayer[] = [];
  const fixed = new Set<ValueId>([
    ...graph.inputs,
    ...graph.outputs,
    ...graph.states.flatMap(({ value, update }) => [value, ...(update ? [update] : [])]),
  ]);
  for (const node of graph.nodes) {
    const found = layerOf(graph, node);
    // Parameters that others read too must stay as they are.
    const own = (id: ValueId) => readersOf.get(id)!.length === 1 && !graph.outputs.includes(id);
    if (found && node.inputs.slice(1).every(own)) layers.push(found);
    else if (passesChannels(graph, node)) {
      for (const id of node.inputs) groups.join(id, node.output);
    } else for (const id of [...node.inputs, node.output]) fixed.add(id);
  }
  const closed = new Set([...fixed].map(groups.root));
  const computed = graph.nodes.map(({ output }) => output);
  const roots = new Set(computed.map(groups.root).filter((root) => !closed.has(root)));
  return [...roots].flatMap((root) => {
    const values = new Set(computed.filter((id) => groups.root(id) === root));
    const writers = layers.filter(({ node }) => values.has(node.output));
    const readers = layers.filter(({ node }) => values.has(node.inputs[0]!));
    const channels = writers[0]?.outputChannels ?? 0;
    const alike = writers.every(({ outputChannels }) => outputChannels === channels);
    return alike && writers.length > 0 && readers.length > 0
      ? [{ channels, values, writers, readers }]
      : [];
  });
}
