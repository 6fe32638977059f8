/**
 * Image networks whose first layers can be computed row by row: residual, depthwise, pooled, odd
 * sizes, strides 1 to 3, every padding.
 */
import type { Graph, ValueId } from '../../host/ir/graph.js';
import { network, randomIntegers } from './networks.js';
import { pruned } from './pruned.js';

type Network = ReturnType<typeof network>;
type Next = (low: number, high: number) => number;
type Layer = (n: Network, x: ValueId, next: Next) => ValueId;

const channels = (next: Next): number => (next(0, 9) === 0 ? next(13, 33) : next(1, 12));

const layers: readonly Layer[] = [
  (n, x, next) =>
    n.conv(x, channels(next), {
      kernel: [next(1, 5), next(1, 3)],
      stride: [next(1, 3), next(1, 3)],
      dilation: [next(1, 2), 1],
      pad: 'same',
      relu: next(0, 1) === 1,
    }),
  (n, x, next) =>
    n.conv(x, channels(next), {
      kernel: [3, 3],
      stride: [next(1, 2), next(1, 2)],
      pad: [next(0, 2), next(1, 2), next(0, 2), next(1, 2)],
      perAxis: next(0, 1) === 1,
    }),
  (n, x, next) => n.conv(x, channels(next), { kernel: [1, 1], bias: next(0, 1) === 1 }),
  (n, x, next) =>
    n.depthwise(x, next(1, 2), {
      kernel: [next(1, 4), next(1, 3)],
      stride: [next(1, 2), next(1, 2)],
      pad: 'same',
    }),
  (n, x) => n.depthwise(x, 1, { pad: 'same', relu: true }),
  (n, x, next) => n.pool('maxPool2d', x, [2, 2], { pad: 'same', relu: next(0, 1) === 1 }),
  (n, x, next) => n.pool('avgPool2d', x, [3, 2], { stride: [next(1, 2), 1], pad: 'same' }),
  (n, x, next) => n.pad(x, [0, 0, next(0, 2), next(0, 2), next(0, 1), next(0, 2), 0, 0]),
  (n, x, next) => n.activation('relu6', x, next(0, 1) === 1),
  (n, x) => {
    const branch = n.conv(n.conv(x, 4, { pad: 'same' }), n.shapeOf(x)[3]!, { pad: 'same' });
    return n.binary('add', x, branch, true);
  },
  (n, x, next) => {
    const count = channels(next);
    const inner = n.conv(x, count, { stride: [2, 2], pad: 'same', relu: true });
    const short = n.conv(x, count, { kernel: [1, 1], stride: [2, 2], pad: 'same' });
    return n.binary('add', short, n.conv(inner, count, { pad: 'same' }));
  },
  (n, x) => n.concat([x, n.conv(x, 3, { kernel: [3, 1], pad: 'same' }), x], 3),
  (n, x) => n.binary('mul', n.activation('requantize', x, true), x),
  (n, x) => n.binary('add', x, n.constant([n.shapeOf(x)[3]!])),
];

/** A network of random layers over an image, some of them with channels that are all zero. */
export function rowNetwork(seed: number): Graph {
  const n = network(`rows${seed}`, seed);
  const next = randomIntegers(seed + 3000);
  let x = n.input([next(9, 23), next(5, 14), next(1, 4)]);
  for (let left = next(2, 7); left > 0; left--) {
    const [, height, width] = n.shapeOf(x) as [number, number, number];
    if (height < 3 || width < 3) break;
    x = layers[next(0, layers.length - 1)]!(n, x, next);
  }
  if (next(0, 1) === 1) x = n.dense(n.flatten(x), 5);
  const graph = n.finish(x);
  return next(0, 2) === 0 ? pruned(graph, seed) : graph;
}

/** A residual block with a strided shortcut, then a pool: like ResNet, small. */
export function resnetLike(): Graph {
  const n = network('resnet', 3);
  const x = n.conv(n.input([20, 16, 3]), 8, { pad: 'same', relu: true });
  const inner = n.conv(x, 8, { stride: [2, 2], pad: 'same', relu: true });
  const short = n.conv(x, 8, { kernel: [1, 1], stride: [2, 2], pad: 'same' });
  const sum = n.binary('add', short, n.conv(inner, 8, { pad: 'same' }), true);
  return n.finish(n.dense(n.flatten(n.pool('maxPool2d', sum, [2, 2])), 4));
}
