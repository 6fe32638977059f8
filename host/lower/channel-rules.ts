/**
 * How the channels (last axis) of an op's output hang together with those of its operands: what a
 * channel depends on, and which can only disappear together. For the passes that fold constant
 * channels and drop dead ones.
 */
import { normalizeAxis } from '../core/shape.js';
import { type Graph, getValue, type Node, type NodeOf, type Value } from '../ir/graph.js';
import type { IntegerOp } from '../ir/ops.js';
import { weightsOf } from '../quant/interpret/quant.js';
import type { LoweredNode } from './lowered-ops.js';

/** Channel `to` of the output is made of channel `from` of an operand. */
export interface Lane {
  readonly operand: number;
  readonly from: number;
  readonly to: number;
}

/** A constant operand with one entry per channel of the output, or of the first operand. */
export interface Parameter {
  readonly operand: number;
  /** From the end where negative. */
  readonly axis: number;
  readonly by: 'output' | 'operand';
}

/** Channels that each depend on any of the first operand, through weights that may be zero. */
export interface Weighted {
  readonly kind: 'weighted';
  /** Whether the weights from channel `from` to channel `to` are not all zero. */
  reads(to: number, from: number): boolean;
  readonly parameters: readonly Parameter[];
}

/** Channels that each depend on the same channels of the operands, and can only go with them. */
export interface Parallel {
  readonly kind: 'parallel';
  readonly lanes: readonly Lane[];
  readonly parameters: readonly Parameter[];
  /** Output channels that are constant, whatever their operands are. */
  readonly cut: ReadonlySet<number>;
  /** The attributes for an output of so many channels, where they say how many it has. */
  resized?(channels: number): Node['attrs'];
}

/** Every channel depends on all, and none may be missing. */
export interface Mixed {
  readonly kind: 'mixed';
}

export type ChannelRule = Weighted | Parallel | Mixed;

export const channelsOf = ({ shape }: Pick<Value, 'shape'>): number => shape.at(-1) ?? 1;
const operandOf = (graph: Graph, node: Node, index: number): Value =>
  getValue(graph, node.inputs[index]!);

const mixed: Mixed = { kind: 'mixed' };

const parallel = (
  lanes: readonly Lane[],
  parameters: readonly Parameter[] = [],
  cut: ReadonlySet<number> = new Set(),
): Parallel => ({ kind: 'parallel', lanes, parameters, cut });

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Each channel of an operand goes to the same one of the output. */
const straight = (count: number, operand = 0): Lane[] =>
  range(count).map((channel) => ({ operand, from: channel, to: channel }));

const bias: Parameter = { operand: 2, axis: -1, by: 'output' };

/** Weights with the output channel on the first axis, the operand's on the last. */
function weighted(graph: Graph, node: NodeOf<'conv2d'> | NodeOf<'dense'>): Weighted {
  const weights = weightsOf(graph, node);
  const w = operandOf(graph, node, 1);
  const [outputs, inputs] = [w.shape[0]!, channelsOf(w)];
  const perOutput = weights.length / outputs;
  const read = new Uint8Array(outputs * inputs);
  weights.forEach((weight, i) => {
    if (weight !== 0) read[Math.floor(i / perOutput) * inputs + (i % inputs)] = 1;
  });
  return {
    kind: 'weighted',
    reads: (to, from) => read[to * inputs + from] === 1,
    parameters: [
      { operand: 1, axis: 0, by: 'output' },
      { operand: 1, axis: -1, by: 'operand' },
      bias,
    ],
  };
}

/** Weights [1, KH, KW, C M]: channel c M + m reads channel c, unless its weights are all zero. */
function depthwise(graph: Graph, node: NodeOf<'depthwiseConv2d'>): Parallel {
  const outputs = channelsOf(getValue(graph, node.output));
  const multiplier = outputs / channelsOf(operandOf(graph, node, 0));
  const cut = new Set(range(outputs));
  weightsOf(graph, node).forEach((w, i) => {
    if (w !== 0) cut.delete(i % outputs);
  });
  const lanes = range(outputs).map((to) => ({
    operand: 0,
    from: Math.floor(to / multiplier),
    to,
  }));
  return parallel(lanes, [{ operand: 1, axis: 3, by: 'output' }, bias], cut);
}

const unary = (graph: Graph, node: Node): Parallel =>
  parallel(straight(channelsOf(getValue(graph, node.output))));

/** Operands are broadcast; one channel for all is only possible where it is a constant. */
function binary(graph: Graph, node: NodeOf<'add'> | NodeOf<'mul'>): ChannelRule {
  const channels = channelsOf(getValue(graph, node.output));
  const own = node.inputs.map((id, operand) => ({ value: getValue(graph, id), operand }));
  const spread = own.filter(({ value }) => channelsOf(value) !== channels);
  if (spread.some(({ value }) => value.kind !== 'const')) return mixed;
  const whole = own.filter(({ value }) => channelsOf(value) === channels);
  return parallel(whole.flatMap(({ operand }) => straight(channels, operand)));
}

/** Means over pixels; a mean over channels mixes them. */
function mean(graph: Graph, node: NodeOf<'mean'>): ChannelRule {
  const rank = operandOf(graph, node, 0).shape.length;
  const overChannels = node.attrs.axes.some((axis) => normalizeAxis(axis, rank) === rank - 1);
  return overChannels ? mixed : unary(graph, node);
}

function concat(graph: Graph, node: NodeOf<'concat'>): Parallel {
  const rank = getValue(graph, node.output).shape.length;
  const alongChannels = normalizeAxis(node.attrs.axis, rank) === rank - 1;
  let first = 0;
  const lanes = node.inputs.flatMap((id, operand) => {
    const own = straight(channelsOf(getValue(graph, id)), operand);
    const moved = own.map((lane) => ({ ...lane, to: lane.to + first }));
    if (alongChannels) first += own.length;
    return moved;
  });
  return parallel(lanes);
}

function pad(graph: Graph, node: NodeOf<'pad'>): ChannelRule {
  return node.attrs.padding.slice(-2).some((n) => n !== 0) ? mixed : unary(graph, node);
}

/** Flattened pixels have a channel per pixel and channel, one after the other; and the reverse. */
function reshape(graph: Graph, node: NodeOf<'reshape'>): ChannelRule {
  const from = channelsOf(operandOf(graph, node, 0));
  const to = channelsOf(getValue(graph, node.output));
  if (Math.max(from, to) % Math.min(from, to) !== 0) return mixed;
  const lanes = range(Math.max(from, to)).map((i) => ({ operand: 0, from: i % from, to: i % to }));
  const resized = (channels: number) => ({ shape: [...node.attrs.shape.slice(0, -1), channels] });
  return { ...parallel(lanes), resized };
}

const rules: {
  readonly [O in IntegerOp]: (graph: Graph, node: NodeOf<O>) => ChannelRule;
} = {
  conv2d: weighted,
  dense: weighted,
  depthwiseConv2d: depthwise,
  maxPool2d: unary,
  avgPool2d: unary,
  mean,
  add: binary,
  mul: binary,
  relu: unary,
  relu6: unary,
  requantize: unary,
  softmax: () => mixed,
  reshape,
  concat,
  pad,
};

/** The rule of a node that a device can run. */
export const channelRule = (graph: Graph, node: LoweredNode): ChannelRule =>
  (rules[node.op] as (graph: Graph, node: Node) => ChannelRule)(graph, node);
