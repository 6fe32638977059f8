/**
 * Speed against memory: kernels that work in less memory are taken where the arena gets smaller by
 * more than half the part by which the network gets slower. Memory counts double, because it decides
 * whether a network fits at all. With a limit of the arena, that alone decides.
 */
import type { Kernel, RowGroup } from './lowered.js';
import type { StepNode } from './lowered-ops.js';

/** A step with its kernel; with `rows`, the first layers row by row, of which `node` is the last. */
export interface Chosen {
  readonly node: StepNode;
  readonly kernel: Kernel;
  readonly rows?: RowGroup;
}

/** How much more a part of the arena is worth than the same part of the instructions. */
const memoryWeight = 2;

/** Instructions of a multiply-accumulate in layers that say nothing: depthwise ones, mostly. */
const perMac = 3;

const withSmaller = (step: Chosen): Chosen =>
  step.kernel.smaller ? { ...step, kernel: step.kernel.smaller } : step;

type ArenaOf = (chosen: readonly Chosen[]) => number;

/**
 * From a choice, as many steps as `keeps` allows get their fast kernels back: together as far as that
 * goes, else by halves, since every arena takes time to find.
 */
function restored(
  smaller: readonly Chosen[],
  fastest: readonly Chosen[],
  keeps: (trial: readonly Chosen[]) => boolean,
): readonly Chosen[] {
  let chosen = smaller;
  const restore = (steps: readonly number[]): void => {
    const trial = chosen.map((step, i) => (steps.includes(i) ? fastest[i]! : step));
    if (keeps(trial)) {
      chosen = trial;
    } else if (steps.length > 1) {
      const half = Math.ceil(steps.length / 2);
      restore(steps.slice(0, half));
      restore(steps.slice(half));
    }
  };
  restore(fastest.flatMap(({ kernel }, i) => (kernel.smaller ? [i] : [])));
  return chosen;
}

/** Without a limit: an arena that is smaller by some part, for at most twice that part of the time. */
function tradeFreely(
  fastest: readonly Chosen[],
  macsOf: (node: StepNode) => number,
  arenaOf: ArenaOf,
  before: number,
): readonly Chosen[] {
  const workOf = (chosen: readonly Chosen[]) =>
    chosen.reduce(
      (sum, { node, kernel }) => sum + (kernel.instructions ?? perMac * macsOf(node)),
      0,
    );
  const work = workOf(fastest);
  const gainOf = (chosen: readonly Chosen[]) =>
    memoryWeight * (1 - arenaOf(chosen) / before) - (workOf(chosen) / work - 1);
  const smaller = fastest.map(withSmaller);
  if (arenaOf(smaller) >= before) return fastest;
  let gain = gainOf(smaller);
  const chosen = restored(smaller, fastest, (trial) => {
    const next = gainOf(trial);
    if (next < gain) return false;
    gain = next;
    return true;
  });
  return gain > 0 ? chosen : fastest;
}

/**
 * The kernels of a network, smaller ones where that is worth it.
 *
 * @param fastest the kernels without regard to memory
 * @param macsOf multiply-accumulates of a step
 * @param arenaOf bytes of the arena with some choice of kernels
 * @param limit of the arena: what it needs decides, and where it cannot be reached the smallest
 *   arena; 0 for none
 */
export function tradeMemory(
  fastest: readonly Chosen[],
  macsOf: (node: StepNode) => number,
  arenaOf: ArenaOf,
  limit = 0,
): readonly Chosen[] {
  if (!fastest.some(({ kernel }) => kernel.smaller)) return fastest;
  const before = arenaOf(fastest);
  if (before <= limit) return fastest;
  if (limit === 0) return tradeFreely(fastest, macsOf, arenaOf, before);
  const smaller = fastest.map(withSmaller);
  const least = arenaOf(smaller);
  if (least > limit) return least < before ? smaller : fastest;
  return restored(smaller, fastest, (trial) => arenaOf(trial) <= limit);
}
