/**
 * A float graph as training runs it: stage train, dropout active, batch normalization by the
 * batch's own statistics, parameters as states that an optimizer can update.
 */
import type { ValueId } from '../ir/graph.js';
import { type Graph, getData, getValue, type NodeOf } from '../ir/graph.js';
import { deadCode } from './dead-code.js';
import { type Copy, mapGraph } from './map-graph.js';

export interface TrainingOptions {
  /**
   * Decay of the moving statistics of batch normalization, for layers that name none. Default 0.9:
   * small data has few steps, and 0.99 would still remember the initial statistics after a hundred.
   */
  readonly momentum?: number;
}

export interface TrainingGraph {
  /** Stage train; the values of the float graph keep their ids. */
  readonly graph: Graph;
  /** The input s32 [seed, epoch, step] that dropout draws from; absent without dropout. */
  readonly key?: ValueId;
}

/**
 * Batch normalization in terms of the batch: mean and population variance over all axes but the
 * last; the moving averages follow as updates of their states.
 */
function normalizeBatch(
  graph: Graph,
  { inputs, output, attrs }: NodeOf<'batchNorm'>,
  { builder, get }: Copy,
  decay: number,
): ValueId {
  const [x, gamma, beta, mean, variance] = inputs.map(get) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const { shape } = getValue(graph, output);
  const part = (name: string) => ({ id: `${output}.${name}` });
  const over = { axes: shape.slice(1).map((_, i) => i), keepDims: false };
  const batchMean = builder.add('mean', [x], over, part('batchMean'));
  const batchVariance = builder.add('variance', [x], over, part('batchVariance'));
  const moving = [
    [mean, batchMean],
    [variance, batchVariance],
  ] as const;
  for (const [state, value] of moving) {
    if (builder.values.get(state)?.kind !== 'state') continue;
    builder.update(state, builder.add('ema', [state, value], { decay }));
  }
  const r = builder.add('rsqrt', [batchVariance], { epsilon: attrs.epsilon }, part('rsqrt'));
  const centered = builder.add('sub', [x, batchMean], {}, part('centered'));
  const factor = builder.add('mul', [gamma, r], {}, part('factor'));
  const scaled = builder.add('mul', [centered, factor], {}, part('scaled'));
  return builder.add('add', [scaled, beta], {}, { id: output });
}

/**
 * Prepares a float graph for training at the batch of its shapes. Dropout becomes a product with a
 * mask that is a pure function of (seed, epoch, step, element); each dropout has its own stream.
 */
export function forTraining(graph: Graph, options: TrainingOptions = {}): TrainingGraph {
  const { momentum = 0.9 } = options;
  const hasDropout = graph.nodes.some(({ op }) => op === 'dropout');
  let key: ValueId | undefined;
  let streams = 0;
  const mask = (node: NodeOf<'dropout'>, { builder, get }: Copy): ValueId => {
    const x = get(node.inputs[0]!);
    key ??= builder.input({ shape: [3], dtype: 's32' }, { id: 'dropout.key' });
    const { rate, noise } = node.attrs;
    const attrs = { rate, stream: streams++ };
    // The mask takes its shape from a value; where axes share decisions, from a part of x.
    const begin = getValue(graph, node.output).shape.map(() => 0);
    const like = noise ? builder.add('slice', [x], { begin, size: [-1, ...noise] }) : x;
    const drawn = builder.add('dropoutMask', [like, key], attrs, { id: `${node.output}.mask` });
    return builder.add('mul', [x, drawn], {}, { id: node.output });
  };
  const prepared = mapGraph(graph, {
    head: { stage: 'train' },
    parameter: (value, out) =>
      value.kind === 'const' && value.trainable
        ? out.builder.state(value, getData(graph, value.id), value)
        : out.keepParameter(value),
    node(node, out) {
      if (node.op === 'dropout') return mask(node, out);
      if (node.op === 'batchNorm')
        return normalizeBatch(graph, node, out, node.attrs.momentum ?? momentum);
      return out.keepNode(node);
    },
  });
  return { graph: deadCode(prepared), ...(hasDropout && key && { key }) };
}
