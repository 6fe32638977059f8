/**
 * FlatBuffers driven by tables of fields instead of generated code: a schema is a readonly object
 * whose keys are the fields in the order of their numbers; reading gives plain data with exactly
 * these keys, writing takes it. Types follow from the schema.
 *
 * Reading goes through bounds checks of its own, since the ByteBuffer of npm flatbuffers has none;
 * writing uses that package's Builder. Sharing makes the tree larger than the file, so a budget
 * bounds what one file may expand to.
 * Source: https://flatbuffers.dev/internals/
 */
import { Builder } from 'flatbuffers';
import { damaged, damagedHint, need, type Source, textAt } from '../bytes.js';
import { type ScalarType, scalars } from './flatbuffer-scalars.js';

export interface Reader {
  readonly source: Source;
  /** Bytes that may still be decoded. */
  left: number;
}

/** How one field is stored. V is what reading gives, W what writing takes. */
export interface Field<V, W = V> {
  /** Entries of the vtable: a union has two, its type and its value. */
  readonly slots: 1 | 2;
  /** The value of an absent field. */
  readonly fallback: V;
  /** Reads the field whose slots lie at these positions; undefined where the slot is empty. */
  read(reader: Reader, at: readonly (number | undefined)[]): V;
  /** Writes what lies outside the table and returns its offset, 0 for nothing. */
  prepare(builder: Builder, value: W): number;
  /** Writes the field into the open table. */
  add(builder: Builder, slot: number, value: W, child: number): void;
}

// biome-ignore lint/suspicious/noExplicitAny: a schema holds fields of any type
export type Spec = Readonly<Record<string, Field<any, any>>>;

export type Decoded<S extends Spec> = {
  readonly [K in keyof S]: S[K] extends Field<infer V, infer _> ? V : never;
};

/** What writing takes: absent keys mean the default. */
export type Encodable<S extends Spec> = {
  readonly [K in keyof S]?: S[K] extends Field<infer _, infer W> ? W : never;
};

/** A number. 64-bit integers outside the safe range are refused. */
export function num(type: ScalarType, fallback = 0): Field<number> {
  const { size, read, addField } = scalars[type];
  return {
    slots: 1,
    fallback,
    read: ({ source }, [at]) => {
      if (at === undefined) return fallback;
      need(source, at, size, 'a field');
      return read(source.view, at, source);
    },
    prepare: () => 0,
    add: (builder, slot, value) => addField(builder, slot, value, fallback),
  };
}

export function bool(fallback = false): Field<boolean> {
  const byte = num('u8', Number(fallback));
  return {
    slots: 1,
    fallback,
    read: (reader, at) => byte.read(reader, at) !== 0,
    prepare: () => 0,
    add: (builder, slot, value) => byte.add(builder, slot, Number(value), 0),
  };
}

/** A number with a name; an unknown number is refused. */
export function enumOf<const N extends string>(
  type: ScalarType,
  names: readonly N[],
  fallback: N = names[0]!,
): Field<N> {
  const code = num(type, names.indexOf(fallback));
  return {
    slots: 1,
    fallback,
    read: (reader, at) => {
      const value = code.read(reader, at);
      const name = names[value];
      if (name !== undefined) return name;
      const what = `unknown value ${value} at offset ${at[0]}, expected one of ${names.join(', ')}`;
      throw damaged(reader.source, at[0] ?? 0, what, damagedHint);
    },
    prepare: () => 0,
    add: (builder, slot, value) => code.add(builder, slot, names.indexOf(value), 0),
  };
}

/** Follows the offset at `at`. */
function target(reader: Reader, at: number): number {
  need(reader.source, at, 4, 'an offset');
  return at + reader.source.view.getUint32(at, true);
}

/** Checks a vector of `size`-byte elements and returns where they lie. */
function vectorAt(reader: Reader, field: number, size: number): { start: number; count: number } {
  const at = target(reader, field);
  need(reader.source, at, 4, 'a vector length');
  const count = reader.source.view.getUint32(at, true);
  need(reader.source, at + 4, count * size, `a vector of ${count} elements`);
  spend(reader, at, 4 + count * size);
  return { start: at + 4, count };
}

