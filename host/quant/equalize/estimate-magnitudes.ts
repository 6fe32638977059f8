/**
 * How large the channels of values become, guessed from the weights alone.
 */
import { type Graph, getData, getValue, type Node, type ValueId } from '../../ir/graph.js';
import { fuseBounds } from '../fuse.js';
import { quantRule } from '../quant-rules.js';
import { layerOf } from './channel-spaces.js';
import { forWeights } from './channel-weights.js';

/** By value, the largest magnitude of each index of the last axis. */
export type Magnitudes = ReadonlyMap<ValueId, ArrayLike<number>>;

interface Interval {
  readonly low: number;
  readonly high: number;
}

type Intervals = readonly Interval[];

const magnitude = ({ low, high }: Interval): number => Math.max(-low, high);

/** A layer: its terms as if they were independent, around its bias. */
function ofLayer(graph: Graph, node: Node, x: Intervals): Intervals | undefined {
  const layer = layerOf(graph, node);
  if (!layer) return undefined;
  const squares = new Float64Array(layer.outputChannels);
  forWeights(graph, layer, (w, i, o) => {
    squares[o]! += (w * magnitude(x[i % x.length]!)) ** 2;
  });
  const bias = node.inputs[2] === undefined ? [] : (getData(graph, node.inputs[2]) as Float32Array);
  return Array.from(squares, (square, o) => {
    const [middle, spread] = [bias[o] ?? 0, Math.sqrt(square)];
    return { low: middle - spread, high: middle + spread };
  });
}

/**
 * Estimates the magnitudes of what the steps of a float graph compute, inputs having 1.
 *
 * @param graph stage float, prepared for quantization
 */
export function estimateMagnitudes(graph: Graph): Magnitudes {
  const known = new Map<ValueId, Intervals>();
  const steps = fuseBounds(graph);
  for (const { node, output, activation } of steps) {
    const x = known.get(node.inputs[0]!) ?? [{ low: -1, high: 1 }];
    const computed = ofLayer(graph, node, x) ?? x;
    const bounded = activation !== 'NONE' || quantRule(node.op).kind === 'bound';
    known.set(
      output,
      bounded
        ? computed.map(({ low, high }) => ({ low: Math.max(0, low), high: Math.max(0, high) }))
        : computed,
    );
  }
  return new Map(
    steps.map(({ output }) => {
      const intervals = known.get(output)!;
      const channels = getValue(graph, output).shape.at(-1) ?? 1;
      return [
        output,
        Array.from({ length: channels }, (_, i) => magnitude(intervals[i % intervals.length]!)),
      ];
    }),
  );
}
