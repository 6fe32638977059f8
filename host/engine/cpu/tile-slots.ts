/**
 * Where the values lie that only one group uses: in a tile of scratch, or in the memory of a result
 * that is not yet written. A value may take the place of an operand that its operation is the last
 * to read: elements are read before they are written.
 */
import type { ValueId } from '../../ir/graph.js';
import type { ElementWork } from './elementwise.js';

/** A tile of scratch, by number, or the memory of a result. */
export type Slot = { readonly tile: number } | { readonly result: ValueId };

export interface SlotRequest {
  readonly works: readonly ElementWork[];
  readonly own: ReadonlySet<ValueId>;
  /** Results that take an operand's memory, and that operand. */
  readonly takes: ReadonlyMap<ValueId, ValueId>;
}

/** When each value is read last: the number of the work; sums read after all operations. */
export function lastReads(works: readonly ElementWork[]): Map<ValueId, number> {
  const last = new Map<ValueId, number>();
  works.forEach((work, i) => {
    if (work.kind === 'sum') last.set(work.x, works.length);
    else {
      for (const { kind, buffer } of work.from) {
        const at = kind === 'flat' ? i : works.length;
        last.set(buffer, Math.max(last.get(buffer) ?? 0, at));
      }
    }
  });
  return last;
}

interface Room {
  readonly slot: Slot;
  /** The work from which on it is free. */
  from: number;
  /** The last work until which it may be used. */
  readonly until: number;
}

/** Slots for all values of `own`, and how many tiles they take. */
export function assignSlots({ works, own, takes }: SlotRequest): {
  slots: Map<ValueId, Slot>;
  tiles: number;
} {
  const last = lastReads(works);
  const rooms: Room[] = works.flatMap((work, i) => {
    if (work.kind === 'sum' || own.has(work.y) || last.has(work.y)) return [];
    const operand = takes.get(work.y);
    const from = operand === undefined ? 0 : last.get(operand)!;
    return [{ slot: { result: work.y }, from, until: i }];
  });
  const slots = new Map<ValueId, Slot>();
  let tiles = 0;
  works.forEach((work, i) => {
    if (!own.has(work.y) || work.kind === 'sum' || slots.has(work.y)) return;
    const end = last.get(work.y) ?? i;
    let room = rooms.find(({ from, until }) => from <= i && end <= until);
    if (!room) {
      room = { slot: { tile: tiles++ }, from: 0, until: Number.POSITIVE_INFINITY };
      rooms.push(room);
    }
    room.from = end;
    slots.set(work.y, room.slot);
  });
  return { slots, tiles };
}
