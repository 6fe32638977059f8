/**
 * A kernel call as data: what an op's rule says, and what model.c prints.
 */
import type { ValueId } from '../../ir/graph.js';
import type { TableType } from './text.js';

/** A constant table; `key` is equal for equal contents that should be emitted once. */
export interface ConstTable {
  readonly kind: 'table';
  readonly key: string;
  readonly type: TableType;
  readonly data: Int8Array | Int16Array | Int32Array;
  /** Bytes; the type's own where absent. */
  readonly align?: number;
}

/** A value: its place in the arena, or its table when it is constant. */
export interface ValueOperand {
  readonly kind: 'read' | 'write';
  readonly value: ValueId;
}

/** The step's scratch memory. */
export interface ScratchOperand {
  readonly kind: 'scratch';
}

/** An argument, with the name that the kernel gives it. */
export interface Argument {
  readonly name: string;
  readonly operand: ConstTable | ValueOperand | ScratchOperand;
}

export interface Call {
  readonly kernel: string;
  /** The parameter struct, `struct <type>`. */
  readonly type: string;
  readonly fields: Readonly<Record<string, number | readonly number[]>>;
  /** After the parameters, in the order of the kernel's signature. */
  readonly args: readonly Argument[];
}

export const read = (name: string, value: ValueId): Argument => ({
  name,
  operand: { kind: 'read', value },
});

export const write = (value: ValueId): Argument => ({
  name: 'y',
  operand: { kind: 'write', value },
});

/** The C type of a table's elements. */
export function tableType(data: ConstTable['data']): TableType {
  if (data instanceof Int8Array) return 'int8_t';
  return data instanceof Int16Array ? 'int16_t' : 'int32_t';
}

export const constant = (name: string, key: string, data: ConstTable['data']): Argument => ({
  name,
  operand: {
    kind: 'table',
    key,
    type: tableType(data),
    data,
  },
});

/** A table of bytes with an alignment of its own. */
export const alignedTable = (
  name: string,
  key: string,
  data: Int8Array,
  align: number,
): Argument => ({
  name,
  operand: { kind: 'table', key, type: 'int8_t', data, ...(align > 1 && { align }) },
});

/** A table that a kernel reads by words. */
export const words = (name: string, key: string, data: Int8Array): Argument =>
  alignedTable(name, key, data, 4);

export const scratch: Argument = { name: 'scratch', operand: { kind: 'scratch' } };
