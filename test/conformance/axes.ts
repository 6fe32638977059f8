/** Axes and lists among the attributes of worked examples. */
import type { Attrs } from './derived-ops.js';
import { isYes, numbersOf, pick } from './example.js';

export const listOf = (value: unknown): number[] | undefined =>
  value === undefined || value === null ? undefined : numbersOf(value);

export const axisOf = (attrs: Attrs): number | undefined =>
  listOf(pick(attrs, 'axis', 'dim', 'dimension', 'axes', 'concatDim'))?.[0];

/** Axes of an op; undefined: all. Truth values say of each axis whether it is one. */
export function axes(attrs: Attrs): number[] | undefined {
  const given = pick(attrs, 'axes', 'axis', 'dims', 'dim', 'reductionIndices', 'squeezeDims');
  const isMask = Array.isArray(given) && given.some((v) => typeof v === 'boolean');
  return isMask ? given.flatMap((on, i) => (isYes(on) ? [i] : [])) : listOf(given);
}