function spend(reader: Reader, at: number, bytes: number): void {
  reader.left -= bytes;
  if (reader.left >= 0) return;
  const what = `the parts at offset ${at} are shared so often that the content would not end`;
  throw damaged(reader.source, at, what, damagedHint);
}

/** A vector of numbers; an absent one reads as empty, an empty one is not written. */
export function nums(type: ScalarType): Field<readonly number[]> {
  const { size, read, add } = scalars[type];
  return {
    slots: 1,
    fallback: [],
    read: (reader, [at]) => {
      if (at === undefined) return [];
      const { start, count } = vectorAt(reader, at, size);
      const { view } = reader.source;
      return Array.from({ length: count }, (_, i) => read(view, start + i * size, reader.source));
    },
    prepare: (builder, values) => {
      if (values.length === 0) return 0;
      builder.startVector(size, values.length, size);
      for (let i = values.length - 1; i >= 0; i--) add(builder, values[i]!);
      return builder.endVector();
    },
    add: (builder, slot, _, child) => builder.addFieldOffset(slot, child, 0),
  };
}

/** A vector of bytes whose data is aligned; an absent one reads as empty. */
export function bytes(align = 1): Field<Uint8Array> {
  return {
    slots: 1,
    fallback: new Uint8Array(0),
    read: (reader, [at]) => {
      if (at === undefined) return new Uint8Array(0);
      const { start, count } = vectorAt(reader, at, 1);
      return reader.source.bytes.slice(start, start + count);
    },
    prepare: (builder, value) => {
      if (value.length === 0) return 0;
      builder.prep(align, value.length);
      return builder.createByteVector(value);
    },
    add: (builder, slot, _, child) => builder.addFieldOffset(slot, child, 0),
  };
}

export function str(): Field<string> {
  return {
    slots: 1,
    fallback: '',
    read: (reader, [at]) => {
      if (at === undefined) return '';
      const { start, count } = vectorAt(reader, at, 1);
      return textAt(reader.source, start, count, 'a string');
    },
    prepare: (builder, value) => (value === '' ? 0 : builder.createString(value)),
    add: (builder, slot, _, child) => builder.addFieldOffset(slot, child, 0),
  };
}

/** Where each slot of the table at `at` lies, from its vtable. */
function slotsOf(reader: Reader, at: number): (slot: number) => number | undefined {
  const { source } = reader;
  need(source, at, 4, 'a table');
  const vtable = at - source.view.getInt32(at, true);
  need(source, vtable, 4, 'a vtable');
  const vtableSize = source.view.getUint16(vtable, true);
  const tableSize = source.view.getUint16(vtable + 2, true);
  need(source, vtable, Math.max(4, vtableSize), 'a vtable');
  need(source, at, Math.max(4, tableSize), 'a table');
  spend(reader, at, vtableSize + tableSize);
  return (slot) => {
    const entry = 4 + 2 * slot;
    if (entry + 2 > vtableSize) return undefined;
    const offset = source.view.getUint16(vtable + entry, true);
    if (offset === 0) return undefined;
    if (offset < 4 || offset >= tableSize) {
      throw damaged(source, vtable + entry, `field ${slot} lies outside its table`, damagedHint);
    }
    return at + offset;
  };
}

function readTable<S extends Spec>(reader: Reader, spec: S, at: number): Decoded<S> {
  const slots = slotsOf(reader, at);
  const out: Record<string, unknown> = {};
  let slot = 0;
  for (const [key, field] of Object.entries(spec)) {
    out[key] = field.read(
      reader,
      field.slots === 1 ? [slots(slot)] : [slots(slot), slots(slot + 1)],
    );
    slot += field.slots;
  }
  return out as Decoded<S>;
}

function writeTable<S extends Spec>(builder: Builder, spec: S, value: Encodable<S>): number {
  const fields = Object.entries(spec);
  const values = fields.map(([key, field]) => value[key] ?? field.fallback);
  const children = fields.map(([, field], i) => field.prepare(builder, values[i]));
  builder.startObject(fields.reduce((n, [, field]) => n + field.slots, 0));
  let slot = 0;
  for (const [i, [, field]] of fields.entries()) {
    field.add(builder, slot, values[i], children[i]!);
    slot += field.slots;
  }
  return builder.endObject();
}

