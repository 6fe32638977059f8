/**
 * A group of element-by-element work as one call of the kernel `tiles`
 * (kernels/c/enn_f32_tiles.h).
 */
import type { ValueId } from '../../ir/graph.js';
import type { ElementOp, ElementWork, Operand, RowSum } from './elementwise.js';
import type { CpuArg, CpuStep } from './step.js';
import { assignSlots, type Slot } from './tile-slots.js';

/** Floats of the first-level cache that the tiles of one group may fill. */
const cacheFloats = 8192;
/** The longest tile: beyond it nothing is gained. */
const longestTile = 2048;
/** Below it one thread does the work alone. */
const shortest = 4096;

/** What the C struct and a call can hold. */
export const limits = { values: 48, buffers: 22 } as const;

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
const lcm = (a: number, b: number): number => (a / gcd(a, b)) * b;

/** As `enn_f32_side_by_side`. */
const copiesOf = (channels: number): number => (channels >= 64 ? 1 : Math.floor(64 / channels));

export const isSum = (work: ElementWork): work is RowSum => work.kind === 'sum';
const isOp = (work: ElementWork): work is ElementOp => work.kind === 'op';

/** The lengths after which rows repeat. */
export const periodsOf = (works: readonly ElementWork[]): number[] =>
  works.flatMap((work) =>
    isSum(work)
      ? [work.channels]
      : work.from.flatMap((o) => (o.kind === 'repeated' ? [o.period] : [])),
  );

/** What every tile of a group is a multiple of. */
export function granule(works: readonly ElementWork[]): number {
  const sums = works.filter(isSum).map(({ channels }) => channels * copiesOf(channels));
  return [...periodsOf(works), ...sums].reduce(lcm, 1);
}

/** The values and buffers of a call while it is put together. */
interface Layout {
  readonly buffers: readonly ValueId[];
  readonly values: readonly (readonly number[])[];
  tiles(): number;
  /** The number of a buffer. */
  buffer(id: ValueId): number;
  /** The number of a value that a group computes, or reads element by element. */
  flat(id: ValueId): number;
  /** The number of a value; its kinds are those of `enn_tile_kind`. */
  value(operand: Operand): number;
}

function createLayout(slots: ReadonlyMap<ValueId, Slot>, firstTile: number): Layout {
  const buffers: ValueId[] = [];
  const values: number[][] = [];
  const numbers = new Map<string, number>();
  let tiles = firstTile;

  function buffer(id: ValueId): number {
    const at = buffers.indexOf(id);
    return at >= 0 ? at : buffers.push(id) - 1;
  }
  function known(key: string, make: () => number[]): number {
    const number = numbers.get(key) ?? values.push(make()) - 1;
    numbers.set(key, number);
    return number;
  }
  function flat(id: ValueId): number {
    const slot = slots.get(id) ?? { result: id };
    if ('tile' in slot) return known(`tile ${slot.tile}`, () => [1, slot.tile, 0, 0]);
    return known(`flat ${slot.result}`, () => [0, buffer(slot.result), 0, 0]);
  }
  function value(operand: Operand): number {
    const { kind, buffer: id } = operand;
    if (kind === 'flat') return flat(id);
    if (kind === 'fixed') return known(`fixed ${id}`, () => [3, buffer(id), 0, 0]);
    const { period } = operand;
    return known(`repeated ${id} ${period}`, () => [2, tiles++, buffer(id), period]);
  }
  return { buffers, values, tiles: () => tiles, buffer, flat, value };
}

/** Elements of a tile: whole granules, as many values as there are in the cache together. */
function tileOf(n: number, base: number, values: number): number {
  const most = Math.min(longestTile, Math.floor(cacheFloats / Math.max(values, 1)), n);
  return Math.max(1, Math.floor(most / base)) * base;
}

/** Where parts may begin. */
function unitOf(n: number, tile: number, sums: readonly RowSum[]): number {
  if (sums.length > 0) return n / sums[0]!.batch;
  return n <= shortest ? n : tile;
}

export interface Group {
  readonly n: number;
  readonly works: readonly ElementWork[];
  /** Values that only this group uses, and that need no memory but tiles. */
  readonly own: ReadonlySet<ValueId>;
  /** Results that take an operand's memory, and that operand. */
  readonly takes: ReadonlyMap<ValueId, ValueId>;
}

/** The step that computes a group. `tileIndex` numbers the tile operations. */
export function tilesStep(group: Group, tileIndex: (op: string) => number): CpuStep {
  const { n, works } = group;
  const { slots, tiles } = assignSlots(group);
  const layout = createLayout(slots, tiles);
  const ops = works.filter(isOp).flatMap((work) => {
    const from = [0, 1, 2, 3].map((i) => (work.from[i] ? layout.value(work.from[i]) : -1));
    const y = layout.flat(work.y);
    return [tileIndex(work.op), y, ...from, work.factor];
  });
  const sums = works.filter(isSum);
  let totals = 0;
  const sumWords = sums.flatMap((sum) => {
    const copies = copiesOf(sum.channels);
    const at = totals;
    totals += Math.ceil((sum.channels * copies) / 16) * 16;
    const value = layout.flat(sum.x);
    return [value, sum.channels, copies, at, layout.buffer(sum.y), sum.divisor];
  });
  const tile = tileOf(n, granule(works), layout.values.length);
  const unit = unitOf(n, tile, sums);
  const shares = unit === n ? 1 : 8;
  const head = [n, unit, shares, tile, layout.tiles(), totals, layout.buffers.length];
  const counts = [layout.values.length, works.filter(isOp).length, sums.length];
  const args: CpuArg[] = layout.buffers.map((buffer) => ({ buffer, offset: 0 }));
  const params = [...head, ...counts, ...layout.values.flat(), ...ops, ...sumWords];
  return {
    calls: [{ kernel: 'tiles', params, args: [...args, 'scratch'], scratch: 'tiles_scratch' }],
    ...traffic(group),
    overlaps: [],
  };
}

/** The buffers that a group reads and writes. */
export function traffic({ works, own }: Pick<Group, 'works' | 'own'>): {
  reads: ValueId[];
  writes: ValueId[];
} {
  const written = new Set<ValueId>();
  const reads = new Set<ValueId>();
  for (const work of works) {
    const from = isSum(work) ? [work.x] : work.from.map(({ buffer }) => buffer);
    for (const id of from) if (!written.has(id)) reads.add(id);
    written.add(work.y);
  }
  const outside = (ids: Iterable<ValueId>) => [...ids].filter((id) => !own.has(id));
  return { reads: outside(reads), writes: outside(written) };
}
