/**
 * What constant channels add to the outputs of a layer, and the bias that says the same.
 */
import type { Pair } from '../core/shape.js';
import { type Border, borderClass, borderClasses } from '../ir/border.js';
import type { Graph, Node, Value } from '../ir/graph.js';
import { getValue } from '../ir/graph.js';
import { weightsOf } from '../quant/interpret/quant.js';

/** A layer as a window over an image; a dense layer has one pixel. */
export interface Layer {
  readonly input: Pair;
  readonly output: Pair;
  readonly inC: number;
  readonly outC: number;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** Padding before the first row and column. */
  readonly before: Pair;
  /** [outC][kernel][inC] */
  readonly weights: Int8Array;
}

const onePixel: Pair = [1, 1];

const pixels = ({ shape }: Value): Pair => (shape.length === 4 ? [shape[1]!, shape[2]!] : onePixel);

/** The window of a layer with weights [out, ..., in]. */
export function layerOf(graph: Graph, node: Node): Layer {
  const [x, w] = [getValue(graph, node.inputs[0]!), getValue(graph, node.inputs[1]!)];
  const shared = {
    input: pixels(x),
    output: pixels(getValue(graph, node.output)),
    inC: w.shape.at(-1)!,
    outC: w.shape[0]!,
    kernel: pixels(w),
    weights: weightsOf(graph, node),
  };
  if (!('dilation' in node.attrs)) {
    return { ...shared, stride: onePixel, dilation: onePixel, before: [0, 0] };
  }
  const { stride, dilation, pad } = node.attrs;
  return { ...shared, stride, dilation, before: [pad[0], pad[2]] };
}

/** Pixels of the image that output (i, j) sees, with the tap that meets each. */
function seen(layer: Layer, i: number, j: number): { pixel: number; tap: number }[] {
  const { input, kernel, stride, dilation, before } = layer;
  const found: { pixel: number; tap: number }[] = [];
  for (let u = 0; u < kernel[0]; u++) {
    const row = i * stride[0] + u * dilation[0] - before[0];
    for (let v = 0; v < kernel[1]; v++) {
      const column = j * stride[1] + v * dilation[1] - before[1];
      if (row < 0 || row >= input[0] || column < 0 || column >= input[1]) continue;
      found.push({ pixel: row * input[1] + column, tap: u * kernel[1] + v });
    }
  }
  return found;
}

/**
 * The sums of the products of some channels, for every output; int32.
 *
 * @param x the input, of which only these channels are read
 */
export function channelSums(
  layer: Layer,
  x: Int8Array,
  zero: number,
  channels: readonly number[],
): Int32Array {
  const { output, inC, outC, kernel, weights } = layer;
  const perOutput = kernel[0] * kernel[1] * inC;
  const sums = new Int32Array(output[0] * output[1] * outC);
  for (let p = 0; p < output[0] * output[1]; p++) {
    const row = Math.floor(p / output[1]);
    for (const { pixel, tap } of seen(layer, row, p - row * output[1])) {
      for (let o = 0; o < outC; o++) {
        for (const c of channels) {
          const product = (x[pixel * inC + c]! - zero) * weights[o * perOutput + tap * inC + c]!;
          sums[p * outC + o] = sums[p * outC + o]! + product;
        }
      }
    }
  }
  return sums;
}

/** A bias, with the border in which it is not the same everywhere. */
export interface Bias {
  /** undefined: one for all outputs. */
  readonly border: Border | undefined;
  readonly data: Int32Array;
}

/** How many rows (or columns) lie before and after the longest run of equal ones. */
function edges(count: number, equal: (a: number, b: number) => boolean): Pair {
  let best: Pair = [0, count - 1];
  for (let first = 0; first < count; ) {
    let end = first + 1;
    while (end < count && equal(first, end)) end++;
    if (end - first > count - best[0] - best[1]) best = [first, count - end];
    first = end;
  }
  return best;
}

/** A bias per output as one per class of outputs. */
export function compress(
  sums: Int32Array,
  output: Pair,
  channels: number,
): Bias & { readonly classes: number } {
  const [height, width] = output;
  const at = (i: number, j: number): Int32Array =>
    sums.subarray((i * width + j) * channels, (i * width + j + 1) * channels);
  const same = (a: Int32Array, b: Int32Array): boolean => a.every((n, k) => n === b[k]);
  const all = (count: number, holds: (k: number) => boolean): boolean =>
    Array.from({ length: count }, (_, k) => k).every(holds);
  const [top, bottom] = edges(height, (a, b) => all(width, (j) => same(at(a, j), at(b, j))));
  const [left, right] = edges(width, (a, b) => all(height, (i) => same(at(i, a), at(i, b))));
  const border: Border = [top, bottom, left, right];
  const [rows, columns] = borderClasses(border);
  const data = new Int32Array(rows * columns * channels);
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      data.set(at(i, j), borderClass(border, output, i, j) * channels);
    }
  }
  const classes = rows * columns;
  return { border: classes === 1 ? undefined : border, data, classes };
}

/** A bias for every output: the reverse. */
export function expand({ border, data }: Bias, output: Pair, channels: number): Int32Array {
  const [height, width] = output;
  const sums = new Int32Array(height * width * channels);
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const first = border ? borderClass(border, output, i, j) * channels : 0;
      sums.set(data.subarray(first, first + channels), (i * width + j) * channels);
    }
  }
  return sums;
}
