/**
 * A question about scales and zero points that several passes ask.
 */
import type { Value } from '../ir/graph.js';

/** Whether equal bytes of the two values mean equal numbers. */
export function sameQuantization(a: Value, b: Value): boolean {
  const [p, q] = [a.quant, b.quant];
  if (!p || !q || p.axis !== q.axis || p.scheme !== q.scheme || a.dtype !== b.dtype) return false;
  return (
    p.scale.length === q.scale.length &&
    p.scale.every((scale, i) => scale === q.scale[i]) &&
    p.zeroPoint.every((zero, i) => zero === q.zeroPoint[i])
  );
}
