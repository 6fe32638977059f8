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

export type BufferId = string;

export interface PlanBuffer {
  readonly id: BufferId;
  readonly bytes: number;
  /** A power of two; 1 means anywhere. */
  readonly align: number;
  /** A fixed offset. */
  readonly pinned?: number | undefined;
}

/**
 * The output may share memory with the input, if the input dies in this step, as long as
 * inputOffset - outputOffset >= minDistance (0: in place, or the output lower). The kernel must
 * read and write in ascending order.
 */
export interface PlanOverlap {
  readonly input: BufferId;
  readonly output: BufferId;
  readonly minDistance: number;
}

export interface PlanStep {
  readonly reads: readonly BufferId[];
  readonly writes: readonly BufferId[];
  /** Memory that the step alone uses. */
  readonly scratch?: { readonly bytes: number; readonly align: number } | undefined;
  readonly overlap?: readonly PlanOverlap[] | undefined;
}

export interface PlanRequest {
  readonly buffers: readonly PlanBuffer[];
  readonly steps: readonly PlanStep[];
  /** Live from the start. */
  readonly inputs: readonly BufferId[];
  /** Live to the end. */
  readonly outputs: readonly BufferId[];
  /** Live always. */
  readonly persistent?: readonly BufferId[] | undefined;
}

export interface Plan {
  readonly offsets: ReadonlyMap<BufferId, number>;
  /** Offset of each step's scratch. */
  readonly scratch: readonly (number | undefined)[];
  /** Bytes of the arena. */
  readonly bytes: number;
  /** No plan of these steps in this order can be smaller. */
  readonly lowerBound: number;
  /** The step at which most bytes are live. */
  readonly peakStep: number;
  /** What is live there, largest first; scratch is named `scratch:<step>`. */
  readonly live: readonly { readonly id: BufferId; readonly bytes: number }[];
}

/**
 * Plans one arena. Equal requests give equal plans.
 *
 * @throws Error when the request is inconsistent: an unknown or doubled id, or two buffers that
 *   are pinned onto each other while both are live
 */
export function plan(request: PlanRequest): Plan {
  const blocks = blocksOf(request);
  const offsets = place(blocks);
  const { lowerBound, peakStep, live } = bound(request, blocks);
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
