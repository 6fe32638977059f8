/**
 * Passes over the steps of a program for the processor, that save passes over memory:
 *
 *   moments   mean and variance of one value become one step
 *   rows      what is one row again and again is read as that row, and not written out
 *   groups    element-by-element work on values of one length goes together (kernel `tiles`)
 *   again     a value that later groups want is computed again there, where that reads no more
 *             than the value itself would take
 *   in place  the result of a group takes the memory of an operand that it is the last to read
 *
 * Every element goes through the same operations in the same order as in steps of their own.
 */
import type { ValueId } from '../../ir/graph.js';
import {
  type ElementWork,
  elementWork,
  type Repetition,
  repetition,
  rowsOf,
} from './elementwise.js';
import type { CpuCall, CpuStep } from './step.js';
import { lastReads } from './tile-slots.js';
import { granule, isSum, limits, periodsOf, tilesStep, traffic } from './tiles.js';

export interface FuseOptions {
  readonly steps: readonly CpuStep[];
  /** Buffers that lie in the arena, with their bytes. */
  readonly temps: ReadonlyMap<ValueId, number>;
  /** Buffers that are read after the run. */
  readonly results: ReadonlySet<ValueId>;
  /** Buffers that some step changes after others have read them. */
  readonly states: ReadonlySet<ValueId>;
  /** The number of a tile operation; undefined where there is none. */
  tileIndex(op: string): number | undefined;
}

export interface Fused {
  readonly steps: readonly CpuStep[];
  /** Buffers of the arena that are left. */
  readonly temps: ReadonlyMap<ValueId, number>;
  /** The buffer whose memory a buffer takes; only those that take another's. */
  readonly taken: ReadonlyMap<ValueId, ValueId>;
}

/** A step, or a group in the making. */
interface Item {
  readonly step?: CpuStep;
  readonly n: number;
  works: ElementWork[];
  reads: Set<ValueId>;
  writes: Set<ValueId>;
}

const overlap = (a: ReadonlySet<ValueId>, b: ReadonlySet<ValueId>): boolean => {
  for (const id of a) if (b.has(id)) return true;
  return false;
};

/** Whether two pieces of work must stay in their order. */
const ordered = (a: Item, b: Item): boolean =>
  overlap(a.writes, b.reads) || overlap(a.reads, b.writes) || overlap(a.writes, b.writes);

const bufferAt = ({ args }: CpuCall, i: number): ValueId => (args[i] as { buffer: ValueId }).buffer;

/** Mean and variance of one value over the same rows as one step, where the first of them was. */
function joinMoments(steps: readonly CpuStep[]): CpuStep[] {
  const keyOf = ({ calls: [call] }: CpuStep): string =>
    `${bufferAt(call!, 0)} ${call!.params.join()}`;
  const only = (step: CpuStep, kernel: string): boolean =>
    step.calls.length === 1 && step.calls[0]!.kernel === kernel && !!rowsOf(step.calls[0]!);
  const variances = new Map(
    steps.flatMap((step) => (only(step, 'variance') ? [[keyOf(step), step] as const] : [])),
  );
  const joined = new Set<CpuStep>();
  const out = steps.map((step, i): CpuStep => {
    const other = only(step, 'mean') ? variances.get(keyOf(step)) : undefined;
    if (!other || steps.indexOf(other) < i) return step;
    joined.add(other);
    const { n, batch, channels } = rowsOf(step.calls[0]!)!;
    const [x, , mean] = step.calls[0]!.args;
    const args = [x!, 'scratch' as const, mean!, other.calls[0]!.args[2]!];
    const params = [n / channels, channels, batch];
    return {
      calls: [{ kernel: 'moments', params, args, scratch: 'moments_scratch' }],
      reads: step.reads,
      writes: [...step.writes, ...other.writes],
      overlaps: [],
    };
  });
  return out.filter((step) => !joined.has(step));
}

/** Whether work of one group can have tiles and parts in common. */
function isCompatible(works: readonly ElementWork[], n: number): boolean {
  const batches = new Set(works.filter(isSum).map(({ batch }) => batch));
  if (batches.size > 1) return false;
  const [batch = 1] = batches;
  if (granule(works) > 2048 || n % batch !== 0) return false;
  if (periodsOf(works).some((period) => (n / batch) % period !== 0)) return false;
  const { reads, writes } = traffic({ works, own: new Set() });
  const buffers = new Set([...reads, ...writes]).size;
  const values = works.reduce((sum, work) => sum + (isSum(work) ? 1 : work.from.length + 1), 0);
  return buffers <= limits.buffers && values <= limits.values;
}

/** Steps that work moves past at most: what is computed too early takes memory. */
const reach = 24;
/** How many groups back a place is looked for. */
const horizon = 12;
/** Work on so few elements is joined although it has nothing in common: calls cost more. */
const few = 2048;

function itemOf(work: ElementWork): Item {
  const { reads, writes } = traffic({ works: [work], own: new Set() });
  return { n: work.n, works: [work], reads: new Set(reads), writes: new Set(writes) };
}

