/**
 * Random whole networks of the kinds that people deploy: residual, separable, streaming and dense
 * ones, with odd sizes, strides of 1 to 3, 1 to 129 channels, and every pool.
 */
import type { Pair } from '../../host/core/shape.js';
import type { Graph, ValueId } from '../../host/ir/graph.js';
import { network, randomIntegers } from './networks.js';

type Network = ReturnType<typeof network>;
type Next = (low: number, high: number) => number;
type Block = (n: Network, x: ValueId, next: Next) => ValueId;

/** Mostly few, sometimes just beside a power of two or a multiple of four. */
const channels = (next: Next): number =>
  [next(1, 9), next(1, 24), [31, 32, 33, 64, 65, 127, 128, 129][next(0, 7)]!][
    Math.max(0, next(0, 5) - 3)
  ]!;

const strides = (next: Next): Pair => (next(0, 2) > 0 ? [1, 1] : [next(1, 3), next(1, 3)]);
const flag = (next: Next): boolean => next(0, 1) === 1;

/** A pointwise, square or long window. */
function kernel(next: Next): Pair {
  const sizes: readonly Pair[] = [
    [1, 1],
    [3, 3],
    [3, 3],
    [next(2, 6), 1],
    [1, next(2, 6)],
    [next(1, 5), next(1, 5)],
  ];
  return sizes[next(0, sizes.length - 1)]!;
}

const conv: Block = (n, x, next) =>
  n.conv(x, channels(next), {
    kernel: kernel(next),
    stride: strides(next),
    pad: 'same',
    relu: flag(next),
    bias: next(0, 3) > 0,
    perAxis: next(0, 3) > 0,
  });

const separable: Block = (n, x, next) => {
  const y = n.depthwise(x, next(0, 7) === 0 ? 2 : 1, {
    kernel: kernel(next),
    stride: strides(next),
    pad: 'same',
    relu: flag(next),
  });
  return n.conv(y, channels(next), { kernel: [1, 1], relu: flag(next) });
};

/** Two convolutions around a shortcut, which has one of its own where sizes change. */
const residual: Block = (n, x, next) => {
  const stride = strides(next);
  const plain = stride[0] === 1 && stride[1] === 1;
  const count = plain ? n.shapeOf(x)[3]! : channels(next);
  const y = n.conv(x, count, { stride, pad: 'same', relu: flag(next) });
  const z = n.conv(y, count, { pad: 'same' });
  const short = plain ? x : n.conv(x, count, { kernel: [1, 1], stride, pad: 'same' });
  return n.binary('add', z, short, flag(next));
};

/** Expansion, depthwise, projection, and a shortcut where it fits. */
const inverted: Block = (n, x, next) => {
  const own = n.shapeOf(x)[3]!;
  const stride = strides(next);
  const wide = n.conv(x, Math.min(own * next(1, 4), 129), { kernel: [1, 1], relu: true });
  const y = n.depthwise(wide, 1, { stride, pad: 'same', relu: true });
  const fits = stride[0] === 1 && stride[1] === 1;
  const z = n.conv(y, fits ? own : channels(next), { kernel: [1, 1] });
  return fits ? n.binary('add', x, z) : z;
};

const pool: Block = (n, x, next) => {
  const [, height, width] = n.shapeOf(x) as [number, number, number];
  const size: Pair = [next(1, Math.min(3, height)), next(1, Math.min(3, width))];
  return n.pool(flag(next) ? 'maxPool2d' : 'avgPool2d', x, size, {
    stride: [next(1, 3), next(1, 3)],
    pad: flag(next) ? 'same' : [0, 0, 0, 0],
  });
};

/** Windows without padding, as in streaming networks. */
const valid: Block = (n, x, next) => {
  const [, height, width] = n.shapeOf(x) as [number, number, number];
  const size: Pair = [next(1, Math.min(height, 7)), next(1, Math.min(width, 3))];
  const y = n.depthwise(x, 1, { kernel: size, bias: flag(next) });
  return n.conv(y, channels(next), { kernel: [1, 1], relu: true });
};

const blocks: readonly Block[] = [conv, separable, residual, inverted, pool, valid];

/** Below this much the largest of its images takes little of a small board. */
const mostElements = 12_000;

function head(n: Network, x: ValueId, next: Next): ValueId {
  const [, height, width] = n.shapeOf(x) as [number, number, number];
  const ends: readonly (() => ValueId)[] = [
    () => n.flatten(n.pool('avgPool2d', x, [height, width], { stride: [1, 1] })),
    () => n.mean(x, [1, 2]),
    () => n.flatten(x),
  ];
  let y = ends[next(0, 2)]!();
  if (n.shapeOf(y)[1]! > 2000) y = ends[0]!();
  for (let left = next(0, 2); left > 0; left--) y = n.dense(y, channels(next), { relu: true });
  y = n.dense(y, next(1, 12), { perAxis: flag(next), bias: flag(next) });
  return flag(next) ? n.softmax(y) : y;
}

/** An image, a spectrogram, a sequence, or a vector; then blocks; then a head. */
export function mixedNetwork(seed: number): Graph {
  const n = network(`mixed${seed}`, seed);
  const next = randomIntegers(seed + 7000);
  const shapes: readonly (readonly number[])[] = [
    [next(5, 33), next(5, 33), next(1, 4)],
    [next(15, 50), next(4, 11), 1],
    [next(20, 60), 1, next(1, 40)],
  ];
  if (next(0, 9) === 0) {
    let x = n.input([next(1, 300)]);
    for (let left = next(1, 5); left > 0; left--) x = n.dense(x, channels(next), { relu: true });
    return n.finish(n.dense(x, next(1, 300)));
  }
  let x = n.input(shapes[next(0, 2)]!);
  for (let left = next(1, 6); left > 0; left--) {
    const [, height, width, depth] = n.shapeOf(x) as [number, number, number, number];
    if (height < 3) break;
    const small = height * width * Math.max(depth, 33) < mostElements;
    x = (small ? blocks[next(0, blocks.length - 1)]! : pool)(n, x, next);
  }
  return n.finish(head(n, x, next));
}
