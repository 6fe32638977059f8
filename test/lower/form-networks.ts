/**
 * Random networks of forms that files of other converters have, and that the other generators draw
 * seldom or never: dilation, several outputs per channel, windows larger than their image, strides
 * beyond the window, operands that are constant or broadcast, weights that layers share, several
 * inputs and outputs, a value that is returned twice or as another shape.
 */
import type { Pair } from '../../host/core/shape.js';
import type { Graph, ValueId } from '../../host/ir/graph.js';
import { type ConvOptions, network, randomIntegers } from './networks.js';
import { pruned } from './pruned.js';

type Network = ReturnType<typeof network>;
type Next = (low: number, high: number) => number;
type Layer = (n: Network, x: ValueId, next: Next) => ValueId;

const odd: readonly number[] = [1, 2, 3, 5, 7, 15, 17, 31, 33, 65];
const channels = (next: Next): number => odd[next(0, odd.length - 1)]!;
const flag = (next: Next): boolean => next(0, 1) === 1;

/** None, relu, relu6 or between -1 and 1. */
function activation(next: Next): Pick<ConvOptions, 'relu' | 'bounds'> {
  const forms = [{}, { relu: true }, { bounds: [0, 6] }, { bounds: [-1, 1] }] as const;
  return forms[next(0, 3)]!;
}

const image = (n: Network, x: ValueId) => n.shapeOf(x) as [number, number, number, number];

/** SAME, or VALID behind a pad of its own. */
function padded(n: Network, x: ValueId, next: Next): { x: ValueId; pad: 'same' | undefined } {
  if (flag(next)) return { x, pad: 'same' };
  const sides = [next(0, 3), next(0, 3), next(0, 3), next(0, 3)] as const;
  return { x: n.pad(x, [0, 0, ...sides, 0, 0]), pad: undefined };
}

/** Windows that fit the image, dilated where there is room. */
function window(n: Network, x: ValueId, next: Next, pad: 'same' | undefined) {
  const [, height, width] = image(n, x);
  const axis = (length: number): { taps: number; step: number } => {
    const taps = next(1, pad ? 5 : Math.min(5, length));
    const room = taps > 1 && !pad ? Math.floor((length - 1) / (taps - 1)) : 3;
    return { taps, step: next(1, Math.min(3, room)) };
  };
  const [rows, columns] = [axis(height), axis(width)];
  return {
    kernel: [rows.taps, columns.taps] as Pair,
    dilation: [rows.step, columns.step] as Pair,
    stride: [next(1, 4), next(1, 4)].map((s) => (flag(next) ? 1 : s)) as unknown as Pair,
    ...(pad && { pad }),
  };
}

const layers: readonly Layer[] = [
  (n, from, next) => {
    const { x, pad } = padded(n, from, next);
    const rest = { ...activation(next), perAxis: flag(next), bias: next(0, 3) > 0 };
    return n.conv(x, channels(next), { ...window(n, x, next, pad), ...rest });
  },
  (n, from, next) => {
    const { x, pad } = padded(n, from, next);
    const own = image(n, x)[3];
    const rest = { ...activation(next), perAxis: flag(next), bias: next(0, 3) > 0 };
    const most = own > 33 ? 1 : own > 8 ? 2 : 8;
    return n.depthwise(x, next(1, most), { ...window(n, x, next, pad), ...rest });
  },
  (n, x, next) => n.conv(x, channels(next), { kernel: [1, 1], ...activation(next) }),
  (n, x, next) => {
    const size: Pair = [next(1, 7), next(1, 7)];
    const stride: Pair = [next(1, 3), next(1, 3)];
    const op = flag(next) ? 'avgPool2d' : 'maxPool2d';
    return n.pool(op, x, size, { stride, pad: 'same', ...activation(next) });
  },
  (n, x, next) => {
    const [, h, w, c] = image(n, x);
    const shapes = [[], [1], [c], [1, 1, 1, c], [w, c], [h, w, c], [1, h, w, c], [h, 1, 1]];
    const operand = n.constant(shapes[next(0, shapes.length - 1)]!);
    const op = next(0, 3) === 0 ? 'mul' : 'add';
    return flag(next) ? n.binary(op, x, operand, flag(next)) : n.binary(op, operand, x);
  },
  (n, x, next) => {
    const op = next(0, 3) === 0 ? 'mul' : 'add';
    const others: readonly (() => ValueId)[] = [
      () => x,
      () => n.mean(x, [1, 2], true),
      () => n.conv(x, 1, { kernel: [1, 1] }),
      () => n.conv(x, image(n, x)[3], { pad: 'same' }),
      () => n.pool('avgPool2d', x, [image(n, x)[1], 1], { stride: [1, 1] }),
    ];
    const other = others[next(0, others.length - 1)]!();
    return flag(next) ? n.binary(op, x, other, flag(next)) : n.binary(op, other, x);
  },
  (n, x, next) => {
    const own = image(n, x)[3];
    const y = n.conv(x, own, { kernel: [1, 1], relu: flag(next) });
    return n.conv(y, own, { kernel: [1, 1], weightsOf: y, bias: flag(next) });
  },
  (n, x, next) => {
    const y = n.conv(x, channels(next), { kernel: [3, 1], pad: 'same' });
    return n.concat(flag(next) ? [x, y] : [y, x, y], 3);
  },
  (n, x) => {
    const [, h, w, c] = image(n, x);
    return n.reshape(x, [w, h, c]);
  },
  (n, x) => n.softmax(x),
];

const ends: readonly ((n: Network, x: ValueId) => ValueId)[] = [
  (n, x) => n.mean(x, [1, 2]),
  (n, x) => n.flatten(n.pool('avgPool2d', x, [image(n, x)[1], image(n, x)[2]])),
  (n, x) => n.flatten(n.conv(x, 4, { kernel: [image(n, x)[1], image(n, x)[2]] })),
  (n, x) => n.mean(n.mean(x, [2]), [1]),
];

/** Above this much a layer takes long in an emulator. */
const mostElements = 12_000;

/** A network of such layers. */
export function formNetwork(seed: number): Graph {
  const n = network(`forms${seed}`, seed);
  const next = randomIntegers(seed + 11_000);
  let x = n.input([next(3, 17), next(3, 15), channels(next)]);
  const outputs: ValueId[] = [];
  if (next(0, 3) === 0) x = n.binary('add', x, n.input(image(n, x).slice(1)));
  for (let left = next(1, 6); left > 0; left--) {
    const [, height, width, depth] = image(n, x);
    if (height * width * depth > mostElements) break;
    x = layers[next(0, layers.length - 1)]!(n, x, next);
    if (next(0, 7) === 0) outputs.push(x);
  }
  if (next(0, 5) === 0) outputs.push(n.flatten(x));
  const end = ends[next(0, ends.length - 1)]!(n, x);
  const y = n.dense(end, next(1, 9), { relu: flag(next), bias: flag(next), perAxis: flag(next) });
  outputs.push(y);
  if (next(0, 5) === 0) outputs.push(n.softmax(y), y);
  const graph = n.finish(...outputs);
  return next(0, 3) === 0 ? pruned(graph, seed + 13_000) : graph;
}
