/**
 * How many of the first layers go row by row: as few as make the arena small enough, since every
 * line that is kept costs time.
 */
import { DoesNotFitError, UnsupportedError } from '../../core/errors.js';
import type { Graph } from '../../ir/graph.js';
import type { Kernel, Lowered, RowGroup, StepProof, Target } from '../lowered.js';
import { chooseKernels, place } from '../place.js';
import type { Chosen } from '../trade-memory.js';
import { rowGroup, rowPrefix } from './group.js';

export interface RowOptions {
  /** The most that the arena may take, in bytes. */
  readonly ram?: number | undefined;
  /** The input is never in memory as a whole: its rows are consumed as they arrive. */
  readonly streamInput?: boolean | undefined;
}

/** The driver that calls the kernels of a group. */
const driver = (scratchBytes: number): Kernel => ({
  name: 'enn_rows',
  header: 'enn_rows.h',
  order: 'any',
  scratchBytes,
});

const grouped = (chosen: readonly Chosen[], rows: RowGroup): Chosen[] => [
  { node: chosen[rows.steps - 1]!.node, kernel: driver(rows.scratchBytes), rows },
  ...chosen.slice(rows.steps),
];

const number = (n: number): string => n.toLocaleString('en-US');

function refuseStream(graph: Graph, problem: string): never {
  throw new UnsupportedError(`the input of ${graph.name} cannot be streamed: ${problem}`, {
    hint: 'Leave --stream-input out.',
    where: graph.inputs[0] === undefined ? undefined : `%${graph.inputs[0]}`,
  });
}

/** The kernels of every way to compute the first layers row by row, the fewest layers first. */
function* rowChoices(
  graph: Graph,
  target: Target,
  proof: readonly StepProof[],
  chosen: readonly Chosen[],
  streamInput: boolean,
): Generator<readonly Chosen[]> {
  const prefix = rowPrefix(graph, target, proof);
  for (const count of prefix.cuts) {
    const group = rowGroup(graph, prefix, count, streamInput);
    if (!streamInput || consumesInput(graph, group)) yield grouped(chosen, group);
  }
}

/**
 * Every way to compute the first layers row by row, the fewest layers first.
 *
 * @param graph stage `lowered`
 */
export function* rowPlacements(
  graph: Graph,
  target: Target,
  proof: readonly StepProof[],
  chosen: readonly Chosen[],
  { streamInput = false }: RowOptions = {},
): Generator<Lowered> {
  for (const choice of rowChoices(graph, target, proof, chosen, streamInput)) {
    yield place(graph, target, proof, choice);
  }
}

const smaller = (a: Lowered | undefined, b: Lowered): Lowered =>
  a && a.arenaBytes <= b.arenaBytes ? a : b;

/** So many of those that come nearest to a limit are planned with more care. */
const nearest = 3;

/** The fewest layers for `ram`, or else about the smallest arena of all. */
function searchWithin(
  choices: Iterable<readonly Chosen[]>,
  placeIn: (choice: readonly Chosen[], limit: number) => Lowered,
  ram: number,
): Lowered | undefined {
  const failed: { readonly choice: readonly Chosen[]; readonly placed: Lowered }[] = [];
  for (const choice of choices) {
    const placed = placeIn(choice, ram);
    if (placed.arenaBytes <= ram) return placed;
    failed.push({ choice, placed });
  }
  failed.sort((a, b) => a.placed.arenaBytes - b.placed.arenaBytes);
  return failed
    .slice(0, nearest)
    .map(({ choice, placed }) => smaller(placed, placeIn(choice, placed.arenaBytes - 1)))
    .reduce<Lowered | undefined>(smaller, undefined);
}

/** Whether nothing but a group, with one source, reads the graph's only input. */
function consumesInput(graph: Graph, { images }: RowGroup): boolean {
  const sources = images.filter(({ layer }) => layer === undefined);
  const [source] = sources;
  if (sources.length !== 1 || graph.inputs.length !== 1 || source === undefined) return false;
  const inside = new Set(images.flatMap(({ layer }) => layer?.node.output ?? []));
  const others = graph.nodes.filter(({ output }) => !inside.has(output) && output !== source.value);
  const read = [...others.flatMap(({ inputs }) => inputs), ...graph.outputs];
  return !read.some((id) => id === source.value || id === graph.inputs[0]);
}

/** No rows: as without a limit where that is small enough, else with smaller kernels. */
function wholeImages(
  graph: Graph,
  target: Target,
  proof: readonly StepProof[],
  chosen: readonly Chosen[],
  ram: number | undefined,
): Lowered {
  const usual = place(graph, target, proof, chosen);
  if (ram === undefined || usual.arenaBytes <= ram) return usual;
  const limited = place(graph, target, proof, chosen, ram);
  return limited.arenaBytes < usual.arenaBytes ? limited : usual;
}

/**
 * Chooses kernels and places; with a limit, or for an input that is streamed, the first layers go
 * row by row as far as that needs.
 *
 * @param graph stage `lowered`
 * @throws DoesNotFitError (exit code 5) naming the smallest arena that there is, UnsupportedError (4)
 *   for an input that cannot be streamed or an output that is constant
 */
export function placeByRows(
  graph: Graph,
  target: Target,
  proof: readonly StepProof[],
  options: RowOptions = {},
): Lowered {
  const { ram, streamInput = false } = options;
  const chosen = chooseKernels(graph, target, proof);
  const whole = streamInput ? undefined : wholeImages(graph, target, proof, chosen, ram);
  if (whole && (ram === undefined || whole.arenaBytes <= ram)) return whole;
  const choices = rowChoices(graph, target, proof, chosen, streamInput);
  const placeIn = (choice: readonly Chosen[], limit?: number) =>
    place(graph, target, proof, choice, limit);
  const found =
    ram === undefined
      ? [...choices]
          .map((choice) => placeIn(choice))
          .reduce<Lowered | undefined>(smaller, undefined)
      : searchWithin(choices, placeIn, ram);
  if (!found && streamInput) {
    refuseStream(graph, 'its first layers do not compute an image row by row from one input');
  }
  const best = found && (!whole || found.arenaBytes < whole.arenaBytes) ? found : whole!;
  if (ram === undefined || best.arenaBytes <= ram) return best;
  const how = best.rows
    ? `the smallest that row execution reaches takes ${number(best.arenaBytes)} (${best.rows.group.steps} layers, up to %${best.steps[0]!.node.output})`
    : `it takes ${number(best.arenaBytes)}, and row execution does not make it smaller`;
  const streamable = !streamInput && !rowChoices(graph, target, proof, chosen, true).next().done;
  throw new DoesNotFitError(`${graph.name} does not fit an arena of ${number(ram)} bytes: ${how}`, {
    hint: `Raise --ram,${streamable ? ' add --stream-input,' : ''} or make the first layers smaller (fewer channels, an earlier stride).`,
    where: `%${best.plan.live[0]?.id ?? best.steps[0]?.node.output}`,
  });
}
