/**
 * Where the values of a scheduled graph lie in one memory:
 *
 *     base       inputs, constants and states
 *     then       the arena: intermediate values and scratch, placed by the planner
 */
import { byteSize } from '../core/dtype.js';
import { UnsupportedError } from '../core/errors.js';
import { elements } from '../core/shape.js';
import type { Graph, Value, ValueId } from '../ir/graph.js';
import { type PlanRequest, plan as planArena } from '../plan/plan.js';
import { overwritable } from './kernel-call.js';
import type { Layout } from './program.js';
import type { Schedule } from './schedule.js';

const align = 16;

/** The next multiple of 16 bytes. */
export const alignUp = (n: number): number => Math.ceil(n / align) * align;

/** @throws UnsupportedError for a graph that is neither of stage float nor train */
export function checkStage(graph: Graph): void {
  if (graph.stage === 'float' || graph.stage === 'train') return;
  throw new UnsupportedError(
    `graph ${graph.name} is ${graph.stage}: the engine runs float graphs`,
    {
      hint: 'Run integer graphs with the integer interpreter (createOracle).',
    },
  );
}

const sizeOf = (value: Value): number => byteSize(value.dtype, elements(value.shape));

/** The planner's request: only intermediate values lie in the arena. */
function arenaRequest(
  { steps, temps, bufferOf }: Schedule,
  scratch: readonly number[],
  results: readonly ValueId[],
): PlanRequest {
  const inArena = (ids: readonly ValueId[]): ValueId[] =>
    [...new Set(ids)].filter((id) => temps.has(id));
  return {
    buffers: [...temps].map(([id, value]) => ({ id, bytes: alignUp(sizeOf(value)), align })),
    steps: steps.map(({ plan, inputs, output }, i) => {
      const reads = inArena(inputs);
      const writes = inArena([output]);
      return {
        reads,
        writes,
        ...(scratch[i]! > 0 && { scratch: { bytes: alignUp(scratch[i]!), align } }),
        overlap: writes.flatMap((id) =>
          reads
            .filter((input) => overwritable(plan, inputs, input))
            .map((input) => ({ input, output: id, minDistance: 0 })),
        ),
      };
    }),
    inputs: [],
    outputs: inArena(results.map((id) => bufferOf.get(id)!)),
  };
}

/** Addresses of inputs, constants and states. */
function placeStatics(
  graph: Graph,
  base: number,
): { addresses: Map<ValueId, number>; end: number } {
  const addresses = new Map<ValueId, number>();
  let end = base;
  for (const value of graph.values.values()) {
    if (value.kind === 'temp') continue;
    addresses.set(value.id, end);
    end = alignUp(end + sizeOf(value));
  }
  return { addresses, end };
}

export interface PlacementOptions {
  /** The first free address. */
  readonly base: number;
  /** Bytes of scratch of every step. */
  readonly scratch: readonly number[];
  readonly keep: readonly ValueId[];
}

export interface Placement {
  readonly layout: Layout;
  /** Addresses of buffers. */
  readonly addressOf: ReadonlyMap<ValueId, number>;
  /** The address of every step's scratch. */
  readonly scratchAt: readonly number[];
  /** The first address that nothing uses. */
  readonly end: number;
}

/** Places everything that a scheduled graph needs. */
export function place(
  graph: Graph,
  plan: Schedule,
  { base, scratch, keep }: PlacementOptions,
): Placement {
  const results = [...graph.outputs, ...keep];
  const arena = planArena(arenaRequest(plan, scratch, results));
  const statics = placeStatics(graph, base);
  const addressOf = new Map(statics.addresses);
  for (const [id, offset] of arena.offsets) addressOf.set(id, statics.end + offset);
  return {
    layout: {
      arenaBytes: arena.bytes,
      addressOf: (id) => addressOf.get(plan.bufferOf.get(id)!)!,
      readable: new Set([...results, ...statics.addresses.keys()]),
    },
    addressOf,
    scratchAt: plan.steps.map((_, i) => statics.end + (arena.scratch[i] ?? 0)),
    end: statics.end + arena.bytes,
  };
}
