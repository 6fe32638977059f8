/**
 * Integer semantics of add, mul, requantize, relu and relu6.
 */
import { multiplyByQuantizedMultiplier } from '../../core/fixed-point.js';
import { type Shape, strides } from '../../core/shape.js';
import { type Graph, getValue, type Node, type Value } from '../../ir/graph.js';
import { addLeftShift, addMultipliers, clampOf, mulMultiplier, rescale } from './params.js';
import { elementsOf, perTensor } from './quant.js';
import type { Kernel, Rule } from './rule.js';

/** For each element of the output, the element of an operand that broadcasting pairs with it. */
function broadcastIndex(from: Shape, to: Shape): Int32Array {
  const own = strides(from);
  const outer = strides(to);
  const skip = to.length - from.length;
  return Int32Array.from({ length: to.reduce((n, d) => n * d, 1) }, (_, at) =>
    from.reduce((sum, d, i) => {
      const index = Math.floor(at / outer[i + skip]!) % to[i + skip]!;
      return sum + (d === 1 ? 0 : index * own[i]!);
    }, 0),
  );
}

/** y = clamp(outZero + combine(a, b)) over broadcast operands. */
function binary(graph: Graph, node: Node, combine: (a: number, b: number) => number): Kernel {
  const yValue = getValue(graph, node.output);
  const [indexA, indexB] = node.inputs.map((id) =>
    broadcastIndex(getValue(graph, id).shape, yValue.shape),
  );
  const { zero } = perTensor(yValue);
  const [low, high] = clampOf(graph, node);
  return ([a, b], y) => {
    for (let i = 0; i < y.length; i++) {
      const sum = zero + combine(a![indexA![i]!]!, b![indexB![i]!]!);
      y[i] = Math.min(Math.max(sum, low), high);
    }
  };
}

const zeroOf = (graph: Graph, node: Node, input: number): number =>
  perTensor(getValue(graph, node.inputs[input]!)).zero;

export const add: Rule<'add'> = (graph, node) => {
  const { a: factorA, b: factorB, out } = addMultipliers(graph, node);
  const [zeroA, zeroB] = [zeroOf(graph, node, 0), zeroOf(graph, node, 1)];
  const unit = 2 ** addLeftShift(getValue(graph, node.output));
  return binary(graph, node, (a, b) => {
    const wideA = (a - zeroA) * unit;
    const wideB = (b - zeroB) * unit;
    const sum =
      multiplyByQuantizedMultiplier(wideA, factorA.multiplier, factorA.shift) +
      multiplyByQuantizedMultiplier(wideB, factorB.multiplier, factorB.shift);
    return multiplyByQuantizedMultiplier(sum, out.multiplier, out.shift);
  });
};

export const mul: Rule<'mul'> = (graph, node) => {
  const { multiplier, shift } = mulMultiplier(graph, node);
  const [zeroA, zeroB] = [zeroOf(graph, node, 0), zeroOf(graph, node, 1)];
  return binary(graph, node, (a, b) =>
    multiplyByQuantizedMultiplier((a - zeroA) * (b - zeroB), multiplier, shift),
  );
};

/** One value's bytes in another's scale and zero point, within a clamp. */
export function requantizer(
  from: Value,
  to: Value,
  [low, high]: readonly [number, number],
): (x: number) => number {
  const { multiplier, shift } = rescale(from, to);
  const { zero } = perTensor(from);
  const { zero: outZero } = perTensor(to);
  return (x) => {
    const y = outZero + multiplyByQuantizedMultiplier(x - zero, multiplier, shift);
    return Math.min(Math.max(y, low), high);
  };
}

/** requantize, relu and relu6, which are a change of scale within a clamp. */
export function rescaled(graph: Graph, node: Node): Kernel {
  const output = getValue(graph, node.output);
  const convert = requantizer(getValue(graph, node.inputs[0]!), output, clampOf(graph, node));
  return ([x], y) => {
    for (let i = 0; i < elementsOf(output); i++) y[i] = convert(x![i]!);
  };
}
