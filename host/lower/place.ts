/**
 * Placement: kernels, buffers, overlaps and scratch of a lowered graph become steps at fixed
 * places of one arena.
 */
import { byteSize } from '../core/dtype.js';
import { UnsupportedError } from '../core/errors.js';
import { elements } from '../core/shape.js';
import { type Graph, getValue, inputsOf, type ValueId } from '../ir/graph.js';
import { opSpec } from '../ir/ops.js';
import { type Plan, type PlanRequest, type PlanStep, plan } from '../plan/plan.js';
import type { Lowered, LoweredStep, PlacedGroup, StepProof, Target, Window } from './lowered.js';
import { isAliasOp, isStepOp, type StepNode } from './lowered-ops.js';
import { overlapsOf } from './overlap.js';
import { firstLines, groupBuffers, hiddenValues, placedGroup, planGroup } from './rows/place.js';
import { selectKernel } from './select/select.js';
import { type Chosen, tradeMemory } from './trade-memory.js';

/** Kernels load and store words of their scratch. */
const scratchAlign = 4;

type Owners = ReadonlyMap<ValueId, ValueId>;

const bytesOf = (graph: Graph, id: ValueId): number => {
  const { dtype, shape } = getValue(graph, id);
  return byteSize(dtype, elements(shape));
};

/** Whether nothing needs the buffer any more once node `at` has read it. */
function diesAt(graph: Graph, at: number, owner: ValueId, owners: Owners): boolean {
  const inBuffer = (id: ValueId) => owners.get(id) === owner;
  const later = graph.nodes.slice(at + 1).some(({ inputs }) => inputs.some(inBuffer));
  return !later && !graph.outputs.some(inBuffer);
}

/**
 * For each value in the arena, the value whose buffer it is: aliases share their operand's, and so
 * do the values `inPlace` of the same size, where the operand is not needed afterwards. What is
 * `hidden` has none.
 */
function bufferOwners(
  graph: Graph,
  inPlace: ReadonlySet<ValueId>,
  hidden: ReadonlySet<ValueId>,
): Owners {
  const owners = new Map<ValueId, ValueId>(
    graph.inputs.filter((id) => !hidden.has(id)).map((id) => [id, id]),
  );
  for (const [at, node] of graph.nodes.entries()) {
    if (hidden.has(node.output)) continue;
    const operand = owners.get(node.inputs[0]!);
    const shares =
      operand !== undefined &&
      inPlace.has(node.output) &&
      bytesOf(graph, operand) === bytesOf(graph, node.output) &&
      diesAt(graph, at, operand, owners);
    const owner = isAliasOp(node.op) || shares ? operand : node.output;
    if (owner !== undefined) owners.set(node.output, owner);
  }
  return owners;
}

/** A kernel that works in place over a larger operand leaves the end of that unused. */
const exactOverlap = ({ node, kernel }: Chosen) =>
  kernel.inPlace ? [{ input: node.inputs[0]!, minDistance: 0, exact: true }] : [];

function planStep(graph: Graph, step: Chosen, owners: Owners): PlanStep {
  const { node, kernel, rows } = step;
  if (rows) return planGroup(rows, owners);
  const owner = (id: ValueId) => owners.get(id);
  const reads = [...new Set(node.inputs.flatMap((id) => owner(id) ?? []))];
  const allowed = [...overlapsOf(graph, node, kernel.order), ...exactOverlap(step)];
  const overlap = allowed.flatMap(({ input, ...how }) => {
    const buffer = owner(input);
    return buffer === undefined ? [] : [{ input: buffer, output: node.output, ...how }];
  });
  const { scratchBytes } = kernel;
  const scratch =
    scratchBytes === undefined ? undefined : { bytes: scratchBytes, align: scratchAlign };
  return { reads, writes: [owners.get(node.output)!], scratch, overlap };
}

function request(
  graph: Graph,
  chosen: readonly Chosen[],
  owners: Owners,
  target: Target,
): PlanRequest {
  const buffer = (id: ValueId): ValueId => {
    const owner = owners.get(id);
    if (owner !== undefined) return owner;
    throw new UnsupportedError(`graph ${graph.name}: the output %${id} is a constant`, {
      hint: 'Return a value that depends on an input.',
      where: `%${id}`,
    });
  };
  const whole = [...new Set(owners.values())].map((id) => ({
    id,
    bytes: bytesOf(graph, id),
    align: target.align,
  }));
  return {
    buffers: [
      ...whole,
      ...chosen.flatMap(({ rows }) => (rows ? groupBuffers(rows, target.align) : [])),
    ],
    steps: chosen.map((step) => planStep(graph, step, owners)),
    inputs: graph.inputs.filter((id) => owners.has(id)),
    outputs: [...new Set(graph.outputs.map(buffer))],
  };
}

function windowsOf(graph: Graph, owners: Owners, placed: Plan): Map<ValueId, Window> {
  const windows = new Map<ValueId, Window>();
  for (const [id, owner] of owners) {
    windows.set(id, { offset: placed.offsets.get(owner)!, bytes: bytesOf(graph, id) });
  }
  return windows;
}

/** Multiply-accumulates of a step. */
const macsOf = (graph: Graph, node: StepNode): number =>
  opSpec(node.op).macs?.(
    inputsOf(graph, node),
    getValue(graph, node.output),
    node.attrs as never,
  ) ?? 0;

