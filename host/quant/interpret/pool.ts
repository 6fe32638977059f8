/**
 * Integer semantics of maxPool2d, avgPool2d and mean.
 */
import { multiplyByQuantizedMultiplier } from '../../core/fixed-point.js';
import { normalizeAxis, strides } from '../../core/shape.js';
import { type Graph, getValue, type NodeOf } from '../../ir/graph.js';
import { clampOf, meanMultiplier } from './params.js';
import {
  elementsOf,
  perTensor,
  requireBatchOfOne,
  sharedQuantization,
  storedRange,
} from './quant.js';
import type { Kernel, Rule } from './rule.js';

const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);

/** a / b rounded to the nearest integer, halves away from zero; b > 0. */
const divideRounded = (a: number, b: number): number =>
  Math.sign(a) * Math.floor((2 * Math.abs(a) + b) / (2 * b));

/** Largest or sum of the taps inside the image, and their number, to the output. */
interface Reduction {
  readonly start: number;
  step(acc: number, x: number): number;
  finish(acc: number, count: number): number;
}

function pool(
  graph: Graph,
  node: NodeOf<'maxPool2d'> | NodeOf<'avgPool2d'>,
  { start, step, finish }: Reduction,
): Kernel {
  const xValue = getValue(graph, node.inputs[0]!);
  requireBatchOfOne(xValue);
  sharedQuantization(graph, node);
  const [, height, width, channels] = xValue.shape as [number, number, number, number];
  const [, outH, outW] = getValue(graph, node.output).shape as [number, number, number];
  const { size, stride, pad } = node.attrs;
  const [low, high] = clampOf(graph, node);
  return ([x], y) => {
    let at = 0;
    for (let i = 0; i < outH; i++) {
      for (let j = 0; j < outW; j++) {
        for (let c = 0; c < channels; c++) {
          let acc = start;
          let count = 0;
          for (let u = 0; u < size[0]; u++) {
            for (let v = 0; v < size[1]; v++) {
              const row = i * stride[0] + u - pad[0];
              const col = j * stride[1] + v - pad[2];
              if (row < 0 || row >= height || col < 0 || col >= width) continue;
              acc = step(acc, x![(row * width + col) * channels + c]!);
              count++;
            }
          }
          y[at++] = clamp(finish(acc, count), low, high);
        }
      }
    }
  };
}

export const maxPool2d: Rule<'maxPool2d'> = (graph, node) =>
  pool(graph, node, {
    start: storedRange(getValue(graph, node.output))[0],
    step: (acc, x) => Math.max(x, acc),
    finish: (acc) => acc,
  });

export const avgPool2d: Rule<'avgPool2d'> = (graph, node) =>
  pool(graph, node, { start: 0, step: (acc, x) => acc + x, finish: divideRounded });

/** For each input element, the output element that it belongs to. */
function meanTargets(shape: readonly number[], axes: readonly number[]): Int32Array {
  const kept = shape.map((d, i) => (axes.includes(i) ? 1 : d));
  const from = strides(shape);
  const to = strides(kept);
  return Int32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, at) =>
    shape.reduce((sum, d, i) => {
      const index = Math.floor(at / from[i]!) % d;
      return sum + (kept[i] === 1 ? 0 : index * to[i]!);
    }, 0),
  );
}

export const mean: Rule<'mean'> = (graph, node) => {
  const xValue = getValue(graph, node.inputs[0]!);
  const yValue = getValue(graph, node.output);
  const axes = node.attrs.axes.map((axis) => normalizeAxis(axis, xValue.shape.length));
  const targets = meanTargets(xValue.shape, axes);
  const count = elementsOf(xValue) / elementsOf(yValue);
  const { multiplier, shift } = meanMultiplier(xValue, yValue, count);
  const { zero } = perTensor(xValue);
  const { zero: outZero } = perTensor(yValue);
  const [low, high] = storedRange(yValue);
  const sums = new Int32Array(elementsOf(yValue));
  return ([x], y) => {
    sums.fill(-zero * count);
    for (let i = 0; i < targets.length; i++) {
      const target = targets[i]!;
      sums[target] = sums[target]! + x![i]!;
    }
    for (let i = 0; i < y.length; i++) {
      const real = multiplyByQuantizedMultiplier(sums[i]!, multiplier, shift);
      y[i] = clamp(outZero + real, low, high);
    }
  };
};
