/**
 * When a kernel that is slower and needs less memory is taken.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kernel } from '../../host/lower/lowered.js';
import type { StepNode } from '../../host/lower/lowered-ops.js';
import { type Chosen, tradeMemory } from '../../host/lower/trade-memory.js';

const kernel = (name: string, scratchBytes: number, instructions: number): Kernel => ({
  ...{ name, header: 'none.h', order: 'any' as const },
  ...{ scratchBytes, instructions },
});

/** A step of 1,000 instructions in 100 bytes, or of more in 50. */
const step = (slow?: number): Chosen => ({
  node: { op: 'conv2d' } as StepNode,
  kernel: {
    ...kernel('fast', 100, 1000),
    ...(slow !== undefined && { smaller: kernel('small', 50, slow) }),
  },
});

/** Steps that each need their scratch beside their value. */
const arena =
  (values: readonly number[]) =>
  (chosen: readonly Chosen[]): number =>
    Math.max(...values.map((bytes, i) => bytes + chosen[i]!.kernel.scratchBytes!));

const traded = (steps: readonly Chosen[], values: readonly number[], limit?: number): string[] =>
  tradeMemory(steps, () => 0, arena(values), limit).map((chosen) => chosen.kernel.name);

test('the smaller kernel is taken where it saves twice the part of the arena that it costs in time', () => {
  // 5 % of 1,000 bytes against the slower step's part of 2,000 instructions.
  assert.deepEqual(traded([step(1190), step()], [900, 0]), ['small', 'fast']);
  assert.deepEqual(traded([step(1210), step()], [900, 0]), ['fast', 'fast']);
});

test('only the steps that the arena depends on are slower', () => {
  assert.deepEqual(traded([step(1010), step(1010), step(1010)], [900, 849, 0]), [
    'small',
    'fast',
    'fast',
  ]);
  assert.deepEqual(traded([step(1010), step(1010)], [900, 900]), ['small', 'small']);
});

test('nothing is slower where the arena stays as it is', () => {
  assert.deepEqual(traded([step(1000), step()], [0, 900]), ['fast', 'fast']);
});

test('with a limit memory decides: whatever it costs in time, and nothing beyond what the limit needs', () => {
  const steps = [step(9000), step(9000), step(9000)];
  assert.deepEqual(traded(steps, [900, 880, 0], 1000), ['fast', 'fast', 'fast']);
  assert.deepEqual(traded(steps, [900, 880, 0], 990), ['small', 'fast', 'fast']);
  assert.deepEqual(traded(steps, [900, 880, 0], 960), ['small', 'small', 'fast']);
});

test('where no choice reaches the limit, the smallest arena is told at once', () => {
  let plans = 0;
  const steps = [step(1010), step(1010), step(1010), step(1010)];
  const arenaOf = (chosen: readonly Chosen[]) => {
    plans++;
    return arena([900, 880, 0, 0])(chosen);
  };
  const chosen = tradeMemory(steps, () => 0, arenaOf, 500);
  assert.deepEqual(arena([900, 880, 0, 0])(chosen), 950);
  assert.ok(plans <= 2, `${plans} plans`);
});
