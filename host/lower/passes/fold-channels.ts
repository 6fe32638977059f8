/**
 * What constant channels add to a convolution or a dense layer becomes part of its bias, and their
 * weights become zero; dropChannels then drops them. Exact: the maps are those that the oracle
 * computes, and sums in int32 may be taken in any order.
 *
 * A constant channel need not be the same in every pixel: behind a padded layer it differs near the
 * edges. Such a layer gets a bias of its own for these outputs (ir/border.ts), if that does not take
 * more memory than it is worth.
 */
import type { AnyArray } from '../../core/dtype.js';
import { allocate } from '../../core/dtype.js';
import { elements } from '../../core/shape.js';
import { borderOf } from '../../ir/border.js';
import { type Graph, getValue, type Node, type Value, type ValueId } from '../../ir/graph.js';
import { createOracle } from '../../quant/interpret/interpret.js';
import { biasOf, perTensor, weightsOf } from '../../quant/interpret/quant.js';
import {
  channelRules,
  constantChannels,
  type Flags,
  keptChannels,
  type Rules,
} from '../channels.js';
import { freshId, rebuild } from '../edit.js';
import { type Bias, channelSums, compress, expand, layerOf } from '../folded-sums.js';

/** Channels of a layer's input, by the layer's output. */
type Folds = ReadonlyMap<ValueId, ReadonlySet<number>>;

/** Int8 layers; the others have accumulators of other types. */
function canFold(graph: Graph, { inputs }: Node): boolean {
  return [inputs[0]!, inputs[1]!].every((id) => getValue(graph, id).dtype === 's8');
}

/** Constant channels that each layer reads. */
function candidates(graph: Graph, rules: Rules, constant: Flags): Folds {
  const found = new Map<ValueId, ReadonlySet<number>>();
  for (const node of graph.nodes) {
    const rule = rules.get(node.output)!;
    if (rule.kind !== 'weighted' || !canFold(graph, node)) continue;
    const outputs = [...constant.get(node.output)!.keys()];
    const flags = constant.get(node.inputs[0]!)!;
    const read = [...flags.keys()].filter(
      (from) => flags[from] === 1 && outputs.some((to) => rule.reads(to, from)),
    );
    if (read.length > 0) found.set(node.output, new Set(read));
  }
  return found;
}

/** What each fold leaves of the layer's input that is still computed. */
function thatVanish(graph: Graph, rules: Rules, folds: Folds): Folds {
  const kept = keptChannels(graph, rules, (id, from) => folds.get(id)?.has(from) ?? false);
  const left = new Map<ValueId, ReadonlySet<number>>();
  for (const { inputs, output } of graph.nodes) {
    const flags = kept.get(inputs[0]!)!;
    const gone = [...(folds.get(output) ?? [])].filter((from) => flags[from] === 0);
    if (gone.length > 0) left.set(output, new Set(gone));
  }
  return left;
}

const total = (folds: Folds): number => [...folds.values()].reduce((n, { size }) => n + size, 0);

type Maps = ReadonlyMap<ValueId, AnyArray>;

/** Constant channels are the same for every input. */
function mapsOf(graph: Graph): Maps {
  const inputs = graph.inputs.map((id) => {
    const { dtype, shape } = getValue(graph, id);
    return allocate(dtype, elements(shape));
  });
  return createOracle(graph).runAll(inputs);
}

/** The bias of a layer with some channels in it. */
function foldedBias(graph: Graph, node: Node, channels: readonly number[], maps: Maps) {
  const layer = layerOf(graph, node);
  const x = node.inputs[0]!;
  const { zero } = perTensor(getValue(graph, x));
  const own: Bias = { border: borderOf(node), data: biasOf(graph, node, layer.outC) };
  const sums = expand(own, layer.output, layer.outC);
  const added = channelSums(layer, maps.get(x) as Int8Array, zero, channels);
  const folded = sums.map((sum, i) => sum + added[i]!);
  return compress(folded, layer.output, layer.outC);
}

