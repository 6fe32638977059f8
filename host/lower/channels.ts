/**
 * What the channels of a graph's values are: constant, or needed by an output.
 */
import type { Graph, ValueId } from '../ir/graph.js';
import { type ChannelRule, channelRule, channelsOf } from './channel-rules.js';
import { isLoweredNode } from './lowered-ops.js';

/** A flag per channel (last axis) of each value. */
export type Flags = ReadonlyMap<ValueId, Uint8Array>;

/** The rule of each node, by its output. */
export type Rules = ReadonlyMap<ValueId, ChannelRule>;

/** @throws UnsupportedError for an op that no device runs */
export const channelRules = (graph: Graph): Rules =>
  new Map(graph.nodes.filter(isLoweredNode).map((node) => [node.output, channelRule(graph, node)]));

const blank = (graph: Graph): Map<ValueId, Uint8Array> =>
  new Map([...graph.values].map(([id, value]) => [id, new Uint8Array(channelsOf(value))]));

function constantOutputs(rule: ChannelRule, operands: readonly Uint8Array[], y: Uint8Array): void {
  if (rule.kind === 'mixed') {
    y.fill(operands.every((flags) => flags.every((flag) => flag === 1)) ? 1 : 0);
  } else if (rule.kind === 'weighted') {
    const [x] = operands as readonly [Uint8Array];
    y.forEach((_, to) => {
      y[to] = x.every((flag, from) => flag === 1 || !rule.reads(to, from)) ? 1 : 0;
    });
  } else {
    y.fill(1);
    for (const { operand, from, to } of rule.lanes) {
      if (operands[operand]![from] === 0 && !rule.cut.has(to)) y[to] = 0;
    }
  }
}

/** Which channels do not depend on the graph's inputs. They need not be the same in every pixel. */
export function constantChannels(graph: Graph, rules: Rules): Flags {
  const constant = blank(graph);
  for (const [id, { kind }] of graph.values) if (kind === 'const') constant.get(id)!.fill(1);
  for (const { inputs, output } of graph.nodes) {
    const operands = inputs.map((id) => constant.get(id)!);
    constantOutputs(rules.get(output)!, operands, constant.get(output)!);
  }
  return constant;
}

/** Products that a layer does not need: those of channel `from` of its first operand. */
export type Ignored = (output: ValueId, from: number) => boolean;

type Channel = readonly [id: ValueId, channel: number];

/** For each channel of each value those that parallel ops tie it to. */
function tiesOf(graph: Graph, rules: Rules): (channel: Channel) => readonly Channel[] {
  const ties = new Map<ValueId, Map<number, Channel[]>>();
  const tie = ([id, channel]: Channel, other: Channel): void => {
    const own = ties.get(id) ?? new Map<number, Channel[]>();
    ties.set(id, own.set(channel, [...(own.get(channel) ?? []), other]));
  };
  for (const { inputs, output } of graph.nodes) {
    const rule = rules.get(output)!;
    if (rule.kind !== 'parallel') continue;
    for (const { operand, from, to } of rule.lanes) {
      tie([inputs[operand]!, from], [output, to]);
      tie([output, to], [inputs[operand]!, from]);
    }
  }
  return ([id, channel]) => ties.get(id)?.get(channel) ?? [];
}

/**
 * Which channels an output needs, or cannot go because others of their kind stay. At least one of
 * every value.
 *
 * @param ignored products that are to be left out
 */
export function keptChannels(graph: Graph, rules: Rules, ignored: Ignored = () => false): Flags {
  const kept = blank(graph);
  const producers = new Map(graph.nodes.map((node) => [node.output, node]));
  const tiesTo = tiesOf(graph, rules);
  const queue: Channel[] = [];
  const keep = (id: ValueId, channel: number): void => {
    const flags = kept.get(id)!;
    if (flags[channel] === 1) return;
    flags[channel] = 1;
    queue.push([id, channel]);
  };
  const keepAll = (id: ValueId): void => {
    for (const channel of kept.get(id)!.keys()) keep(id, channel);
  };
  const keepRead = ([id, channel]: Channel): void => {
    const rule = rules.get(id);
    if (rule?.kind !== 'weighted') return;
    const source = producers.get(id)!.inputs[0]!;
    kept.get(source)!.forEach((_, from) => {
      if (rule.reads(channel, from) && !ignored(id, from)) keep(source, from);
    });
  };
  const spread = (): void => {
    for (let next = queue.pop(); next; next = queue.pop()) {
      for (const [id, channel] of tiesTo(next)) keep(id, channel);
      keepRead(next);
    }
  };

  for (const id of [...graph.inputs, ...graph.outputs]) keepAll(id);
  for (const { inputs, output } of graph.nodes) {
    if (rules.get(output)!.kind === 'mixed') [output, ...inputs].forEach(keepAll);
  }
  for (const { output } of graph.nodes) {
    spread();
    if (!kept.get(output)!.includes(1)) keep(output, 0);
  }
  spread();
  return kept;
}