/** Puts work into an earlier group: up there, or that group down to the end. */
function join(items: Item[], one: Item): boolean {
  for (let i = items.length - 1, seen = 0; i >= 0 && seen < horizon; i--) {
    const group = items[i]!;
    if (group.step || group.n !== one.n) continue;
    seen++;
    const related =
      one.n <= few || overlap(one.reads, group.reads) || overlap(one.reads, group.writes);
    if (!related || !isCompatible([...group.works, ...one.works], one.n)) continue;
    const between = items.slice(i + 1);
    if (between.length > reach && one.n > few) return false;
    const up = between.every((item) => !ordered(item, one));
    if (!up && !between.every((item) => !ordered(group, item))) continue;
    group.works.push(...one.works);
    for (const id of one.reads) group.reads.add(id);
    for (const id of one.writes) group.writes.add(id);
    if (!up) items.push(...items.splice(i, 1));
    return true;
  }
  return false;
}

/** A step, and its work where it goes element by element. */
interface Piece {
  readonly step: CpuStep;
  readonly work: ElementWork | undefined;
}

/** The rows that are only read element by element, by the value that repeats them. */
function rowsInPlace(pieces: readonly Piece[], options: FuseOptions): Map<ValueId, Repetition> {
  const out = new Map<ValueId, Repetition>();
  for (const { step } of pieces) {
    const rows = repetition(step);
    if (!rows || !options.temps.has(rows.y) || options.results.has(rows.y)) continue;
    if (!options.states.has(rows.x)) out.set(rows.y, rows);
  }
  for (const { step, work } of pieces) {
    for (const id of step.reads) {
      const isFlat = work && !isSum(work) && work.n === out.get(id)?.n;
      if (!isFlat || out.has(step.writes[0]!)) out.delete(id);
    }
  }
  return out;
}

/** Reads rows where they are. */
function readRows(pieces: readonly Piece[], options: FuseOptions): Piece[] {
  const rows = rowsInPlace(pieces, options);
  return pieces.flatMap(({ step, work }): Piece[] => {
    if (rows.has(step.writes[0]!)) return [];
    if (!work || isSum(work)) return [{ step, work }];
    const from = work.from.map((operand) => {
      const row = operand.kind === 'flat' ? rows.get(operand.buffer) : undefined;
      return row ? { kind: 'repeated' as const, buffer: row.x, period: row.period } : operand;
    });
    return [{ step, work: { ...work, from } }];
  });
}

function grouped(options: FuseOptions): Item[] {
  const items: Item[] = [];
  const known = (op: string): boolean => options.tileIndex(op) !== undefined;
  const pieces = joinMoments(options.steps).map((step) => {
    const work = elementWork(step, known);
    return { step, work: work && isCompatible([work], work.n) ? work : undefined };
  });
  for (const { step, work } of readRows(pieces, options)) {
    const one = work && itemOf(work);
    if (!one) {
      const { reads, writes } = step;
      items.push({ step, n: 0, works: [], reads: new Set(reads), writes: new Set(writes) });
    } else if (!join(items, one)) items.push(one);
  }
  return items;
}

/** Operations that cost no more than reading their result. */
const cheap: readonly string[] = [
  ...['add', 'sub', 'mul', 'scale', 'relu', 'relu6', 'leaky_relu'],
  ...['relu_grad', 'relu6_grad', 'leaky_relu_grad'],
];

/** A value is computed again from at most so many values in memory. */
const mostLeaves = 2;

interface Recipe {
  readonly works: readonly ElementWork[];
  readonly leaves: ReadonlySet<ValueId>;
}

/** How values that only groups want can be computed from what is in memory anyway. */
function recipes(items: readonly Item[], options: FuseOptions): Map<ValueId, Recipe> {
  const readers = new Map<ValueId, Item[]>();
  for (const item of items) {
    for (const id of item.reads) readers.set(id, [...(readers.get(id) ?? []), item]);
  }
  const lasting = (id: ValueId): boolean => !options.states.has(id);
  const out = new Map<ValueId, Recipe>();
  for (const item of items) {
    for (const work of item.works) {
      if (isSum(work) || !cheap.includes(work.op) || !options.temps.has(work.y)) continue;
      const outside = (readers.get(work.y) ?? []).filter((reader) => reader !== item);
      if (options.results.has(work.y) || outside.some(({ step, n }) => step || n !== work.n))
        continue;
      const flat = work.from.filter(({ kind }) => kind === 'flat').map(({ buffer }) => buffer);
      const leaves = new Set(flat.flatMap((id) => [...(out.get(id)?.leaves ?? [id])]));
      const works = [...flat.flatMap((id) => out.get(id)?.works ?? []), work];
      // What never leaves its own group is no leaf: it would be stored for this.
      const isStored = (id: ValueId): boolean =>
        !item.writes.has(id) || out.has(id) || (readers.get(id) ?? []).some((r) => r !== item);
      const stays = work.from.every(({ buffer }) => lasting(buffer) && isStored(buffer));
      if (work.n > few && stays && leaves.size <= mostLeaves) {
        out.set(work.y, { works: [...new Set(works)], leaves });
      }
    }
  }
  return out;
}

