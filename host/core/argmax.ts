/** Index of the largest of `count` elements from `from`, counted from there; the first of equals. */
export function argmax(
  values: ArrayLike<number>,
  from = 0,
  count: number = values.length - from,
): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[from + i]! > values[from + best]!) best = i;
  return best;
}
