/**
 * What is collected while the steps of a model are printed: tables, parameter structs, and a function
 * per kernel that all its calls share.
 */
import { bytesOf as rawBytes } from '../../core/dtype.js';
import { getData, getValue, type ValueId } from '../../ir/graph.js';
import type { Lowered, LoweredStep } from '../../lower/lowered.js';
import { type Argument, type Call, type ConstTable, tableType, type ValueOperand } from './call.js';
import { identifiers, list, table } from './text.js';

/** Text that is collected while the steps are walked. */
export interface Draft {
  readonly name: (prefix: string, wanted: string) => string;
  /** Table identifiers by key. */
  readonly tables: Map<string, string>;
  readonly tableText: string[];
  readonly parameterText: string[];
  /** Functions by kernel and argument types. */
  readonly functions: Map<string, string>;
  readonly functionText: string[];
}

export function tableName(draft: Draft, { key, type, data, align }: ConstTable): string {
  const known = draft.tables.get(key);
  if (known !== undefined) return known;
  const name = draft.name('k', key);
  draft.tables.set(key, name);
  draft.tableText.push(table(type, name, data, align));
  return name;
}

export const emptyDraft = (): Draft => ({
  name: identifiers(),
  tables: new Map(),
  tableText: [],
  parameterText: [],
  functions: new Map(),
  functionText: [],
});

/** A constant that is an operand like any other. */
export function constantOperand(lowered: Lowered, id: ValueId): ConstTable {
  const stored = getData(lowered.graph, id);
  const data = stored instanceof Int16Array ? stored : new Int8Array(rawBytes(stored));
  return { kind: 'table', key: id, type: tableType(data), data };
}

/** The C type of a value's elements in the arena. */
const elementType = (lowered: Lowered, id: ValueId): string =>
  getValue(lowered.graph, id).dtype === 's16' ? 'enn_s16' : 'int8_t';

/** An address in the arena, as a pointer to the elements of the value that lies there. */
export function pointer(
  lowered: Lowered,
  { kind, value }: ValueOperand,
  address: string,
  isCall = false,
): string {
  const type = elementType(lowered, value);
  if (type === 'int8_t') return address;
  const cast = kind === 'read' ? `(const ${type} *)` : `(${type} *)`;
  return isCall ? `${cast}${address}` : `${cast}(${address})`;
}

export function printOperand(
  draft: Draft,
  lowered: Lowered,
  step: LoweredStep,
  { operand }: Argument,
): string {
  if (operand.kind === 'table') return tableName(draft, operand);
  if (operand.kind === 'scratch') return `memory + ${step.scratch!.offset}`;
  const window = lowered.windows.get(operand.value);
  if (!window) return tableName(draft, constantOperand(lowered, operand.value));
  return pointer(lowered, operand, `memory + ${window.offset}`);
}

function operandType(lowered: Lowered, operand: Argument['operand']): string {
  if (operand.kind === 'table') return `const ENN_CONST ${operand.type} *`;
  if (operand.kind === 'scratch') return 'int8_t *';
  const type = elementType(lowered, operand.value);
  return operand.kind === 'read' ? `const ${type} *` : `${type} *`;
}

/**
 * The function that all calls of a kernel share: kernels are inlined where they are named, and one
 * copy of each is enough.
 */
export function functionOf(draft: Draft, lowered: Lowered, call: Call): string {
  const known = draft.functions.get(call.kernel);
  if (known !== undefined) return known;
  const name = draft.name('run', call.kernel.replace(/^enn_/, ''));
  draft.functions.set(call.kernel, name);
  const parameters = [
    `const ENN_CONST struct ${call.type} *p`,
    ...call.args.map((arg) => `${operandType(lowered, arg.operand)}${arg.name}`),
  ];
  const names = ['p', ...call.args.map((arg) => arg.name)];
  const head = list(`static __attribute__((noinline)) void ${name}`, parameters, ' {');
  draft.functionText.push(`${head}\n${list(`  ${call.kernel}`, names, ';')}\n}\n`);
  return name;
}
