/**
 * What is asked of the planner, and what it answers.
 */

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
  /** They lie at the same offset, or apart: the kernel works in place, in no such order. */
  readonly exact?: boolean | undefined;
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
  /** How often a plan of every ordering is improved before it is taken; default 64. */
  readonly improvements?: number | undefined;
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
