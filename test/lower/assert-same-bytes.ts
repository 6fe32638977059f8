/**
 * What lowering promises: no pass changes a byte.
 */
import assert from 'node:assert/strict';
import type { AnyArray } from '../../host/core/dtype.js';
import type { Graph } from '../../host/ir/graph.js';
import { createOracle } from '../../host/quant/interpret/interpret.js';
import { randomInputs } from './networks.js';

/** Some channels, in ascending order, of an array with `count` of them. */
export function channelsOf(bytes: AnyArray, count: number, channels: readonly number[]): AnyArray {
  const wanted = new Set(channels);
  return (bytes as Int8Array).filter((_, i) => wanted.has(i % count));
}

/** Every value that both graphs have must hold the same bytes, in the channels that it has left. */
export function assertSameBytes(before: Graph, after: Graph, seed: number): void {
  assert.deepEqual(after.inputs, before.inputs);
  assert.deepEqual(after.outputs, before.outputs);
  const inputs = randomInputs(before, seed);
  const expected = createOracle(before).runAll(inputs);
  for (const [id, bytes] of createOracle(after).runAll(inputs)) {
    const known = expected.get(id);
    const { channels, kind } = after.values.get(id)!;
    if (kind === 'const' && !known) continue;
    const source = before.values.get(id)!;
    const of = source.channels ?? Array.from({ length: source.shape.at(-1) ?? 1 }, (_, c) => c);
    const place = new Map(of.map((channel, i) => [channel, i]));
    const left = (channels ?? of).map((channel) => place.get(channel)!);
    assert.deepEqual(bytes, channels ? channelsOf(known!, of.length, left) : known, `%${id}`);
  }
}
