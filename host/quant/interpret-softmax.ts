/**
 * Integer semantics of softmax over the last axis.
 */
import {
  expOnNegativeValues,
  reciprocal,
  roundingDivideByPot,
  saturatingRoundingDoublingHighMul,
} from '../core/fixed-point.js';
import { getValue } from '../ir/graph.js';
import { softmaxScaling } from './interpret-params.js';
import type { Rule } from './interpret-rule.js';

/** The sum of the exponentials has 12 integer bits. */
const sumBits = 12;

export const softmax: Rule<'softmax'> = (graph, node) => {
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
      const logits = x!.subarray(row, row + classes);
      const max = logits.reduce((a, b) => Math.max(a, b));
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
};
