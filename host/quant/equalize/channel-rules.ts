/**
 * How each op passes channels (the last axis) on: whether a positive factor of a channel of its
 * operands becomes the same factor of that channel of its output, and nothing else changes.
 */
import { sameShape } from '../../core/shape.js';
import { type Graph, getValue, inputsOf, type Node, type NodeOf } from '../../ir/graph.js';
import { everyFloatOp, everyTrainOp, type OpName, type OpTable } from '../../ir/ops.js';

/**
 * Where the channels of a layer's weights lie: `outputFirst`: outputs on the first axis, inputs on
 * the last; `depthwise`: both on the last, the multiplier innermost.
 */
export type WeightLayout = 'outputFirst' | 'depthwise';

export type ChannelRule<O extends OpName> =
  /** A layer: its weights take factors of input channels in, and of output channels out. */
  | { readonly kind: 'layer'; readonly layout: WeightLayout }
  /** Operands and output share their factors, where the condition holds. */
  | { readonly kind: 'passes'; readonly when: (graph: Graph, node: NodeOf<O>) => boolean }
  /** Mixes channels, or does not scale with them. */
  | { readonly kind: 'stops' };

type Table = { readonly [O in OpName]: ChannelRule<O> };

const stops = { kind: 'stops' } as const;
const always = { kind: 'passes', when: () => true } as const;
const layer = (layout: WeightLayout) => ({ kind: 'layer', layout }) as const;

const lastAxis = (graph: Graph, node: Node): number =>
  getValue(graph, node.inputs[0]!).shape.length - 1;

const channelRules = {
  conv2d: layer('outputFirst'),
  depthwiseConv2d: layer('depthwise'),
  dense: layer('outputFirst'),
  maxPool2d: always,
  avgPool2d: always,
  relu: always,
  // Its upper bound is one number for all channels: with factors of their own they would saturate
  // at different ones.
  relu6: stops,
  add: {
    kind: 'passes',
    when(graph, node) {
      const { shape } = getValue(graph, node.output);
      return inputsOf(graph, node).every((x) => x.kind !== 'const' && sameShape(x.shape, shape));
    },
  },
  mean: {
    kind: 'passes',
    when: (graph, node) => !node.attrs.axes.includes(lastAxis(graph, node)),
  },
  // Element i of the new last axis is of channel i mod C.
  reshape: {
    kind: 'passes',
    when(graph, node) {
      const channels = getValue(graph, node.inputs[0]!).shape.at(-1)!;
      return getValue(graph, node.output).shape.at(-1)! % channels === 0;
    },
  },
  pad: {
    kind: 'passes',
    when: (_, node) => node.attrs.padding.slice(-2).every((width) => width === 0),
  },
  concat: stops,
  mul: stops,
  softmax: stops,
  requantize: stops,
  ...everyFloatOp(stops),
  ...everyTrainOp(stops),
} as const satisfies Table & OpTable<unknown>;

/** Whether a node passes channels on, whatever its op. */
export function passesChannels(graph: Graph, node: Node): boolean {
  const rule = channelRules[node.op] as ChannelRule<OpName>;
  return rule.kind === 'passes' && rule.when(graph, node as never);
}

/** Where a layer's weights have their channels; undefined where the node is no layer. */
export function weightLayout(node: Node): WeightLayout | undefined {
  const rule = channelRules[node.op] as ChannelRule<OpName>;
  return rule.kind === 'layer' ? rule.layout : undefined;
}