/** A channel that is the same everywhere, in a layer that does not see that the image ends. */
function isUniform(graph: Graph, node: Node, channel: number, maps: Maps): boolean {
  return foldedBias(graph, node, [channel], maps).border === undefined;
}

/**
 * Bytes of bias that a weight is worth. Without it there is one byte less, one product less in every
 * pixel, and less to compute and store for its channel before.
 */
const bytesPerWeight = 16;

/** Folds that cost no border, or one that is worth it. */
function worthwhile(graph: Graph, folds: Folds, maps: Maps): Folds {
  const left = new Map<ValueId, ReadonlySet<number>>();
  for (const node of graph.nodes) {
    const channels = [...(folds.get(node.output) ?? [])];
    if (channels.length === 0) continue;
    const { border, classes } = foldedBias(graph, node, channels, maps);
    const uneven = border
      ? channels.filter((channel) => !isUniform(graph, node, channel, maps))
      : [];
    const [, ...window] = getValue(graph, node.inputs[1]!).shape;
    const taps = elements(window.slice(0, -1));
    const saved = uneven.length * taps * bytesPerWeight;
    const cost = (classes - 1) * Int32Array.BYTES_PER_ELEMENT;
    const chosen = cost <= saved ? channels : channels.filter((c) => !uneven.includes(c));
    if (chosen.length > 0) left.set(node.output, new Set(chosen));
  }
  return left;
}

interface Draft {
  readonly graph: Graph;
  readonly maps: Maps;
  readonly values: Map<ValueId, Value>;
  readonly data: Map<ValueId, AnyArray>;
}

/** A new const like another. */
function constLike(draft: Draft, like: Value, id: ValueId, data: AnyArray): ValueId {
  const name = freshId(draft.graph, draft.values, id);
  draft.values.set(name, { ...like, id: name });
  draft.data.set(name, data);
  return name;
}

function biasValue(graph: Graph, node: Node, shape: readonly number[]): Value {
  const id = node.inputs[2];
  const name = `${node.output}.bias`;
  if (id === undefined) return { id: name, name, shape, dtype: 's32', kind: 'const' };
  const { quant, ...value } = getValue(graph, id);
  const axis = quant?.axis === undefined ? {} : { axis: shape.length - 1 };
  return { ...value, shape, ...(quant && { quant: { ...quant, ...axis } }) };
}

function folded(draft: Draft, node: Node, channels: ReadonlySet<number>): Node {
  const { graph, maps } = draft;
  const [x, w] = node.inputs as readonly [ValueId, ValueId];
  const { border, data, classes } = foldedBias(graph, node, [...channels], maps);
  const value = getValue(graph, w);
  const inC = value.shape.at(-1)!;
  const weights = weightsOf(graph, node).map((n, i) => (channels.has(i % inC) ? 0 : n));
  const shape = [data.length / classes];
  const [rows, columns] = border ? [border[0] + 1 + border[1], border[2] + 1 + border[3]] : [1, 1];
  const like = biasValue(graph, node, border ? [rows, columns, ...shape] : shape);
  const inputs = [
    x,
    constLike(draft, value, `${w}.folded`, weights),
    constLike(draft, like, `${node.output}.bias`, data),
  ];
  return { ...node, inputs, attrs: { ...node.attrs, ...(border && { border }) } } as Node;
}

/** Folds the constant channels that can then be dropped. */
export function foldChannels(graph: Graph): Graph {
  const rules = channelRules(graph);
  let folds = thatVanish(graph, rules, candidates(graph, rules, constantChannels(graph, rules)));
  if (folds.size === 0) return graph;
  const maps = mapsOf(graph);
  for (let before = Number.POSITIVE_INFINITY; total(folds) < before; ) {
    before = total(folds);
    folds = thatVanish(graph, rules, worthwhile(graph, folds, maps));
  }
  const draft: Draft = { graph, maps, values: new Map(), data: new Map() };
  const nodes = graph.nodes.map((node) => {
    const channels = folds.get(node.output);
    return channels ? folded(draft, node, channels) : node;
  });
  return rebuild(graph, { nodes, values: [...draft.values.values()], data: draft.data });
}
