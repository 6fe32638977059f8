/**
 * Integer semantics of softmax over the last axis: int8 by polynomials, int16 by tables.
 */
import {
  expOnNegativeValues,
  multiplyByQuantizedMultiplier,
  reciprocal,
  roundingDivideByPot,
  saturatingRoundingDoublingHighMul,
} from '../../core/fixed-point.js';
import { type Graph, getValue, type NodeOf } from '../../ir/graph.js';
import { softmaxS16Scaling, softmaxScaling } from './params.js';
import type { Kernel, Rule } from './rule.js';
import { expTable, lookup, reciprocalTable } from './softmax-tables.js';

/** The sum of the exponentials has 12 integer bits. */
const sumBits = 12;

function softmaxS8(graph: Graph, node: NodeOf<'softmax'>): Kernel {
  const xValue = getValue(graph, node.inputs[0]!);
  const { multiplier, shift, diffMin } = softmaxScaling(xValue, getValue(graph, node.output));
  const classes = xValue.shape.at(-1)!;
  /** exp(difference) in Q0.31, by -difference; 0 for differences below diffMin. */
  const exps = Int32Array.from({ length: 256 }, (_, below) =>
    -below < diffMin
      ? 0
      : expOnNegativeValues(saturatingRoundingDoublingHighMul(-below * 2 ** shift, multiplier)),
  );
  return ([x], y) => {
    for (let row = 0; row < y.length; row += classes) {
      const logits = Array.from(x!.subarray(row, row + classes));
      const max = Math.max(...logits);
      const sum = logits.reduce((s, v) => s + roundingDivideByPot(exps[max - v]!, sumBits), 0);
      const { scale, bitsOverUnit } = reciprocal(sum, sumBits);
      // The result has 8 bits: 256 stands for 1.
      const exponent = bitsOverUnit + 31 - 8;
      logits.forEach((v, i) => {
        const product = saturatingRoundingDoublingHighMul(scale, exps[max - v]!);
        const real = exponent < 32 ? roundingDivideByPot(product, exponent) : 0;
        y[row + i] = Math.min(real - 128, 127);
      });
    }
  };
}

const clampS16 = (x: number): number => Math.min(Math.max(x, -32768), 32767);

/** One row: exponentials in Q0.15, their sum in Q16.15, its reciprocal in Q0.15. */
function softmaxS16(graph: Graph, node: NodeOf<'softmax'>): Kernel {
  const xValue = getValue(graph, node.inputs[0]!);
  const { multiplier, shift } = softmaxS16Scaling(xValue, getValue(graph, node.output));
  const classes = xValue.shape.at(-1)!;
  return ([x], y) => {
    for (let row = 0; row < y.length; row += classes) {
      const logits = Array.from(x!.subarray(row, row + classes));
      const max = Math.max(...logits);
      const exps = logits.map((v) => {
        const steps = multiplyByQuantizedMultiplier(v - max, multiplier, shift);
        return lookup(expTable, clampS16(steps + 32767));
      });
      const sum = exps.reduce((a, b) => a + b, 0);
      const zeros = Math.clz32(sum);
      // The sum as 1 + a with a in [0, 1), of which 65536 steps are an int16 argument.
      const mantissa = Math.floor((sum * 2 ** (zeros - 1) + 2 ** 13) / 2 ** 14);
      const scale = lookup(reciprocalTable, clampS16(mantissa - 2 ** 15 - 2 ** 16));
      const right = 31 - zeros;
      exps.forEach((e, i) => {
        y[row + i] = Math.min(Math.max((e * scale + 2 ** (right - 1)) >> right, 0), 32767);
      });
    }
  };
}

export const softmax: Rule<'softmax'> = (graph, node) =>
  getValue(graph, node.output).dtype === 's16' ? softmaxS16(graph, node) : softmaxS8(graph, node);