/** A table; absent reads as undefined. */
export function table<S extends Spec>(
  spec: S,
): Field<Decoded<S> | undefined, Encodable<S> | undefined> {
  return {
    slots: 1,
    fallback: undefined,
    read: (reader, [at]) =>
      at === undefined ? undefined : readTable(reader, spec, target(reader, at)),
    prepare: (builder, value) => (value === undefined ? 0 : writeTable(builder, spec, value)),
    add: (builder, slot, _, child) => builder.addFieldOffset(slot, child, 0),
  };
}

/** A vector of tables; absent reads as empty. */
export function tables<S extends Spec>(
  spec: S,
): Field<readonly Decoded<S>[], readonly Encodable<S>[]> {
  return {
    slots: 1,
    fallback: [],
    read: (reader, [at]) => {
      if (at === undefined) return [];
      const { start, count } = vectorAt(reader, at, 4);
      return Array.from({ length: count }, (_, i) =>
        readTable(reader, spec, target(reader, start + 4 * i)),
      );
    },
    prepare: (builder, values) => {
      if (values.length === 0) return 0;
      const children = values.map((value) => writeTable(builder, spec, value));
      builder.startVector(4, children.length, 4);
      for (const child of children.reverse()) builder.addOffset(child);
      return builder.endVector();
    },
    add: (builder, slot, _, child) => builder.addFieldOffset(slot, child, 0),
  };
}

/** The members of a union by name, in the order of their numbers, which begin at 1. */
export type Members = Readonly<Record<string, Spec>>;

/** A union member that the schema does not know: only its number is kept. */
export interface UnknownMember {
  readonly type: 'unknown';
  readonly code: number;
}

export type DecodedUnion<M extends Members> =
  | { readonly [K in keyof M]: { readonly type: K } & Decoded<M[K]> }[keyof M]
  | UnknownMember;

export type EncodableUnion<M extends Members> = {
  readonly [K in keyof M]: { readonly type: K } & Encodable<M[K]>;
}[keyof M];

/** A union of tables, decoded with its member's name as `type`; absent reads as undefined. */
export function union<M extends Members>(
  members: M,
): Field<DecodedUnion<M> | undefined, DecodedUnion<M> | EncodableUnion<M> | undefined> {
  const names = Object.keys(members);
  const code = num('u8');
  return {
    slots: 2,
    fallback: undefined,
    read: (reader, [typeAt, valueAt]) => {
      const type = code.read(reader, [typeAt]);
      if (type === 0 || valueAt === undefined) return undefined;
      const name = names[type - 1];
      if (name === undefined) return { type: 'unknown', code: type };
      const fields = readTable(reader, members[name]!, target(reader, valueAt));
      return { type: name, ...fields } as DecodedUnion<M>;
    },
    prepare: (builder, value) => {
      if (value === undefined) return 0;
      const spec = members[value.type as string];
      if (!spec)
        throw new RangeError(`flatbuffer: cannot write union member ${String(value.type)}`);
      return writeTable(builder, spec, value as Encodable<Spec>);
    },
    add: (builder, slot, value, child) => {
      if (value === undefined) return;
      code.add(builder, slot, names.indexOf(value.type as string) + 1, 0);
      builder.addFieldOffset(slot + 1, child, 0);
    },
  };
}

/** Sharing that real files show is small; this bounds what a damaged one can cost. */
const expansion = 16;

/**
 * Decodes the root table of a FlatBuffer.
 * @throws BadInputError for every offset, length or number that does not hold
 */
export function readFlatbuffer<S extends Spec>(source: Source, spec: S, id: string): Decoded<S> {
  need(source, 0, 8, 'the root offset and file identifier');
  const got = textAt(source, 4, 4, 'the file identifier');
  if (got !== id) {
    const what = `expected the file identifier ${id} at offset 4, got ${JSON.stringify(got)}`;
    throw damaged(source, 4, what, `Give a ${source.format} file.`);
  }
  const reader = { source, left: expansion * source.bytes.length };
  return readTable(reader, spec, target(reader, 0));
}

/** Encodes a root table; the same value gives the same bytes. */
export function writeFlatbuffer<S extends Spec>(
  spec: S,
  id: string,
  value: Encodable<S>,
): Uint8Array {
  const builder = new Builder(1 << 16);
  builder.finish(writeTable(builder, spec, value), id);
  return builder.asUint8Array().slice();
}
