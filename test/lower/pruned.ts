/**
 * Networks as training with regularization leaves them: with channels whose weights are all zero.
 */
import type { AnyArray } from '../../host/core/dtype.js';
import { type Graph, getData, getValue, type ValueId } from '../../host/ir/graph.js';
import { network, randomIntegers } from './networks.js';

/** Axes of the output and input channels in the weights of an op. */
const axes: Readonly<Record<string, readonly number[]>> = {
  conv2d: [0, 3],
  dense: [0, 1],
  depthwiseConv2d: [3],
};

/** Sets the weights of some channels to zero: of outputs, and of inputs that a layer does not read. */
export function pruned(graph: Graph, seed: number): Graph {
  const next = randomIntegers(seed);
  const data = new Map<ValueId, AnyArray>(graph.data);
  for (const { op, inputs } of graph.nodes) {
    for (const axis of axes[op] ?? []) {
      const { shape } = getValue(graph, inputs[1]!);
      const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
      const share = next(0, 2) === 0 ? next(50, 100) : next(0, 60);
      const dead = Array.from({ length: shape[axis]! }, () => next(0, 99) < share);
      const w = (data.get(inputs[1]!) ?? getData(graph, inputs[1]!)) as Int8Array;
      const left = w.map((n, i) => (dead[Math.floor(i / inner) % dead.length] ? 0 : n));
      data.set(inputs[1]!, left);
    }
  }
  return { ...graph, data };
}

type Network = ReturnType<typeof network>;
type Next = (low: number, high: number) => number;

const channels = (next: Next): number => (next(0, 7) === 0 ? next(30, 129) : next(1, 12));

/** The layers of image networks. */
const layers: readonly ((n: Network, x: ValueId, next: Next) => ValueId)[] = [
  (n, x, next) => n.conv(x, channels(next), { kernel: [1, 1], relu: next(0, 1) === 1 }),
  (n, x, next) =>
    n.conv(x, channels(next), {
      kernel: [next(1, 3), next(1, 3)],
      stride: [next(1, 3), next(1, 3)],
      pad: 'same',
      relu: next(0, 1) === 1,
      bias: next(0, 3) > 0,
    }),
  (n, x, next) =>
    n.depthwise(x, next(0, 4) === 0 ? 2 : 1, {
      stride: [next(1, 2), next(1, 2)],
      pad: [next(0, 2), next(1, 2), next(0, 2), next(1, 2)],
      relu: next(0, 1) === 1,
    }),
  (n, x, next) => n.depthwise(x, 1, { pad: 'same', dilation: [1, next(1, 2)] }),
  (n, x, next) => {
    const own = n.shapeOf(x)[3]!;
    const first = n.conv(x, channels(next), { kernel: [1, 1], relu: true });
    const branch = n.conv(n.depthwise(first, 1, { pad: 'same' }), own, { kernel: [1, 1] });
    return n.binary('add', x, branch, next(0, 1) === 1);
  },
  (n, x, next) => {
    const a = n.conv(x, channels(next), { pad: 'same' });
    const b = n.conv(x, n.shapeOf(a)[3]!, { kernel: [1, 1] });
    return n.binary(next(0, 3) === 0 ? 'mul' : 'add', a, b);
  },
  (n, x, next) => n.concat([x, n.conv(x, channels(next), { kernel: [1, 1] })], 3),
  (n, x, next) =>
    n.pool(next(0, 1) === 0 ? 'maxPool2d' : 'avgPool2d', x, [2, 2], {
      stride: [1, next(1, 2)],
      pad: 'same',
    }),
  (n, x, next) => n.activation(next(0, 1) === 0 ? 'relu' : 'requantize', x, true),
  (n, x, next) => n.pad(x, [0, 0, next(0, 1), next(0, 2), next(0, 2), next(0, 1), 0, 0]),
  (n, x) => n.binary('add', x, n.constant([n.shapeOf(x)[3]!])),
];

/** A random image network that ends as most do, with many kinds of dead channels. */
export function prunedNetwork(seed: number): Graph {
  const next = randomIntegers(seed + 5000);
  const n = network(`pruned${seed}`, seed);
  let x = n.conv(n.input([next(3, 9), next(3, 9), next(1, 3)]), channels(next), { pad: 'same' });
  for (let count = next(2, 6); count > 0; count--) {
    x = layers[next(0, layers.length - 1)]!(n, x, next);
  }
  const [, height, width] = n.shapeOf(x) as [number, number, number];
  const ends = [
    () => n.flatten(x),
    () => n.mean(x, [1, 2]),
    () => n.flatten(n.pool('avgPool2d', x, [height, width], { stride: [1, 1] })),
  ];
  const y = n.dense(ends[next(0, 2)]!(), next(2, 9));
  return pruned(n.finish(next(0, 1) === 0 ? n.softmax(y) : y), seed + 9000);
}

/** Two layers around a padded depthwise one, with a dead channel whose bias is positive. */
export function paddedNetwork(): Graph {
  const n = network('padded', 3);
  const x = n.conv(n.input([6, 5, 2]), 4, { pad: 'same', relu: true });
  const y = n.conv(n.depthwise(x, 1, { pad: 'same' }), 3, { kernel: [1, 1] });
  const graph = n.finish(y);
  const [first] = graph.nodes;
  const data = new Map(graph.data);
  const w = (data.get(first!.inputs[1]!) as Int8Array).slice();
  const b = (data.get(first!.inputs[2]!) as Int32Array).slice();
  for (const dead of [1, 3]) {
    w.fill(0, (dead * w.length) / 4, ((dead + 1) * w.length) / 4);
    b[dead] = 30000;
  }
  data.set(first!.inputs[1]!, w).set(first!.inputs[2]!, b);
  return { ...graph, data };
}
