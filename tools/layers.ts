/**
 * Counts single layers of many shapes on an emulated core, to find those that a kernel serves badly.
 *
 *     npm run layers                                   40 random layers on mps2-an386
 *     npm run layers -- --board mps3-an547 --seed 7 --count 80
 *     npm run layers -- --board mps2-an385-v6m --kinds mean,mul,narrow
 *
 * All layers are one network with an input and an output each, so that one run counts them all. A line
 * is instructions, instructions an output, multiply-accumulates an instruction, and the layer; the
 * kinds one after the other, the dearest of each first.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EdgeNnError, exitCodes, UsageError } from '../host/core/errors.js';
import { elements, type Pair } from '../host/core/shape.js';
import { exportTflite } from '../host/emit/tflite/tflite.js';
import { benchModel } from '../host/eval/bench.js';
import type { ValueId } from '../host/ir/graph.js';
import { network, randomIntegers } from '../test/lower/networks.js';

const { values } = parseArgs({
  options: {
    board: { type: 'string', default: 'mps2-an386' },
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '40' },
    kinds: { type: 'string' },
  },
});
const seed = Number(values.seed);

type Network = ReturnType<typeof network>;
type Draw = ReturnType<typeof randomIntegers>;

/** A layer's output, and what it is in words. */
type Layer = readonly [output: ValueId, text: string];

const pick = <T>(next: Draw, from: readonly T[]): T => from[next(0, from.length - 1)]!;

const kernels: readonly Pair[] = [
  [1, 1],
  [1, 1],
  [3, 3],
  [3, 3],
  [5, 5],
  [1, 7],
  [10, 4],
];
const windows: readonly Pair[] = [
  [3, 3],
  [3, 3],
  [3, 3],
  [5, 5],
  [7, 7],
  [5, 1],
  [1, 3],
  [2, 2],
];

const strides: readonly Pair[] = [
  [1, 1],
  [1, 1],
  [2, 2],
  [3, 3],
];

/** An image, its channels a multiple of 4 every second time. */
function image(n: Network, next: Draw, channels: number): ValueId {
  const depth = next(0, 1) === 0 ? 4 * Math.ceil(channels / 4) : channels;
  return n.input([next(3, 24), next(3, 24), depth]);
}

function windowOptions(next: Draw, kernel: Pair) {
  return { kernel, stride: pick(next, strides), pad: 'same', relu: next(0, 1) === 1 } as const;
}

const words = ({ kernel, stride, relu }: ReturnType<typeof windowOptions>): string =>
  `${kernel.join('x')} stride ${stride[0]}${relu ? ' relu' : ''}`;

function conv(n: Network, next: Draw): Layer {
  const x = image(n, next, pick(next, [1, 3, next(1, 40)]));
  const options = windowOptions(next, pick(next, kernels));
  return [n.conv(x, next(1, 40), options), `conv2d ${words(options)}`];
}

/** First layers: one to four channels, windows of any form. */
function narrow(n: Network, next: Draw): Layer {
  const kernel = pick<Pair>(next, [...windows, [10, 4], [8, 1], [1, 9], [4, 4]]);
  const stride = pick<Pair>(next, strides);
  const options = { kernel, stride, pad: 'same', relu: next(0, 1) === 1 } as const;
  const x = n.input([next(8, 24), next(8, 24), next(1, 4)]);
  return [n.conv(x, next(1, 24), options), `narrow ${words(options)}`];
}

function depthwise(n: Network, next: Draw): Layer {
  const options = windowOptions(next, pick(next, windows));
  return [n.depthwise(image(n, next, next(1, 40)), 1, options), `depthwise ${words(options)}`];
}

/** Depthwise layers with several outputs per channel. */
function several(n: Network, next: Draw): Layer {
  const options = windowOptions(next, pick(next, windows));
  const x = n.input([next(4, 16), next(4, 16), next(1, 16)]);
  const times = next(2, 8);
  return [n.depthwise(x, times, options), `several x ${times} ${words(options)}`];
}

/** Depthwise layers with gaps between taps. */
function dilated(n: Network, next: Draw): Layer {
  const dilation: Pair = [next(1, 3), next(2, 4)];
  const kernel = pick<Pair>(next, windows);
  const options = { kernel, pad: 'same', stride: [1, 1], relu: next(0, 1) === 1 } as const;
  const text = `dilated ${words(options)} by ${dilation.join('x')}`;
  const x = n.input([next(4, 16), next(4, 16), next(1, 24)]);
  return [n.depthwise(x, 1, { ...options, dilation }), text];
}

/** Depthwise layers of the smallest planes. */
function tiny(n: Network, next: Draw): Layer {
  const options = windowOptions(next, pick(next, windows));
  const x = n.input([next(1, 4), next(1, 4), 4 * next(4, 32)]);
  return [n.depthwise(x, 1, options), `tiny ${words(options)}`];
}

function dense(n: Network, next: Draw): Layer {
  return [n.dense(n.input([next(10, 300)]), next(1, 60)), 'dense'];
}

function pool(n: Network, next: Draw): Layer {
  const op = pick(next, ['maxPool2d', 'avgPool2d'] as const);
  const size = pick<Pair>(next, [
    [2, 2],
    [3, 3],
    [5, 3],
    [1, 4],
    [7, 7],
  ]);
  const options = { pad: 'same', stride: pick<Pair>(next, strides.slice(1, 3)) } as const;
  const x = image(n, next, next(1, 40));
  return [n.pool(op, x, size, options), `${op} ${size.join('x')} stride ${options.stride[0]}`];
}

