/** The weights of a layer by the channels that they join. */
import { type Graph, getData } from '../../ir/graph.js';
import type { ChannelLayer } from './channel-spaces.js';

export const weightsOf = (graph: Graph, { node }: ChannelLayer): Float32Array =>
  getData(graph, node.inputs[1]!) as Float32Array;

/** For the weights of a layer, by their number: how to find the channels of one by its index. */
export const channelsOf: Readonly<
  Record<ChannelLayer['layout'], (layer: ChannelLayer, count: number) => ChannelsOf>
> = {
  outputFirst: ({ inputChannels, outputChannels }, count) => ({
    input: (index) => index % inputChannels,
    output: (index) => Math.floor(index / (count / outputChannels)),
  }),
  depthwise: ({ inputChannels, outputChannels }) => ({
    input: (index) => Math.floor((index % outputChannels) / (outputChannels / inputChannels)),
    output: (index) => index % outputChannels,
  }),
};

interface ChannelsOf {
  input(index: number): number;
  output(index: number): number;
}

/** Calls `each` for every weight of a layer. */
export function forWeights(
  graph: Graph,
  layer: ChannelLayer,
  each: (magnitude: number, input: number, output: number) => void,
): void {
  const weights = weightsOf(graph, layer);
  const { input, output } = channelsOf[layer.layout](layer, weights.length);
  for (let i = 0; i < weights.length; i++) each(Math.abs(weights[i]!), input(i), output(i));
}
