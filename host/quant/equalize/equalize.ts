/**
 * Cross-layer equalization: channels that share one scale of activations get about the same
 * magnitude, and the layers around take the factors into their weights. The float function stays.
 *
 * After Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019,
 * section 4.1, which balances the weights at both sides of an activation. Weights of convolutions
 * have a scale per output channel here, so the balance is another: of the rounding of activations,
 * which gains as a channel's magnitude nears the largest, and of the rounding of the weights that
 * read it, which loses where the channel counts for less than others of the same output (the trade
 * of Xiao et al., "SmoothQuant", 2022):
 *
 *     s_c = A_c / sqrt(r_c),  r_c = max over outputs o of |w_oc| A_c / max over i of |w_oi| A_i
 *
 * with A_c the largest magnitude of channel c. Depthwise readers have r = 1: their weights have a
 * scale per channel, and nothing is lost. Channels behind a relu6 are left alone: its bound is one
 * number for all of them.
 */
import { type Graph, getData, getValue, type ValueId } from '../../ir/graph.js';
import { mapGraph } from '../../rewrite/map-graph.js';
import { type ChannelLayer, type ChannelSpace, channelSpaces } from './channel-spaces.js';
import { channelsOf, forWeights, weightsOf } from './channel-weights.js';
import type { Magnitudes } from './estimate-magnitudes.js';
import { estimateMagnitudes } from './estimate-magnitudes.js';

export interface EqualizeOptions {
  /** Measured ones; without them they are estimated from the weights alone. */
  readonly magnitudes?: Magnitudes | undefined;
  /** Whether dense layers will have a scale per output. */
  readonly perAxisDense?: boolean | undefined;
}

export interface Equalized {
  readonly graph: Graph;
  /** The values whose channels changed, in order. */
  readonly values: readonly ValueId[];
}

const largest = (numbers: Iterable<number>): number => {
  let most = 0;
  for (const x of numbers) most = Math.max(most, x);
  return most;
};

/** Whether all outputs of a layer's weights will share one scale. */
const oneScale = (graph: Graph, { node }: ChannelLayer, perAxisDense: boolean): boolean =>
  !perAxisDense && getValue(graph, node.inputs[1]!).shape.length === 2;

/** Channels below this part of the largest are taken as that large: they hold next to nothing. */
const leastPart = 1e-6;

/** A of a space: measured or estimated, never 0; what a channel never does counts as the largest. */
function magnitudesOf(
  graph: Graph,
  space: ChannelSpace,
  magnitudes: Magnitudes,
  perAxisDense: boolean,
): Float64Array {
  const out = new Float64Array(space.channels);
  for (const id of space.values) {
    const seen = magnitudes.get(id) ?? [];
    for (let i = 0; i < seen.length; i++) {
      out[i % out.length] = Math.max(out[i % out.length]!, seen[i]!);
    }
  }
  const most = largest(out);
  // Rows of one scale are rounded as their output is: alike in units of the largest.
  for (const layer of space.writers) {
    if (!oneScale(graph, layer, perAxisDense)) continue;
    const rows = new Float64Array(out.length);
    forWeights(graph, layer, (w, _, o) => {
      rows[o] = Math.max(rows[o]!, w);
    });
    const widest = largest(rows);
    rows.forEach((row, c) => {
      if (widest > 0) out[c] = Math.max(out[c]!, (row / widest) * most);
    });
  }
  return out.map((a) => (a === 0 ? most : Math.max(a, leastPart * most)));
}

/** Below this a channel's weights hold next to nothing, however large they become. */
const leastShare = 1e-4;

/** r of a space: how much a channel counts at best in any output of a reader. */
function sharesOf(
  graph: Graph,
  space: ChannelSpace,
  magnitude: Float64Array,
  perAxisDense: boolean,
): Float64Array {
  const shares = new Float64Array(space.channels).fill(leastShare);
  for (const layer of space.readers) {
    const most = new Float64Array(layer.outputChannels);
    forWeights(graph, layer, (w, i, o) => {
      most[o] = Math.max(most[o]!, w * magnitude[i % space.channels]!);
    });
    if (oneScale(graph, layer, perAxisDense)) most.fill(largest(most));
    forWeights(graph, layer, (w, i, o) => {
      const c = i % space.channels;
      if (most[o]! > 0) shares[c] = Math.max(shares[c]!, (w * magnitude[c]!) / most[o]!);
    });
  }
  return shares;
}

/** s of a space, scaled so that the largest magnitude stays what it is. */
function factorsOf(
  graph: Graph,
  space: ChannelSpace,
  magnitudes: Magnitudes,
  perAxisDense: boolean,
): Float64Array {
  const magnitude = magnitudesOf(graph, space, magnitudes, perAxisDense);
  const most = largest(magnitude);
  if (most === 0) return new Float64Array(space.channels).fill(1);
  const root = sharesOf(graph, space, magnitude, perAxisDense).map(Math.sqrt);
  const unit = largest(root) / most;
  return magnitude.map((a, c) => (unit * a) / root[c]!);
}

/** Factors by what they are applied to: layers that write a space, and that read it. */
interface Factors {
  readonly written: ReadonlyMap<ValueId, Float64Array>;
  readonly read: ReadonlyMap<ValueId, Float64Array>;
}

/** Weights and bias of a layer, by id, as its spaces want them. */
function scaledParameters(
  graph: Graph,
  layer: ChannelLayer,
  { written, read }: Factors,
): [ValueId, Float32Array][] {
  const { inputs, output } = layer.node;
  const [into, from] = [written.get(output), read.get(output)];
  const weights = weightsOf(graph, layer);
  const channel = channelsOf[layer.layout](layer, weights.length);
  const scaled = weights.map(
    (w, i) =>
      (w * (from?.[channel.input(i) % from.length] ?? 1)) / (into?.[channel.output(i)] ?? 1),
  );
  const parameters: [ValueId, Float32Array][] = [[inputs[1]!, scaled]];
  if (inputs[2] !== undefined && into) {
    const bias = getData(graph, inputs[2]) as Float32Array;
    parameters.push([inputs[2], bias.map((b, o) => b / into[o]!)]);
  }
  return parameters;
}

/**
 * Equalizes the channels between the layers of a float graph. Values keep their ids.
 *
 * @param graph stage float, batch 1, as `prepareForQuantization` gives it
 */
export function equalizeChannels(graph: Graph, options: EqualizeOptions = {}): Equalized {
  const { perAxisDense = false } = options;
  const spaces = channelSpaces(graph);
  const layers = new Map(
    spaces
      .flatMap(({ writers, readers }) => [...writers, ...readers])
      .map((layer) => [layer.node.output, layer] as const),
  );
  const magnitudes = options.magnitudes ?? estimateMagnitudes(graph);
  const [written, read] = [new Map<ValueId, Float64Array>(), new Map<ValueId, Float64Array>()];
  for (const space of spaces) {
    const factors = factorsOf(graph, space, magnitudes, perAxisDense);
    for (const { node } of space.writers) written.set(node.output, factors);
    for (const { node } of space.readers) read.set(node.output, factors);
  }
  const data = new Map(
    [...layers.values()].flatMap((layer) => scaledParameters(graph, layer, { written, read })),
  );
  const scaled = mapGraph(graph, {
    parameter(value, out) {
      const { id, name, trainable } = value;
      const content = data.get(id);
      if (!content) return out.keepParameter(value);
      return out.builder.constant(value, content, { id, name, trainable });
    },
  });
  const values = graph.nodes
    .map(({ output }) => output)
    .filter((id) => spaces.some((space) => space.values.has(id)));
  return { graph: scaled, values };
}
