/**
 * From steps to lifetimes: which pairs of buffers may not share memory, and how far they may.
 */
import type { BufferId, PlanRequest } from './types.js';

/** A pair that may overlap: the other block, and how this block's offset is bounded by it. */
export interface Neighbour {
  readonly block: number;
  /**
   * `none`: keep apart. `output`: this block is the output, so other - this >= distance also
   * does. `input`: this block is the input, so this - other >= distance also does.
   */
  readonly role: 'none' | 'output' | 'input';
  readonly distance: number;
  /** Whether they may overlap at the same offset only. */
  readonly exact: boolean;
}

/** A buffer or a step's scratch, with the steps [first, last] at which it is live. */
export interface Block {
  readonly id: BufferId;
  readonly bytes: number;
  readonly align: number;
  readonly pinned: number | undefined;
  readonly first: number;
  readonly last: number;
  /** The blocks that are live at the same time. */
  readonly neighbours: readonly Neighbour[];
}

/** The id of a step's scratch among the blocks. */
export const scratchId = (step: number): BufferId => `scratch:${step}`;

type Lifetime = { first: number; last: number };

function lifetimes(request: PlanRequest): Map<BufferId, Lifetime> {
  const lives = new Map<BufferId, Lifetime>();
  for (const { id } of request.buffers) {
    if (lives.has(id)) throw new Error(`plan: two buffers are called ${id}`);
    lives.set(id, { first: Number.POSITIVE_INFINITY, last: Number.NEGATIVE_INFINITY });
  }
  const touch = (id: BufferId, step: number): void => {
    const life = lives.get(id);
    if (!life) throw new Error(`plan: no buffer is called ${id}`);
    life.first = Math.min(life.first, step);
    life.last = Math.max(life.last, step);
  };
  request.steps.forEach(({ reads, writes }, step) => {
    for (const id of [...reads, ...writes]) touch(id, step);
  });
  const end = request.steps.length;
  for (const id of request.inputs) touch(id, -1);
  for (const id of request.outputs) touch(id, end);
  for (const id of request.persistent ?? []) {
    touch(id, -1);
    touch(id, end);
  }
  return lives;
}

const pairKey = (input: BufferId, output: BufferId): string => `${input}\n${output}`;

type Allowed = Pick<Neighbour, 'distance' | 'exact'>;

/** Overlaps that hold: the input dies in the step and the output begins there. */
function allowedOverlaps(
  request: PlanRequest,
  lives: ReadonlyMap<BufferId, Lifetime>,
): Map<string, Allowed> {
  const allowed = new Map<string, Allowed>();
  request.steps.forEach(({ overlap }, step) => {
    for (const { input, output, minDistance, exact = false } of overlap ?? []) {
      if (input === output) continue;
      if (lives.get(input)?.last !== step || lives.get(output)?.first !== step) continue;
      allowed.set(pairKey(input, output), { distance: minDistance, exact });
    }
  });
  return allowed;
}

/**
 * The blocks of a request: its buffers in order, then the scratch of its steps. A buffer that no
 * step touches is live nowhere and has no neighbours.
 */
export function blocksOf(request: PlanRequest): Block[] {
  const lives = lifetimes(request);
  const allowed = allowedOverlaps(request, lives);
  const bare = [
    ...request.buffers.map((b) => ({ ...b, pinned: b.pinned, ...lives.get(b.id)! })),
    ...request.steps.flatMap(({ scratch }, step) =>
      scratch && scratch.bytes > 0
        ? [{ id: scratchId(step), ...scratch, pinned: undefined, first: step, last: step }]
        : [],
    ),
  ];
  return bare.map((a, i) => ({
    ...a,
    neighbours: bare.flatMap((b, j): Neighbour[] => {
      if (i === j || a.first > b.last || b.first > a.last) return [];
      if (a.bytes === 0 || b.bytes === 0) return [];
      const asOutput = b.last === a.first ? allowed.get(pairKey(b.id, a.id)) : undefined;
      if (asOutput !== undefined) return [{ block: j, role: 'output', ...asOutput }];
      const asInput = a.last === b.first ? allowed.get(pairKey(a.id, b.id)) : undefined;
      if (asInput !== undefined) return [{ block: j, role: 'input', ...asInput }];
      return [{ block: j, role: 'none', distance: 0, exact: false }];
    }),
  }));
}
