/**
 * Placement: first-fit in several orders, the best kept, then improved.
 */
import type { Block, Neighbour } from './liveness.js';

/** How often the buffer on top is moved to the front before the plan is taken as it is. */
const improvements = 64;

/** Pairs of buffers that may be looked at in one plan: bounds the time for large graphs. */
const pairBudget = 20_000_000;

/** The offsets of `block`, from where `neighbour` lies, between which all are forbidden. */
function bounds(
  block: Block,
  { role, distance, exact }: Neighbour,
  other: Block,
): readonly [low: number, high: number] {
  const [below, above] = [-block.bytes, other.bytes];
  if (exact) return [below, above];
  return [
    role === 'output' ? Math.max(below, -distance) : below,
    role === 'input' ? Math.min(above, distance) : above,
  ];
}

/** Blocks and their neighbours in flat arrays: planning is mostly this. */
interface Flat {
  readonly blocks: readonly Block[];
  readonly bytes: Float64Array;
  readonly align: Float64Array;
  /** The neighbours of block i are those from from[i] to from[i + 1]. */
  readonly from: Int32Array;
  readonly other: Int32Array;
  /** With the neighbour at 0, the offsets between these are forbidden; and for an exact one: */
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** One offset between them that is allowed, else NaN. */
  readonly allowed: Float64Array;
  /** Room for the forbidden intervals of one block: of each other one, two at most. */
  readonly lows: Float64Array;
  readonly highs: Float64Array;
}

function flatten(blocks: readonly Block[]): Flat {
  const pairs = blocks.flatMap((block) =>
    block.neighbours.map((neighbour) => {
      const [low, high] = bounds(block, neighbour, blocks[neighbour.block]!);
      return { ...neighbour, low, high };
    }),
  );
  const from = new Int32Array(blocks.length + 1);
  for (const [i, { neighbours }] of blocks.entries()) from[i + 1] = from[i]! + neighbours.length;
  return {
    blocks,
    bytes: Float64Array.from(blocks, ({ bytes }) => bytes),
    align: Float64Array.from(blocks, ({ align }) => align),
    from,
    other: Int32Array.from(pairs, ({ block }) => block),
    low: Float64Array.from(pairs, ({ low }) => low),
    high: Float64Array.from(pairs, ({ high }) => high),
    allowed: Float64Array.from(pairs, ({ exact }) => (exact ? 0 : Number.NaN)),
    lows: new Float64Array(2 * blocks.length),
    highs: new Float64Array(2 * blocks.length),
  };
}

/** Collects the intervals that the placed neighbours of a block forbid; how many they are. */
function collect(index: number, offsets: Float64Array, flat: Flat): number {
  const { other, low, high, allowed, lows, highs } = flat;
  let count = 0;
  for (let k = flat.from[index]!; k < flat.from[index + 1]!; k++) {
    const at = offsets[other[k]!]!;
    if (at < 0) continue;
    lows[count] = at + low[k]!;
    highs[count++] = at + high[k]!;
    if (Number.isNaN(allowed[k]!)) continue;
    highs[count - 1] = at + allowed[k]!;
    lows[count] = at + allowed[k]!;
    highs[count++] = at + high[k]!;
  }
  return count;
}

/**
 * The lowest offset that no placed neighbour forbids. Every interval that holds the offset raises
 * it, until none does: in any order of the intervals that ends at the same offset, and after a few
 * passes, while sorting them would take most of the planner's time.
 */
function firstFit(index: number, offsets: Float64Array, flat: Flat): number {
  const { lows, highs } = flat;
  const count = collect(index, offsets, flat);
  const align = flat.align[index]!;
  let offset = 0;
  for (let raised = true; raised; ) {
    raised = false;
    for (let i = 0; i < count; i++) {
      if (lows[i]! >= offset || highs[i]! <= offset) continue;
      offset = Math.ceil(highs[i]! / align) * align;
      raised = true;
    }
  }
  return offset;
}

function placePinned(blocks: readonly Block[], offsets: Float64Array): void {
  blocks.forEach((block, i) => {
    if (block.pinned === undefined) return;
    for (const neighbour of block.neighbours) {
      const at = offsets[neighbour.block]!;
      if (at < 0) continue;
      const other = blocks[neighbour.block]!;
      const [low, high] = bounds(block, neighbour, other);
      const apart = block.pinned - at;
      if (apart > low && apart < high && !(neighbour.exact && apart === 0)) {
        throw new Error(`plan: ${other.id} and ${block.id} are pinned onto each other`);
      }
    }
    offsets[i] = block.pinned;
  });
}

