/**
 * What the planner is told about a group: result and lines are written, sources are read, and where
 * a source dies, lines and result may lie over rows of it that have been read by then.
 */
import type { ValueId } from '../../ir/graph.js';
import type { Plan, PlanBuffer, PlanOverlap, PlanStep } from '../../plan/plan.js';
import type { GroupImage, PlacedGroup, RowGroup, Window } from '../lowered.js';
import { keptBytes } from './group.js';

/** The buffer that counts how many rows each image of a group has so far, in uint16. */
const counters = 'rows:next';
const counterBytes = 2;
/** Kernels load and store words of their scratch. */
const scratchAlign = 4;

const isResult = ({ images }: RowGroup, at: number): boolean => at === images.length - 1;

/** Images of which some lines are kept, and nothing else in the graph knows. */
const lineImages = (group: RowGroup): readonly GroupImage[] =>
  group.images.filter(({ layer }, i) => (layer ? !isResult(group, i) : group.streams));

/** The values of a group that have no buffer of their own as a whole. */
export const hiddenValues = (group: RowGroup): ReadonlySet<ValueId> =>
  new Set(lineImages(group).map(({ value }) => value));

/** What a group works in besides its inputs and its result. */
export const groupBuffers = (group: RowGroup, align: number): PlanBuffer[] => [
  ...lineImages(group).map((image) => ({ id: image.value, bytes: keptBytes(image), align })),
  { id: counters, bytes: counterBytes * group.images.length, align: scratchAlign },
];

/** How far lines and result may reach into the sources, whose buffers are `owners`. */
function overlaps(
  { images, memory }: RowGroup,
  owners: ReadonlyMap<ValueId, ValueId>,
): PlanOverlap[] {
  const found = new Map<string, PlanOverlap>();
  for (const [at, source] of images.entries()) {
    const input = source.layer ? undefined : owners.get(source.value);
    if (input === undefined) continue;
    for (const [i, { value: output, layer }] of images.entries()) {
      if (!layer) continue;
      const key = `${input}\n${output}`;
      const minDistance = Math.max(
        memory.distance(i, at),
        found.get(key)?.minDistance ?? Number.NEGATIVE_INFINITY,
      );
      found.set(key, { input, output, minDistance });
    }
  }
  return [...found.values()];
}

/** The group as one step. */
export function planGroup(group: RowGroup, owners: ReadonlyMap<ValueId, ValueId>): PlanStep {
  const reads = group.images.flatMap(({ layer, value }) =>
    layer ? [] : (owners.get(value) ?? []),
  );
  return {
    reads: [...new Set(reads)],
    writes: [group.images.at(-1)!.value, ...groupBuffers(group, 1).map(({ id }) => id)],
    scratch: { bytes: group.scratchBytes, align: scratchAlign },
    overlap: overlaps(group, owners),
  };
}

/** Where the plan puts a group. */
export function placedGroup(
  group: RowGroup,
  owners: ReadonlyMap<ValueId, ValueId>,
  { offsets }: Plan,
): PlacedGroup {
  const at = (id: ValueId) => offsets.get(owners.get(id) ?? id)!;
  return {
    group,
    offsets: group.images.map(({ value }) => at(value)),
    counters: at(counters),
  };
}

/** The lines of the first image. */
export const firstLines = ({ group, offsets }: PlacedGroup): Window => ({
  offset: offsets[0]!,
  bytes: keptBytes(group.images[0]!),
});
