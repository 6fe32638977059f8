/**
 * Programs for the processor: one memory, and in it the flat list of kernel calls that
 * kernels/c/engine_kernels.h runs. The wasm and native engines differ in who holds the memory.
 *
 *     base       calls, their parameter structs
 *     statics    inputs, constants and states
 *     arena      intermediate values and scratch, placed by the planner
 */
import type { Graph, ValueId } from '../../ir/graph.js';
import { alignUp, checkStage, placeSteps, sizeOf } from '../placement.js';
import type { Layout } from '../program.js';
import { type Schedule, schedule } from '../schedule.js';
import { type Fused, fuse } from './fuse.js';
import { type CpuArg, type CpuCall, type CpuStep, cpuStep } from './step.js';

/** What the host knows of compiled kernels. */
export interface CpuLibrary {
  /** The variant, such as avx512. */
  readonly variant: string;
  readonly kernels: ReadonlyMap<string, number>;
  readonly tiles: ReadonlyMap<string, number>;
  readonly scratches: ReadonlyMap<string, number>;
  /** Floats of scratch, by the number of a function of `scratches`. */
  scratchFloats(index: number, params: Int32Array): number;
}

/** Words of the C struct `enn_call`: kernel, params, 24 addresses. */
export const callWords = 26;

/** A program that knows all its addresses. */
export interface CpuProgram {
  readonly layout: Layout;
  /** What lies from `base` on before anything else: calls and parameters. */
  readonly code: Int32Array;
  readonly base: number;
  /** The kernel of every call; the calls begin at the base. */
  readonly names: readonly string[];
  /** Bytes of the memory. */
  readonly bytes: number;
}

/** Bytes of scratch of a step: the most that one of its calls needs. */
function scratchBytes({ calls }: CpuStep, library: CpuLibrary): number {
  const sizes = calls.map(({ scratch, params }) =>
    scratch === undefined
      ? 0
      : 4 * library.scratchFloats(library.scratches.get(scratch)!, Int32Array.from(params)),
  );
  return Math.max(0, ...sizes);
}

function fused(graph: Graph, plan: Schedule, library: CpuLibrary, keep: readonly ValueId[]): Fused {
  const updated = graph.states.filter(({ update }) => update !== undefined);
  return fuse({
    steps: plan.steps.map(cpuStep),
    temps: new Map([...plan.temps].map(([id, value]) => [id, sizeOf(value)])),
    results: new Set([...graph.outputs, ...keep].map((id) => plan.bufferOf.get(id)!)),
    states: new Set(updated.map(({ value }) => value)),
    tileIndex: (op) => library.tiles.get(op),
  });
}

/** Where the words of calls and parameters lie, in words from the base. */
function codeLayout(calls: readonly CpuCall[]): { params: number[]; words: number } {
  let words = calls.length * callWords;
  const params = calls.map((call) => {
    const at = words;
    words += Math.ceil(call.params.length / 4) * 4;
    return at;
  });
  return { params, words };
}

/** The word that a call holds for an argument: its address in words, 0 for none. */
function address(arg: CpuArg, scratchAt: number, addressOf: (id: ValueId) => number): number {
  if (arg === 'null') return 0;
  return arg === 'scratch' ? scratchAt / 4 : addressOf(arg.buffer) / 4 + arg.offset;
}

/** The words of calls and their parameters, as the C structs have them. */
function encodeCalls(
  calls: readonly CpuCall[],
  library: CpuLibrary,
  base: number,
  argsOf: (call: CpuCall, at: number) => readonly number[],
): Int32Array {
  const { params, words } = codeLayout(calls);
  const code = new Int32Array(words);
  for (const [at, call] of calls.entries()) {
    const kernel = library.kernels.get(call.kernel);
    if (kernel === undefined) throw new Error(`the engine has no kernel ${call.kernel}`);
    code.set([kernel, base / 4 + params[at]!, ...argsOf(call, at)], at * callWords);
    code.set(call.params, params[at]!);
  }
  return code;
}

/**
 * Prepares a graph of stage float or train.
 *
 * @param base the first free byte of the memory, a multiple of 16
 */
export function cpuProgram(
  graph: Graph,
  library: CpuLibrary,
  keep: readonly ValueId[],
  base: number,
): CpuProgram {
  checkStage(graph);
  const plan = schedule(graph);
  const { steps, temps, taken } = fused(graph, plan, library, keep);
  const root = (id: ValueId): ValueId => taken.get(id) ?? id;
  const calls = steps.flatMap((step) => step.calls);
  const placed = {
    steps: steps.map(({ reads, writes, overlaps }) => ({
      reads: reads.map(root),
      writes: writes.map(root),
      overlaps: overlaps.map(({ input, output }) => ({ input: root(input), output: root(output) })),
    })),
    temps,
    bufferOf: (id: ValueId) => root(plan.bufferOf.get(id)!),
  };
  const { layout, addressOf, scratchAt, end } = placeSteps(graph, placed, {
    base: alignUp(base + 4 * codeLayout(calls).words),
    scratch: steps.map((step) => scratchBytes(step, library)),
    keep,
  });
  const stepOf = steps.flatMap(({ calls }, step) => calls.map(() => step));
  const argsOf = ({ args }: CpuCall, at: number): number[] =>
    args.map((arg) => address(arg, scratchAt[stepOf[at]!]!, (id) => addressOf.get(root(id))!));
  return {
    layout,
    code: encodeCalls(calls, library, base, argsOf),
    base,
    names: calls.map(({ kernel }) => kernel),
    bytes: end,
  };
}
