/**
 * The memory planner: where in one arena each buffer lies. It knows no ops.
 *
 * A buffer is live from the step that first touches it to the step that last does. Two buffers
 * that are live at one step may not overlap, except where a step says that its output may share
 * memory with an input that dies there. Placement is first-fit after several orderings (Pisarchyk
 * and Lee, "Efficient memory management for deep neural net inference", 2020, names the useful
 * ones), then the buffer that reaches highest is moved to the front and the best plan is kept.
 */
import { bound } from './bound.js';
import { type Block, blocksOf, scratchId } from './liveness.js';
import { place } from './place.js';
import type { Plan, PlanRequest } from './types.js';

export type {
  BufferId,
  Plan,
  PlanBuffer,
  PlanOverlap,
  PlanRequest,
  PlanStep,
} from './types.js';

/**
 * Plans one arena. Equal requests give equal plans.
 *
 * @throws Error when the request is inconsistent: an unknown or doubled id, or two buffers that
 *   are pinned onto each other while both are live
 */
export function plan(request: PlanRequest): Plan {
  const blocks = blocksOf(request);
  const { lowerBound, peakStep, live } = bound(request, blocks);
  const offsets = place(blocks, lowerBound, request.improvements);
  const bytes = blocks.reduce((top, block, i) => Math.max(top, offsets[i]! + block.bytes), 0);
  const byId = new Map(blocks.map((block: Block, i) => [block.id, offsets[i]!]));
  return {
    offsets: new Map(request.buffers.map(({ id }) => [id, byId.get(id)!])),
    scratch: request.steps.map((_, step) => byId.get(scratchId(step))),
    bytes,
    lowerBound,
    peakStep,
    live,
  };
}
