/**
 * Folds batch normalization into the layer before it: y = gamma (x - mean) / sqrt(variance +
 * epsilon) + beta is x * scale + shift with scale = gamma / sqrt(variance + epsilon) and
 * shift = beta - mean * scale, per channel. Computed in double, rounded once.
 */
import {
  consumers,
  type Graph,
  getData,
  getValue,
  type Node,
  type NodeOf,
  type ValueId,
} from '../ir/graph.js';
import type { OpName } from '../ir/ops.js';
import { deadCode } from './dead-code.js';
import { type Copy, mapGraph } from './map-graph.js';

type Foldable = 'conv2d' | 'depthwiseConv2d' | 'dense';

/** For the layers that take a scale per output channel: the channel of a weight by its index. */
const channelOf: Readonly<
  Record<Foldable, (index: number, count: number, channels: number) => number>
> = {
  conv2d: (index, count, channels) => Math.floor(index / (count / channels)),
  dense: (index, count, channels) => Math.floor(index / (count / channels)),
  depthwiseConv2d: (index, _, channels) => index % channels,
};

/** Where a constant that folding makes comes from. */
export interface FoldedParameter {
  readonly part: 'weights' | 'bias' | 'scale' | 'shift';
  readonly norm: NodeOf<'batchNorm'>;
  /** The layer that took the normalization in; absent for a scale and a shift. */
  readonly layer?: Node;
}

/** By the ids of the constants. */
export type FoldedParameters = Map<ValueId, FoldedParameter>;

const isFoldable = (op: OpName): op is Foldable => Object.hasOwn(channelOf, op);

interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** Scale and shift per channel; the parameters must be constants. */
function affineOf(graph: Graph, node: NodeOf<'batchNorm'>): Affine {
  const [, gamma, beta, mean, variance] = node.inputs.map(
    (id) => graph.data.get(id) as Float32Array | undefined,
  );
  const epsilon = node.attrs.epsilon;
  const scale = Float64Array.from(gamma!, (g, c) => g / Math.sqrt(variance![c]! + epsilon));
  return { scale, shift: scale.map((s, c) => beta![c]! - mean![c]! * s) };
}

const isConstant = (graph: Graph, node: Node, from: number): boolean =>
  node.inputs.slice(from).every((id) => getValue(graph, id).kind === 'const');

/** The layer whose only reader is the batch normalization, or undefined. */
function layerBefore(graph: Graph, norm: Node): (Node & { op: Foldable }) | undefined {
  const source = norm.inputs[0]!;
  const layer = graph.nodes.find((node) => node.output === source);
  const readers = consumers(graph).get(source)?.length ?? 0;
  if (!layer || !isFoldable(layer.op) || readers !== 1 || graph.outputs.includes(source)) {
    return undefined;
  }
  return isConstant(graph, layer, 1) ? (layer as Node & { op: Foldable }) : undefined;
}

/** The layer with scaled weights and a new bias, under the name of the normalization's output. */
function foldInto(
  graph: Graph,
  layer: Node & { op: Foldable },
  norm: NodeOf<'batchNorm'>,
  { scale, shift }: Affine,
  { builder, get }: Copy,
  made: FoldedParameters | undefined,
): string {
  const [x, w, b] = layer.inputs;
  const weights = getData(graph, w!) as Float32Array;
  const bias = b === undefined ? undefined : (getData(graph, b) as Float32Array);
  const channel = channelOf[layer.op];
  const { shape } = getValue(graph, w!);
  const scaled = Float32Array.from(
    weights,
    (v, i) => v * scale[channel(i, weights.length, scale.length)]!,
  );
  const moved = Float32Array.from(shift, (s, c) => s + (bias?.[c] ?? 0) * scale[c]!);
  const base = layer.output;
  const folded = [
    builder.constant({ shape, dtype: 'f32' }, scaled, { id: `${base}.folded.w`, trainable: true }),
    builder.constant({ shape: [scale.length], dtype: 'f32' }, moved, {
      id: `${base}.folded.b`,
      trainable: true,
    }),
  ];
  made?.set(folded[0]!, { part: 'weights', norm, layer });
  made?.set(folded[1]!, { part: 'bias', norm, layer });
  const { name } = getValue(graph, norm.output);
  const inputs = [get(x!), ...folded];
  return builder.add(layer.op, inputs, layer.attrs as never, { id: norm.output, name });
}

/** x * scale + shift with two constants: for a normalization that no layer can take in. */
function expand(
  graph: Graph,
  norm: NodeOf<'batchNorm'>,
  { scale, shift }: Affine,
  { builder, get }: Copy,
  made: FoldedParameters | undefined,
): string {
  const type = {
    shape: getValue(graph, norm.output).shape.map((d, i, all) => (i === all.length - 1 ? d : 1)),
    dtype: 'f32',
  } as const;
  const constant = (part: 'scale' | 'shift', data: Float64Array) => {
    const id = builder.constant(type, Float32Array.from(data), { id: `${norm.output}.${part}` });
    made?.set(id, { part, norm });
    return id;
  };
  const product = builder.add(
    'mul',
    [get(norm.inputs[0]!), constant('scale', scale)],
    {},
    { id: `${norm.output}.scaled` },
  );
  const { name } = getValue(graph, norm.output);
  const inputs = [product, constant('shift', shift)];
  return builder.add('add', inputs, {}, { id: norm.output, name });
}

/**
 * Folds every batch normalization with constant parameters (see forInference) into the conv,
 * depthwise or dense layer before it where nothing else reads that layer, elsewhere into a
 * multiplication and an addition. The folded output keeps the normalization's id.
 *
 * @param made is told where the constants that are made come from
 */
export function foldBatchNorm(graph: Graph, made?: FoldedParameters): Graph {
  const norms = graph.nodes.filter(
    (node): node is NodeOf<'batchNorm'> => node.op === 'batchNorm' && isConstant(graph, node, 1),
  );
  if (norms.length === 0) return graph;
  return deadCode(
    mapGraph(graph, {
      node(node, out) {
        if (node.op !== 'batchNorm' || !norms.includes(node)) return out.keepNode(node);
        const affine = affineOf(graph, node);
        const layer = layerBefore(graph, node);
        return layer
          ? foldInto(graph, layer, node, affine, out, made)
          : expand(graph, node, affine, out, made);
      },
    }),
  );
}