function step(
  graph: Graph,
  { node, kernel, rows }: Chosen,
  window: Window,
  scratchOffset: number | undefined,
): LoweredStep {
  const nodes = rows ? rows.images.flatMap(({ layer }) => layer?.node ?? []) : [node];
  const macs = nodes.reduce((sum, each) => sum + macsOf(graph, each), 0);
  const scratch =
    scratchOffset === undefined
      ? undefined
      : { scratch: { offset: scratchOffset, bytes: kernel.scratchBytes! } };
  const { channels } = getValue(graph, node.output);
  const source = { source: node.output, ...(channels && { channels }) };
  return { node, kernel, macs, ...source, window, ...scratch };
}

/** A plan above its limit by more than this factor does not come below it by moving a value. */
const reach = 1.25;

interface Placed {
  readonly owners: Owners;
  readonly placed: Plan;
}

/**
 * The smallest arena over which kernels work in place, or the first found of at most `enough` bytes.
 * Mostly all of them should, but a step that moves its value elsewhere can make room: so each is
 * tried without.
 */
function smallest(graph: Graph, chosen: readonly Chosen[], target: Target, enough: number): Placed {
  const hidden = new Set(chosen.flatMap(({ rows }) => [...(rows ? hiddenValues(rows) : [])]));
  const planned = (inPlace: ReadonlySet<ValueId>): Placed => {
    const owners = bufferOwners(graph, inPlace, hidden);
    return { owners, placed: plan(request(graph, chosen, owners, target)) };
  };
  let inPlace = new Set(
    chosen.filter(({ kernel }) => kernel.inPlace).map(({ node }) => node.output),
  );
  let best = planned(inPlace);
  const far = enough > 0 && best.placed.bytes > reach * enough;
  for (const id of far ? [] : inPlace) {
    if (best.placed.bytes <= Math.max(best.placed.lowerBound, enough)) break;
    const without = new Set([...inPlace].filter((other) => other !== id));
    const next = planned(without);
    if (next.placed.bytes >= best.placed.bytes) continue;
    best = next;
    inPlace = without;
  }
  return best;
}

/** The kernel of each step of a graph. */
export function chooseKernels(graph: Graph, target: Target, proof: readonly StepProof[]): Chosen[] {
  const bounds = new Map(proof.map(({ value, largest }) => [value, largest]));
  return graph.nodes
    .filter((node): node is StepNode => isStepOp(node.op))
    .map((node) => ({ node, kernel: selectKernel(graph, node, target, bounds.get(node.output)) }));
}

/**
 * Finds a place for each value.
 *
 * @param graph stage `lowered`
 * @param fastest the kernels without regard to memory
 * @param enough limit of the arena, below which a smaller one is not looked for; 0 for none
 * @throws UnsupportedError when an output is constant
 */
export function place(
  graph: Graph,
  target: Target,
  proof: readonly StepProof[],
  fastest: readonly Chosen[],
  enough = 0,
): Lowered {
  const arenaOf = (kernels: readonly Chosen[]) =>
    smallest(graph, kernels, target, enough).placed.bytes;
  const chosen = tradeMemory(fastest, (node) => macsOf(graph, node), arenaOf, enough);
  const { owners, placed } = smallest(graph, chosen, target, enough);
  const windows = windowsOf(graph, owners, placed);
  const rows = chosen[0]?.rows && placedGroup(chosen[0].rows, owners, placed);
  if (rows?.group.streams) windows.set(graph.inputs[0]!, firstLines(rows));
  return {
    graph,
    target,
    steps: chosen.map((entry, i) =>
      step(graph, entry, windows.get(entry.node.output)!, placed.scratch[i]),
    ),
    plan: placed,
    arenaBytes: placed.bytes,
    windows,
    inputs: graph.inputs.map((id) => windows.get(id)!),
    outputs: graph.outputs.map((id) => windows.get(id)!),
    proof,
    ...(rows && { rows }),
  };
}

/** The images of a group, one a line: the lines that are kept, and what a row reads. */
const groupText = ({ group, offsets, counters }: PlacedGroup): string[] => [
  `rows: ${group.steps} layers${group.streams ? ', the input streamed' : ''}, counters at ${counters}`,
  ...group.images.map(({ value, lines, rows, lineBytes, feeds }, i) => {
    const reads = feeds.map(
      ({ from, stride, before, span }) =>
        `%${group.images[from]!.value}[${stride}r - ${before}, + ${span})`,
    );
    const kept = `${lines} of ${rows} lines of ${lineBytes}`;
    return `  ${offsets[i]}: %${value} ${kept}${reads.length > 0 ? ` from ${reads.join(', ')}` : ''}`;
  }),
];

/** Where everything lies, one value a line, by offset. */
export function placementText({ windows, plan: placed, arenaBytes, rows }: Lowered): string {
  const { lowerBound, peakStep } = placed;
  const lines = [...windows]
    .sort(([a, { offset: x }], [b, { offset: y }]) => x - y || (a < b ? -1 : 1))
    .map(([id, { offset, bytes }]) => `${offset} + ${bytes}: %${id}`);
  const head = `arena ${arenaBytes}, lower bound ${lowerBound}, peak at step ${peakStep}`;
  return `${[head, ...lines, ...(rows ? groupText(rows) : [])].join('\n')}\n`;
}
