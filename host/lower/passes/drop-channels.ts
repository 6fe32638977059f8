/**
 * Channels that nothing needs are not computed: they go from every value, and from the weights of
 * the layers that make and read them. A value keeps its id; `channels` says which ones it has left.
 */
import type { AnyArray } from '../../core/dtype.js';
import {
  type Graph,
  getData,
  getValue,
  type Node,
  type Value,
  type ValueId,
} from '../../ir/graph.js';
import type { ChannelRule, Parameter } from '../channel-rules.js';
import { channelRules, type Flags, keptChannels } from '../channels.js';
import { freshId, rebuild } from '../edit.js';

/** Consts as they are rewritten. */
interface Draft {
  readonly graph: Graph;
  readonly kept: Flags;
  readonly values: Map<ValueId, Value>;
  readonly data: Map<ValueId, AnyArray>;
}

/** The entries of an array of `shape` whose index along an axis is kept. */
function sliced(
  data: AnyArray,
  shape: readonly number[],
  axis: number,
  kept: Uint8Array,
): AnyArray {
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  const has = (_: unknown, i: number): boolean => kept[Math.floor(i / inner) % kept.length] === 1;
  return (data as Int8Array).filter(has);
}

const count = (flags: Uint8Array): number => flags.reduce((sum, flag) => sum + flag, 0);

/** A value with fewer entries along an axis, its scales with it. */
function narrowed(value: Value, axis: number, kept: Uint8Array): Value {
  const { quant } = value;
  const own = quant?.axis === axis;
  const flag = (_: unknown, i: number): boolean => kept[i] === 1;
  return {
    ...value,
    shape: value.shape.map((d, i) => (i === axis ? count(kept) : d)),
    ...(own && {
      quant: {
        ...quant,
        scale: quant.scale.filter(flag),
        zeroPoint: quant.zeroPoint.filter(flag),
      },
    }),
  };
}

/** A const with fewer entries along some axes, as a const of its own. */
function slicedConst(
  { graph, values, data }: Draft,
  id: ValueId,
  cuts: readonly { readonly axis: number; readonly kept: Uint8Array }[],
): ValueId {
  const real = cuts.filter(({ kept }) => kept.includes(0));
  if (real.length === 0) return id;
  let [value, content] = [getValue(graph, id), getData(graph, id)];
  for (const { axis, kept } of real) {
    const at = axis < 0 ? axis + value.shape.length : axis;
    content = sliced(content, value.shape, at, kept);
    value = narrowed(value, at, kept);
  }
  const name = freshId(graph, values, `${id}.live`);
  values.set(name, { ...value, id: name });
  data.set(name, content);
  return name;
}

/** The cuts through one parameter of a node. */
const cutsOf = ({ kept }: Draft, node: Node, parameters: readonly Parameter[]) =>
  parameters.map(({ axis, by }) => ({
    axis,
    kept: kept.get(by === 'output' ? node.output : node.inputs[0]!)!,
  }));

function rewritten(draft: Draft, node: Node, rule: ChannelRule): Node {
  if (rule.kind === 'mixed') return node;
  const { graph, kept } = draft;
  const inputs = node.inputs.map((id, operand) => {
    if (getValue(graph, id).kind !== 'const') return id;
    const own = rule.parameters.filter((parameter) => parameter.operand === operand);
    if (own.length > 0) return slicedConst(draft, id, cutsOf(draft, node, own));
    const tied = rule.kind === 'parallel' && rule.lanes.some((lane) => lane.operand === operand);
    return tied ? slicedConst(draft, id, [{ axis: -1, kept: kept.get(id)! }]) : id;
  });
  const left = kept.get(node.output)!;
  const changed = rule.kind === 'parallel' && left.includes(0);
  const attrs = (changed ? rule.resized?.(count(left)) : undefined) ?? node.attrs;
  return { ...node, inputs, attrs } as Node;
}

/** A computed value with the channels that are left. */
function withChannels(value: Value, kept: Uint8Array): Value {
  const left = [...kept.keys()].filter((channel) => kept[channel] === 1);
  const channels = left.map((channel) => value.channels?.[channel] ?? channel);
  return { ...narrowed(value, value.shape.length - 1, kept), channels };
}

/** Drops every channel that no output needs and that nothing holds in place. */
export function dropChannels(graph: Graph): Graph {
  const rules = channelRules(graph);
  const kept = keptChannels(graph, rules);
  const draft: Draft = { graph, kept, values: new Map(), data: new Map() };
  const nodes = graph.nodes.map((node) => rewritten(draft, node, rules.get(node.output)!));
  for (const { output } of graph.nodes) {
    const flags = kept.get(output)!;
    if (flags.includes(0)) draft.values.set(output, withChannels(getValue(graph, output), flags));
  }
  return rebuild(graph, { nodes, values: [...draft.values.values()], data: draft.data });
}
