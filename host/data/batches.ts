/**
 * The order in which training sees the examples.
 */
import { randomPermutation } from '../core/random.js';

export interface BatchOrder {
  readonly seed: number;
  readonly epoch: number;
}

/**
 * The batches of one epoch: lists of example numbers, `size` each, the last one shorter where the
 * count is no multiple. A pure function of its arguments.
 *
 * @param order shuffles by seed and epoch; without it the examples come in their own order
 */
export function batches(count: number, size: number, order?: BatchOrder): Uint32Array[] {
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`batch size ${size}`);
  const indices = order
    ? randomPermutation({ seed: order.seed, purpose: 'shuffle', epoch: order.epoch }, count)
    : Uint32Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: Math.ceil(count / size) }, (_, i) =>
    indices.subarray(i * size, (i + 1) * size),
  );
}
