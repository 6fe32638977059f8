/**
 * The numbers of a FlatBuffer: how each type is read from bytes and added by the Builder.
 */
import type { Builder } from 'flatbuffers';
import { damaged, damagedHint, type Source } from '../bytes.js';

interface Scalar<V> {
  readonly size: number;
  readonly read: (view: DataView, at: number, source: Source) => V;
  readonly add: (builder: Builder, value: V) => void;
  readonly addField: (builder: Builder, slot: number, value: V, fallback: V) => void;
}

function int64At(view: DataView, at: number, source: Source, signed: boolean): number {
  const value = Number(signed ? view.getBigInt64(at, true) : view.getBigUint64(at, true));
  if (Number.isSafeInteger(value)) return value;
  throw damaged(source, at, `the 64-bit integer at offset ${at} is out of range`, damagedHint);
}

/** 64-bit integers are numbers here; those outside the safe range are refused. */
export const scalars = {
  i8: {
    size: 1,
    read: (v, at) => v.getInt8(at),
    add: (b, x) => b.addInt8(x),
    addField: (b, slot, x, d) => b.addFieldInt8(slot, x, d),
  },
  u8: {
    size: 1,
    read: (v, at) => v.getUint8(at),
    add: (b, x) => b.addInt8(x),
    addField: (b, slot, x, d) => b.addFieldInt8(slot, x, d),
  },
  u16: {
    size: 2,
    read: (v, at) => v.getUint16(at, true),
    add: (b, x) => b.addInt16(x),
    addField: (b, slot, x, d) => b.addFieldInt16(slot, x, d),
  },
  i32: {
    size: 4,
    read: (v, at) => v.getInt32(at, true),
    add: (b, x) => b.addInt32(x),
    addField: (b, slot, x, d) => b.addFieldInt32(slot, x, d),
  },
  u32: {
    size: 4,
    read: (v, at) => v.getUint32(at, true),
    add: (b, x) => b.addInt32(x),
    addField: (b, slot, x, d) => b.addFieldInt32(slot, x, d),
  },
  i64: {
    size: 8,
    read: (v, at, source) => int64At(v, at, source, true),
    add: (b, x) => b.addInt64(BigInt(x)),
    addField: (b, slot, x, d) => b.addFieldInt64(slot, BigInt(x), BigInt(d)),
  },
  u64: {
    size: 8,
    read: (v, at, source) => int64At(v, at, source, false),
    add: (b, x) => b.addInt64(BigInt(x)),
    addField: (b, slot, x, d) => b.addFieldInt64(slot, BigInt(x), BigInt(d)),
  },
  f32: {
    size: 4,
    read: (v, at) => v.getFloat32(at, true),
    add: (b, x) => b.addFloat32(x),
    addField: (b, slot, x, d) => b.addFieldFloat32(slot, x, d),
  },
} as const satisfies Record<string, Scalar<number>>;

export type ScalarType = keyof typeof scalars;