interface Placement {
  readonly offsets: Float64Array;
  readonly bytes: number;
  /** The block that reaches highest. */
  readonly top: number;
}

function placeInOrder(flat: Flat, order: readonly number[]): Placement {
  const offsets = new Float64Array(order.length).fill(-1);
  placePinned(flat.blocks, offsets);
  for (const i of order) if (offsets[i]! < 0) offsets[i] = firstFit(i, offsets, flat);
  let bytes = 0;
  let top = -1;
  for (let i = 0; i < offsets.length; i++) {
    const end = offsets[i]! + flat.bytes[i]!;
    if (end <= bytes) continue;
    bytes = end;
    top = i;
  }
  return { offsets, bytes, top };
}

/** By the largest sum of bytes that are live with the block: what is crowded goes first. */
function breadth(blocks: readonly Block[]): number[] {
  return blocks.map((block) =>
    block.neighbours.reduce((sum, { block: j }) => sum + blocks[j]!.bytes, block.bytes),
  );
}

/**
 * Turns by time, except that where several blocks of one step lie over an input that dies there, the
 * largest that only this step uses comes first, then the step's result, then inputs: what is more than
 * that below an input pushes the result, and what follows it, further up.
 */
function overwritingFirst(blocks: readonly Block[]): number[] {
  const overwrites = ({ neighbours }: Block): boolean =>
    neighbours.some(({ role }) => role === 'output');
  const largest = blocks
    .filter((block) => block.first === block.last && overwrites(block))
    .reduce<Block | undefined>((a, b) => (a === undefined || b.bytes > a.bytes ? b : a), undefined);
  return blocks.map((block) => {
    if (block === largest) return -4;
    const isResult = block.first === largest?.first && block.last > block.first;
    if (isResult && overwrites(block)) return -3;
    return block.first < 0 ? -2 : block.first;
  });
}

function orderings(blocks: readonly Block[]): number[][] {
  const indices = blocks.map((_, i) => i);
  const crowd = breadth(blocks);
  const span = (i: number): number => Math.min(blocks[i]!.last, 1e9) - blocks[i]!.first + 1;
  const bytes = (i: number): number => blocks[i]!.bytes;
  const first = (i: number): number => blocks[i]!.first;
  const turn = overwritingFirst(blocks);
  const keys: ((i: number) => readonly [number, number])[] = [
    (i) => [-bytes(i), first(i)],
    (i) => [-bytes(i) * span(i), first(i)],
    (i) => [-span(i), -bytes(i)],
    (i) => [-crowd[i]!, -bytes(i)],
    (i) => [first(i), -bytes(i)],
    (i) => [-blocks[i]!.last, -bytes(i)],
    // What is written over rows that were read needs its place before what it is written over.
    (i) => [-first(i), bytes(i)],
    (i) => [turn[i]!, -bytes(i)],
  ];
  return keys.map((key) => {
    const sorted = indices.map((i) => [...key(i), i] as const);
    sorted.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
    return sorted.map((entry) => entry[2]);
  });
}

/**
 * The offset of each block. Stops as soon as a plan reaches `lowerBound`, the size below which none
 * can go.
 */
export function place(
  blocks: readonly Block[],
  lowerBound: number,
  most = improvements,
): Float64Array {
  const pairs = blocks.reduce((sum, { neighbours }) => sum + neighbours.length, 1);
  const starts = orderings(blocks);
  const flat = flatten(blocks);
  const rounds = Math.min(most, Math.floor(pairBudget / pairs / starts.length));
  let best: Placement | undefined;
  // An order leads to the same ones as before, so where one comes again nothing new follows.
  const tried = new Set<string>();
  for (const start of starts) {
    let order = start;
    for (let round = 0; round <= rounds; round++) {
      const key = order.join();
      if (tried.has(key)) break;
      tried.add(key);
      const placed = placeInOrder(flat, order);
      if (!best || placed.bytes < best.bytes) best = placed;
      if (best.bytes <= lowerBound) return best.offsets;
      if (placed.top < 0 || order[0] === placed.top) break;
      order = [placed.top, ...order.filter((i) => i !== placed.top)];
    }
  }
  return best!.offsets;
}