const smallImage = (next: Draw) => [next(3, 12), next(3, 12), next(1, 20)];

function binary(n: Network, next: Draw): Layer {
  const op = pick(next, ['add', 'add', 'mul'] as const);
  const shape = smallImage(next);
  return [n.binary(op, n.input(shape), n.input(shape)), op];
}

/** Operands of which one has a number per channel, per pixel, or one. */
function broadcast(n: Network, next: Draw): Layer {
  const op = pick(next, ['add', 'mul'] as const);
  const shape = smallImage(next);
  const [height, width, channels] = shape;
  const other = pick(next, [
    [1, 1, channels!],
    [height!, width!, 1],
    [1, 1, 1],
  ]);
  return [n.binary(op, n.input(shape), n.input(other)), `broadcast ${op} ${other.join('x')}`];
}

function unary(n: Network, next: Draw): Layer {
  const op = pick(next, ['relu', 'relu6', 'requantize'] as const);
  return [n.activation(op, n.input(smallImage(next)), true), `unary ${op}`];
}

function mean(n: Network, next: Draw): Layer {
  const axes = pick(next, [[1, 2], [1, 2], [3], [1], [2]]);
  const x = n.input([next(2, 14), next(2, 14), next(1, 64)]);
  return [n.mean(x, axes), `mean over ${axes.join(', ')}`];
}

function concat(n: Network, next: Draw): Layer {
  const [height, width, channels] = smallImage(next) as [number, number, number];
  const x = n.input([height, width, channels]);
  return [n.concat([x, n.input([height, width, next(1, 20)])], 3), 'concat'];
}

function softmax(n: Network, next: Draw): Layer {
  return [n.softmax(n.input([next(2, 100)])), 'softmax'];
}

function pad(n: Network, next: Draw): Layer {
  const padding = [0, 0, next(0, 2), next(0, 2), next(0, 2), next(0, 2), 0, next(0, 1)];
  return [n.pad(n.input(smallImage(next)), padding), `pad ${padding.slice(2).join(' ')}`];
}

const families = {
  ...{ conv, narrow, depthwise, several, dilated, tiny, dense, pool, binary, broadcast },
  ...{ unary, mean, concat, softmax, pad },
} as const;

type Family = keyof typeof families;

const isFamily = (name: string): name is Family => Object.hasOwn(families, name);

/** What is drawn from without `--kinds`: layers that take time are frequent. */
const usual: readonly Family[] = ['conv', 'conv', 'depthwise', 'depthwise', 'dense', 'pool'];

function kindsWanted(): readonly Family[] {
  if (values.kinds === undefined) return [...usual, 'binary', 'mean', 'unary'];
  const names = values.kinds.split(',');
  const unknown = names.find((name) => !isFamily(name));
  if (unknown === undefined) return names.filter(isFamily);
  throw new UsageError(`no kind ${unknown}`, {
    hint: `Kinds are ${Object.keys(families).join(', ')}.`,
    where: '--kinds',
  });
}

function draw(n: Network, count: number): Layer[] {
  const next = randomIntegers(seed);
  const kinds = kindsWanted();
  return Array.from({ length: count }, () => families[pick(next, kinds)](n, next));
}

const number = (n: number, digits: number, width: number): string =>
  n.toLocaleString('en-US', { maximumFractionDigits: digits }).padStart(width);

async function measure(dir: string): Promise<void> {
  const n = network('layers', seed);
  const layers = draw(n, Number(values.count));
  const graph = n.finish(...layers.map(([output]) => output));
  const path = join(dir, 'layers.tflite');
  writeFileSync(path, exportTflite(graph));
  const result = await benchModel({ path, board: values.board, timeoutMs: 300_000 });
  const rows = layers.map(([output, text], i) => {
    const { count, macs } = result.layers[i]!;
    const shape = n.shapeOf(output);
    const [x] = graph.nodes[i]!.inputs;
    const outputs = elements(shape);
    return { text, count, macs, each: count / outputs, shapes: [n.shapeOf(x!), shape] };
  });
  rows.sort((a, b) => {
    const [kindA, kindB] = [a, b].map(({ text }) => text.split(' ')[0]!);
    if (kindA !== kindB) return kindA! < kindB! ? -1 : 1;
    return a.macs > 0 ? a.macs / a.count - b.macs / b.count : b.each - a.each;
  });
  for (const { text, count, macs, each, shapes } of rows) {
    const [from, to] = shapes.map((shape) => shape.slice(1).join('x'));
    const rate = macs > 0 ? number(macs / count, 2, 6) : '      ';
    console.log(`${number(count, 0, 10)} ${number(each, 1, 9)} ${rate}  ${text}, ${from} to ${to}`);
  }
}

const dir = mkdtempSync(join(tmpdir(), 'edge-nn-layers-'));
try {
  await measure(dir);
} catch (error) {
  console.error((error as Error).message);
  if (error instanceof EdgeNnError) console.error(error.hint);
  process.exitCode = error instanceof EdgeNnError ? error.code : exitCodes.internal;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
