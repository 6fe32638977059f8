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
import { type Plan, type PlanRequest, plan as planArena } from '../plan/plan.js';
import { overwritable } from './kernels/kernel-call.js';
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

/** Bytes of a value. */
export const sizeOf = (value: Value): number => byteSize(value.dtype, elements(value.shape));

/** A step as the planner sees it: buffers that it reads and writes, bytes of scratch. */
export interface PlacedStep {
  readonly reads: readonly ValueId[];
  readonly writes: readonly ValueId[];
  /** Inputs whose memory an output may take. */
  readonly overlaps: readonly { readonly input: ValueId; readonly output: ValueId }[];
}

/** Steps over buffers, of which those of `temps` lie in the arena. */
export interface PlacedSteps {
  readonly steps: readonly PlacedStep[];
  /** Bytes by buffer. */
  readonly temps: ReadonlyMap<ValueId, number>;
  /** The buffer of every value. */
  bufferOf(id: ValueId): ValueId;
}

/** A buffer of many lines of the cache begins at one. */
const lineBytes = 64;
const alignOf = (bytes: number): number => (bytes >= 64 * lineBytes ? lineBytes : align);

/** The planner's request: only intermediate values lie in the arena. */
function arenaRequest(
  { steps, temps, bufferOf }: PlacedSteps,
  scratch: readonly number[],
  results: readonly ValueId[],
): PlanRequest {
  const inArena = (ids: readonly ValueId[]): ValueId[] =>
    [...new Set(ids)].filter((id) => temps.has(id));
  return {
    buffers: [...temps].map(([id, bytes]) => ({
      id,
      bytes: alignUp(bytes),
      align: alignOf(bytes),
    })),
    steps: steps.map(({ reads, writes, overlaps }, i) => ({
      reads: inArena(reads),
      writes: inArena(writes),
      ...(scratch[i]! > 0 && {
        scratch: { bytes: alignUp(scratch[i]!), align: alignOf(scratch[i]!) },
      }),
      overlap: overlaps
        .filter(({ input, output }) => temps.has(input) && temps.has(output))
        .map((pair) => ({ ...pair, minDistance: 0 })),
    })),
    inputs: [],
    outputs: inArena(results.map(bufferOf)),
    // The memory of a computer is no microcontroller's: the start is waited for.
    improvements: 4,
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
  return { addresses, end: Math.ceil(end / lineBytes) * lineBytes };
}

export interface PlacementOptions {
  /** The first free address. */
  readonly base: number;
  /** Bytes of scratch of every step. */
  readonly scratch: readonly number[];
  readonly keep: readonly ValueId[];
  /**
   * Whether the elements of a step are computed in no order: an output then lies where its operand
   * does or apart from it, and never a little below it.
   */
  readonly unordered?: boolean;
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

/** A plan without outputs that lie partly on an operand. */
function planUnordered(request: PlanRequest): Plan {
  const arena = planArena(request);
  const bytes = new Map(request.buffers.map((buffer) => [buffer.id, buffer.bytes]));
  const offset = (id: string): number => arena.offsets.get(id)!;
  const shifted = (input: string, output: string): boolean =>
    offset(input) !== offset(output) &&
    offset(input) < offset(output) + bytes.get(output)! &&
    offset(output) < offset(input) + bytes.get(input)!;
  const steps = request.steps.map((step) => ({
    ...step,
    overlap: step.overlap?.filter(({ input, output }) => !shifted(input, output)),
  }));
  const same = steps.every(
    ({ overlap }, i) => overlap?.length === request.steps[i]!.overlap?.length,
  );
  return same ? arena : planUnordered({ ...request, steps });
}

/** Places everything that a scheduled graph needs. */
export function place(
  graph: Graph,
  { steps, temps, bufferOf }: Schedule,
  options: PlacementOptions,
): Placement {
  const placed = {
    steps: steps.map(({ plan, inputs, output }) => ({
      reads: inputs,
      writes: [output],
      overlaps: inputs
        .filter((input) => overwritable(plan, inputs, input))
        .map((input) => ({ input, output })),
    })),
    temps: new Map([...temps].map(([id, value]) => [id, sizeOf(value)])),
    bufferOf: (id: ValueId) => bufferOf.get(id)!,
  };
  return placeSteps(graph, placed, options);
}

/** Places steps over buffers, and the values that are no buffers of the arena. */
export function placeSteps(
  graph: Graph,
  placed: PlacedSteps,
  { base, scratch, keep, unordered = false }: PlacementOptions,
): Placement {
  const results = [...graph.outputs, ...keep];
  const request = arenaRequest(placed, scratch, results);
  const arena = unordered ? planUnordered(request) : planArena(request);
  const statics = placeStatics(graph, base);
  const addressOf = new Map(statics.addresses);
  for (const [id, offset] of arena.offsets) addressOf.set(id, statics.end + offset);
  return {
    layout: {
      arenaBytes: arena.bytes,
      memoryBytes: statics.end - base + arena.bytes,
      addressOf: (id) => addressOf.get(placed.bufferOf(id))!,
      readable: new Set([...results, ...statics.addresses.keys()]),
    },
    addressOf,
    scratchAt: placed.steps.map((_, i) => statics.end + (arena.scratch[i] ?? 0)),
    end: statics.end + arena.bytes,
  };
}
