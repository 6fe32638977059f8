/**
 * From a graph to an order of steps: which values share a buffer, which states are updated where
 * they lie, and what is copied.
 *
 * A state takes its update in place when the update is an element-by-element kernel that reads the
 * state, and every other reader of the state can come before it; the order is changed to that end.
 * Other updates are computed beside the state and copied when everything else has run.
 */
import {
  type Graph,
  getValue,
  inputsOf,
  type Node,
  type Value,
  type ValueId,
} from '../ir/graph.js';
import type { OpName } from '../ir/ops.js';
import { alias, type KernelPlan, overwritable, type Site } from './kernels/kernel-call.js';
import { kernelRule } from './kernels/kernels.js';
import { wholeCopy } from './kernels/strided.js';

/** A buffer holds one value, or several that are the same elements; its id is the first one's. */
export type BufferOf = ReadonlyMap<ValueId, ValueId>;

export interface ScheduledStep {
  readonly plan: KernelPlan;
  /** Buffers of the operands. */
  readonly inputs: readonly ValueId[];
  readonly output: ValueId;
}

export interface Schedule {
  readonly steps: readonly ScheduledStep[];
  readonly bufferOf: BufferOf;
  /** Buffers that the steps make and that lie in the arena, with what they hold. */
  readonly temps: ReadonlyMap<ValueId, Value>;
}

interface Step {
  readonly node: Node;
  readonly plan: KernelPlan;
}

/** The values of which some state's old contents must not be seen to change. */
const updatedStates = (graph: Graph): Set<ValueId> =>
  new Set(graph.states.flatMap(({ value, update }) => (update === undefined ? [] : [value])));

function planNodes(graph: Graph): { steps: Step[]; bufferOf: Map<ValueId, ValueId> } {
  const updated = updatedStates(graph);
  const bufferOf = new Map([...graph.values.keys()].map((id) => [id, id]));
  const steps: Step[] = [];
  for (const node of graph.nodes) {
    const inputs = inputsOf(graph, node);
    const output = getValue(graph, node.output);
    const rule = kernelRule(node.op)({ inputs, output, attrs: node.attrs } as Site<OpName>);
    const source = bufferOf.get(node.inputs[0]!)!;
    if (rule !== alias) steps.push({ node, plan: rule });
    else if (updated.has(source)) steps.push({ node, plan: wholeCopy(output) });
    else bufferOf.set(node.output, source);
  }
  return { steps, bufferOf };
}

/** Which steps must come before which: by data, and by what in-place updates add. */
interface Order {
  /** Puts all other readers of a buffer before a step; false when one of them needs the step. */
  runAfterReaders(step: number, buffer: ValueId): boolean;
  /** The steps in an order that keeps to the graph's where nothing speaks against it. */
  sorted(): Step[];
}

/** By step, the steps that must come before it. */
type Before = readonly Set<number>[];

/** Whether one of the targets is, or needs, a step. */
function reaches(before: Before, step: number, targets: readonly number[]): boolean {
  const seen = new Set<number>();
  const stack = [...targets];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (at === step) return true;
    if (seen.has(at)) continue;
    seen.add(at);
    stack.push(...before[at]!);
  }
  return false;
}

/** The numbers of the steps in an order that fits, the lowest first. */
function sort(before: Before): number[] {
  const waiting = before.map((steps) => steps.size);
  const after: number[][] = before.map(() => []);
  before.forEach((steps, i) => {
    for (const j of steps) after[j]!.push(i);
  });
  const ready = waiting.flatMap((n, i) => (n === 0 ? [i] : []));
  const out: number[] = [];
  while (ready.length > 0) {
    ready.sort((a, b) => b - a);
    const next = ready.pop()!;
    out.push(next);
    for (const i of after[next]!) if (--waiting[i]! === 0) ready.push(i);
  }
  return out;
}

function orderOf(steps: readonly Step[], bufferOf: BufferOf): Order {
  const readers = new Map<ValueId, number[]>();
  const writer = new Map(steps.map(({ node }, i) => [node.output, i]));
  const before = steps.map(({ node }, i) => {
    const buffers = node.inputs.map((id) => bufferOf.get(id)!);
    for (const id of new Set(buffers)) readers.set(id, [...(readers.get(id) ?? []), i]);
    return new Set(buffers.flatMap((id) => writer.get(id) ?? []));
  });
  return {
    runAfterReaders(step, buffer) {
      const others = (readers.get(buffer) ?? []).filter((i) => i !== step);
      if (reaches(before, step, others)) return false;
      for (const i of others) before[step]!.add(i);
      return true;
    },
    sorted: () => sort(before).map((i) => steps[i]!),
  };
}

/** Gives every update that can be done in place its state's buffer. */
function updateInPlace(
  graph: Graph,
  steps: readonly Step[],
  order: Order,
  bufferOf: Map<ValueId, ValueId>,
): void {
  const stepOf = new Map(steps.map(({ node }, i) => [node.output, i]));
  const taken = new Map<ValueId, ValueId>();
  for (const { value: state, update } of graph.states) {
    const buffer = update === undefined ? undefined : bufferOf.get(update)!;
    const index = buffer === undefined ? undefined : stepOf.get(buffer);
    if (index === undefined || taken.has(buffer!)) continue;
    const { node, plan } = steps[index]!;
    const overwrites = overwritable(plan, node.inputs, state);
    if (overwrites && order.runAfterReaders(index, state)) taken.set(buffer!, state);
  }
  for (const [id, buffer] of bufferOf) bufferOf.set(id, taken.get(buffer) ?? buffer);
}

/** Copies of updates that were not computed in place; old contents of states are saved first. */
function copies(graph: Graph, bufferOf: BufferOf) {
  const updated = updatedStates(graph);
  const first: ScheduledStep[] = [];
  const last: ScheduledStep[] = [];
  const temps = new Map<ValueId, Value>();
  for (const { value: state, update } of graph.states) {
    if (update === undefined || bufferOf.get(update) === state) continue;
    const value = getValue(graph, state);
    let source = bufferOf.get(update)!;
    if (updated.has(update)) {
      source = `${state}:next`;
      temps.set(source, value);
      first.push({ plan: wholeCopy(value), inputs: [update], output: source });
    }
    last.push({ plan: wholeCopy(value), inputs: [source], output: state });
  }
  return { first, last, temps };
}

/** The steps of a graph in the order in which they run. */
export function schedule(graph: Graph): Schedule {
  const { steps, bufferOf } = planNodes(graph);
  const order = orderOf(steps, bufferOf);
  updateInPlace(graph, steps, order, bufferOf);
  const { first, last, temps } = copies(graph, bufferOf);
  const middle = order.sorted().map(({ node, plan }) => ({
    plan,
    inputs: node.inputs.map((id) => bufferOf.get(id)!),
    output: bufferOf.get(node.output)!,
  }));
  for (const { node } of steps) {
    const buffer = bufferOf.get(node.output)!;
    if (buffer === node.output) temps.set(buffer, getValue(graph, buffer));
  }
  return { steps: [...first, ...middle, ...last], bufferOf, temps };
}
