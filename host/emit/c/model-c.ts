/**
 * `model.c`: const tables, one parameter struct per kernel call, one function per kernel, and the
 * switch that runs the steps.
 */
import { bytesOf as rawBytes } from '../../core/dtype.js';
import { formatShape } from '../../core/shape.js';
import { getData, getValue, type ValueId } from '../../ir/graph.js';
import type { Lowered, LoweredStep } from '../../lower/lowered.js';
import { type Argument, type Call, type ConstTable, tableType } from './call.js';
import { describeModel, type Hashes } from './describe.js';
import { callsOf } from './rules.js';
import { cComment, identifiers, initializer, list, table } from './text.js';

/** Text that is collected while the steps are walked. */
interface Draft {
  readonly name: (prefix: string, wanted: string) => string;
  /** Table identifiers by key. */
  readonly tables: Map<string, string>;
  readonly tableText: string[];
  readonly parameterText: string[];
  /** Functions by kernel and argument types. */
  readonly functions: Map<string, string>;
  readonly functionText: string[];
}

function tableName(draft: Draft, { key, type, data, align }: ConstTable): string {
  const known = draft.tables.get(key);
  if (known !== undefined) return known;
  const name = draft.name('k', key);
  draft.tables.set(key, name);
  draft.tableText.push(table(type, name, data, align));
  return name;
}

/** A constant that is an operand like any other. */
function constantOperand(lowered: Lowered, id: ValueId): ConstTable {
  const stored = getData(lowered.graph, id);
  const data = stored instanceof Int16Array ? stored : new Int8Array(rawBytes(stored));
  return { kind: 'table', key: id, type: tableType(data), data };
}

/** The C type of a value's elements in the arena. */
const elementType = (lowered: Lowered, id: ValueId): string =>
  getValue(lowered.graph, id).dtype === 's16' ? 'enn_s16' : 'int8_t';

function printOperand(
  draft: Draft,
  lowered: Lowered,
  step: LoweredStep,
  { operand }: Argument,
): string {
  if (operand.kind === 'table') return tableName(draft, operand);
  if (operand.kind === 'scratch') return `memory + ${step.scratch!.offset}`;
  const window = lowered.windows.get(operand.value);
  if (!window) return tableName(draft, constantOperand(lowered, operand.value));
  const type = elementType(lowered, operand.value);
  const cast =
    type === 'int8_t' ? '' : operand.kind === 'read' ? `(const ${type} *)` : `(${type} *)`;
  return cast === '' ? `memory + ${window.offset}` : `${cast}(memory + ${window.offset})`;
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
function functionOf(draft: Draft, lowered: Lowered, call: Call): string {
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

function printCall(draft: Draft, lowered: Lowered, step: LoweredStep, call: Call): string {
  const parameters = draft.name('p', step.node.output);
  draft.parameterText.push(
    `static const ENN_CONST struct ${call.type} ${parameters} = ${initializer(call.fields)};\n`,
  );
  const operands = call.args.map((arg) => printOperand(draft, lowered, step, arg));
  return list(`      ${functionOf(draft, lowered, call)}`, [`&${parameters}`, ...operands], ';');
}

function printStep(draft: Draft, lowered: Lowered, index: number): string {
  const step = lowered.steps[index]!;
  const { dtype, shape } = getValue(lowered.graph, step.node.output);
  const summary = `${step.node.output}: ${dtype}${formatShape(shape)} = ${step.node.op}`;
  const calls = callsOf(lowered.graph, step.node, step.kernel).map((call) =>
    printCall(draft, lowered, step, call),
  );
  return [
    `    case ${index}: /* ${cComment(summary)} */`,
    ...calls,
    `      if (last == ${index + 1}) return;`,
    '      /* fall through */',
  ].join('\n');
}

function runFunction(steps: readonly string[]): string {
  const body = [
    '  (void)state;',
    ...(steps.length > 0
      ? ['  int8_t *const memory = (int8_t *)arena;', '  if (first >= last) return;']
      : ['  (void)arena;', '  (void)first;', '  (void)last;']),
    ...(steps.length > 0
      ? ['  switch (first) {', ...steps, '    default:', '      return;', '  }']
      : []),
  ];
  return `void enn_model_run(uint8_t *arena, uint8_t *state, uint32_t first, uint32_t last) {\n${body.join('\n')}\n}\n`;
}

/** The headers that model.c includes, sorted. */
export const includedHeaders = (lowered: Lowered): string[] =>
  [...new Set(lowered.steps.map(({ kernel }) => kernel.header))].sort();

/** The text of model.c. */
export function modelSource(lowered: Lowered, hashes: Hashes): string {
  const draft: Draft = {
    name: identifiers(),
    tables: new Map(),
    tableText: [],
    parameterText: [],
    functions: new Map(),
    functionText: [],
  };
  const steps = lowered.steps.map((_, index) => printStep(draft, lowered, index));
  return [
    `/* ${cComment(lowered.graph.name)}: tables and calls. Emitted by edge-nn; do not edit. */`,
    '#include "model.h"',
    '',
    ...includedHeaders(lowered).map((header) => `#include "${header}"`),
    '',
    [...draft.tableText, ...draft.parameterText, ...draft.functionText].join('\n'),
    describeModel(lowered, hashes),
    'void enn_model_reset(uint8_t *state) { (void)state; }',
    '',
    runFunction(steps),
  ].join('\n');
}
