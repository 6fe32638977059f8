/**
 * Integer semantics of reshape, concat and pad.
 */
import { elements, normalizeAxis, strides } from '../../core/shape.js';
import { getValue } from '../../ir/graph.js';
import { requantizer } from './elementwise.js';
import { clampOf } from './params.js';
import { sharedQuantization } from './quant.js';
import type { Rule } from './rule.js';

export const reshape: Rule<'reshape'> = (graph, node) => {
  sharedQuantization(graph, node);
  return ([x], y) => y.set(x!);
};

/** Inputs of another scale than the output's are requantized. */
export const concat: Rule<'concat'> = (graph, node) => {
  const yValue = getValue(graph, node.output);
  const axis = normalizeAxis(node.attrs.axis, yValue.shape.length);
  const inner = elements(yValue.shape.slice(axis + 1));
  const rowLength = yValue.shape[axis]! * inner;
  let offset = 0;
  const parts = node.inputs.map((id) => {
    const value = getValue(graph, id);
    const length = value.shape[axis]! * inner;
    const part = { length, offset, convert: requantizer(value, yValue, clampOf(graph, node)) };
    offset += length;
    return part;
  });
  return (inputs, y) => {
    parts.forEach(({ length, offset: first, convert }, k) => {
      inputs[k]!.forEach((x, i) => {
        y[Math.floor(i / length) * rowLength + first + (i % length)] = convert(x);
      });
    });
  };
};

/** The border holds the zero point. */
export const pad: Rule<'pad'> = (graph, node) => {
  const { zero } = sharedQuantization(graph, node);
  const { shape } = getValue(graph, node.inputs[0]!);
  const from = strides(shape);
  const to = strides(getValue(graph, node.output).shape);
  const target = (at: number): number =>
    shape.reduce((sum, d, i) => {
      const index = Math.floor(at / from[i]!) % d;
      return sum + (index + node.attrs.padding[2 * i]!) * to[i]!;
    }, 0);
  const targets = Int32Array.from({ length: elements(shape) }, (_, at) => target(at));
  return ([x], y) => {
    y.fill(zero);
    targets.forEach((at, i) => {
      y[at] = x![i]!;
    });
  };
};
