/**
 * Speed against memory: kernels that work in less memory are taken where the arena gets smaller by
 * more than half the part by which the network gets slower. Memory counts double, because it decides
 * whether a network fits at all.
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

/**
 * The kernels of a network, smaller ones where that is worth it: from the smallest of all, those are
 * fast again without which it is better, by halves.
 *
 * @param fastest the kernels without regard to memory
 * @param macsOf multiply-accumulates of a step
 * @param arenaOf bytes of the arena with some choice of kernels
 * @param enough bytes below which a smaller arena is not looked for
 */
export function tradeMemory(
  fastest: readonly Chosen[],
  macsOf: (node: StepNode) => number,
  arenaOf: (chosen: readonly Chosen[]) => number,
  enough = 0,
): readonly Chosen[] {
  if (!fastest.some(({ kernel }) => kernel.smaller)) return fastest;
  const before = arenaOf(fastest);
  if (before <= enough) return fastest;
  const workOf = (chosen: readonly Chosen[]) =>
    chosen.reduce(
      (sum, { node, kernel }) => sum + (kernel.instructions ?? perMac * macsOf(node)),
      0,
    );
  const work = workOf(fastest);
  const gainOf = (chosen: readonly Chosen[]) =>
    memoryWeight * (1 - arenaOf(chosen) / before) - (workOf(chosen) / work - 1);
  let chosen: readonly Chosen[] = fastest.map(withSmaller);
  if (arenaOf(chosen) >= before) return fastest;
  let gain = gainOf(chosen);
  // Together as far as that goes: every arena takes time to find.
  const restore = (steps: readonly number[]): void => {
    const trial = chosen.map((step, i) => (steps.includes(i) ? fastest[i]! : step));
    const next = gainOf(trial);
    if (next >= gain) {
      [chosen, gain] = [trial, next];
    } else if (steps.length > 1) {
      const half = Math.ceil(steps.length / 2);
      restore(steps.slice(0, half));
      restore(steps.slice(half));
    }
  };
  restore(fastest.flatMap(({ kernel }, i) => (kernel.smaller ? [i] : [])));
  return gain > 0 ? chosen : fastest;
}