/** Computes values again in the groups that read them. */
function computeAgain(items: readonly Item[], options: FuseOptions): void {
  const known = recipes(items, options);
  for (const item of items.filter(({ step }) => !step)) {
    const made = new Set(item.works.map(({ y }) => y));
    const again = [...item.reads].flatMap((id) =>
      made.has(id) ? [] : (known.get(id)?.works ?? []),
    );
    const works = [...new Set([...again.filter(({ y }) => !made.has(y)), ...item.works])];
    if (works.length === item.works.length || !isCompatible(works, item.n)) continue;
    item.works = works;
    const { reads, writes } = traffic({ works, own: new Set() });
    item.reads = new Set(reads);
    item.writes = new Set(writes);
  }
  dropUnread(items, options);
}

/** Removes work whose result nobody reads any more. */
function dropUnread(items: readonly Item[], { temps, results }: FuseOptions): void {
  const wanted = new Set(results);
  for (const item of items) if (item.step) for (const id of item.reads) wanted.add(id);
  for (const item of [...items].reverse()) {
    // What another group computes too is not wanted from here.
    const inside = new Set<ValueId>();
    const kept = [...item.works].reverse().filter((work) => {
      const needed = !temps.has(work.y) || wanted.has(work.y) || inside.has(work.y);
      const from = isSum(work) ? [work.x] : work.from.map(({ buffer }) => buffer);
      if (needed) for (const id of from) inside.add(id);
      return needed;
    });
    if (item.step) continue;
    item.works = kept.reverse();
    const { reads, writes } = traffic({ works: item.works, own: new Set() });
    item.reads = new Set(reads);
    item.writes = new Set(writes);
    for (const id of reads) wanted.add(id);
  }
}

/** What only its own group reads, and is made there. */
function ownOf(item: Item, items: readonly Item[], { temps, results }: FuseOptions): Set<ValueId> {
  const readElsewhere = new Set(items.flatMap((i) => (i === item ? [] : [...i.reads])));
  const odd = item.works.flatMap((work) =>
    isSum(work) ? [work.y] : work.from.flatMap((o) => (o.kind === 'flat' ? [] : [o.buffer])),
  );
  const made = item.works.filter((work) => !isSum(work)).map(({ y }) => y);
  const inside = (id: ValueId): boolean =>
    temps.has(id) && !results.has(id) && !readElsewhere.has(id) && !odd.includes(id);
  return new Set(made.filter(inside));
}

/** The operands of a group whose memory its results can take, by result. */
function takes(
  works: readonly ElementWork[],
  own: ReadonlySet<ValueId>,
  dying: (id: ValueId) => boolean,
): Map<ValueId, ValueId> {
  const last = lastReads(works);
  const made = new Set(works.map(({ y }) => y));
  const free = [...last.keys()].filter((id) => !made.has(id) && dying(id));
  const out = new Map<ValueId, ValueId>();
  works.forEach((work, i) => {
    if (isSum(work) || own.has(work.y) || out.has(work.y)) return;
    const at = free.findIndex((id) => last.get(id)! <= i);
    if (at >= 0) out.set(work.y, free.splice(at, 1)[0]!);
  });
  return out;
}

/** Fuses the steps of a program. */
export function fuse(options: FuseOptions): Fused {
  const { temps, results, tileIndex } = options;
  const items = grouped(options);
  computeAgain(items, options);
  const live = items.filter(({ step, works }) => step || works.length > 0);
  const lastUse = new Map<ValueId, number>();
  live.forEach((item, i) => {
    for (const id of [...item.reads, ...item.writes]) lastUse.set(id, i);
  });
  const taken = new Map<ValueId, ValueId>();
  const root = (id: ValueId): ValueId => taken.get(id) ?? id;
  const used = new Set<ValueId>();
  const steps = live.map((item, i) => {
    if (item.step) {
      for (const id of [...item.step.reads, ...item.step.writes]) used.add(id);
      return item.step;
    }
    const { n, works } = item;
    const own = ownOf(item, live, options);
    const isTemp = (id: ValueId): boolean => temps.get(id) === 4 * n;
    const dying = (id: ValueId): boolean =>
      isTemp(id) && lastUse.get(id) === i && !results.has(id) && !own.has(id);
    const pairs = [...takes(works, own, dying)].filter(([y]) => isTemp(y));
    for (const [y, x] of pairs) taken.set(y, root(x));
    const step = tilesStep({ n, works, own, takes: new Map(pairs) }, (op) => tileIndex(op)!);
    for (const id of [...step.reads, ...step.writes]) used.add(id);
    return step;
  });
  const left = [...temps].filter(([id]) => used.has(id) && !taken.has(id));
  return { steps, temps: new Map(left), taken };
}
