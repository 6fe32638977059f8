/**
 * What no plan can go below: the bytes that are live at the fullest step, less what its overlaps
 * can at best save.
 */
import type { Block } from './liveness.js';
import type { BufferId, PlanRequest } from './types.js';

export interface Bound {
  readonly lowerBound: number;
  readonly peakStep: number;
  readonly live: readonly { readonly id: BufferId; readonly bytes: number }[];
}

/** The most that the overlaps of one step can save; an output shares each of its bytes once. */
function saving(blocks: readonly Block[], step: number): number {
  let total = 0;
  for (const block of blocks) {
    if (block.first !== step) continue;
    let shared = 0;
    for (const { block: j, role, distance } of block.neighbours) {
      if (role !== 'output') continue;
      const input = blocks[j]!;
      shared += Math.max(0, Math.min(input.bytes, block.bytes, block.bytes - distance));
    }
    total += Math.min(block.bytes, shared);
  }
  return total;
}

/** The lower bound of a request, and where it comes from. */
export function bound(request: PlanRequest, blocks: readonly Block[]): Bound {
  const liveAt = (step: number) => blocks.filter((b) => b.first <= step && step <= b.last);
  let lowerBound = 0;
  let peakStep = 0;
  for (let step = -1; step <= request.steps.length; step++) {
    const sum = liveAt(step).reduce((bytes, block) => bytes + block.bytes, 0);
    const least = sum - saving(blocks, step);
    if (least <= lowerBound) continue;
    lowerBound = least;
    peakStep = Math.min(Math.max(step, 0), Math.max(request.steps.length - 1, 0));
  }
  const live = liveAt(peakStep).map(({ id, bytes }) => ({ id, bytes }));
  live.sort((a, b) => b.bytes - a.bytes);
  return { lowerBound, peakStep, live };
}
