/**
 * `model.c`: const tables, one parameter struct per kernel call, one function per kernel, and the
 * switch that runs the steps.
 */
import { formatShape } from '../../core/shape.js';
import { getValue } from '../../ir/graph.js';
import { type Lowered, type LoweredStep, stepOp } from '../../lower/lowered.js';
import type { Call } from './call.js';
import { describeModel, type Hashes } from './describe.js';
import { type Draft, emptyDraft, functionOf, printOperand } from './draft.js';
import { type PrintedRows, printRows } from './rows-c.js';
import { callsOf } from './rules.js';
import { cComment, initializer, list } from './text.js';

function printCall(draft: Draft, lowered: Lowered, step: LoweredStep, call: Call): string {
  const parameters = draft.name('p', step.node.output);
  draft.parameterText.push(
    `static const ENN_CONST struct ${call.type} ${parameters} = ${initializer(call.fields)};\n`,
  );
  const operands = call.args.map((arg) => printOperand(draft, lowered, step, arg));
  return list(`      ${functionOf(draft, lowered, call)}`, [`&${parameters}`, ...operands], ';');
}

function printStep(
  draft: Draft,
  lowered: Lowered,
  index: number,
  rows: PrintedRows | undefined,
): string {
  const step = lowered.steps[index]!;
  const { dtype, shape } = getValue(lowered.graph, step.node.output);
  const summary = `${step.node.output}: ${dtype}${formatShape(shape)} = ${stepOp(lowered, index)}`;
  const calls =
    index === 0 && rows
      ? rows.step
      : callsOf(lowered.graph, step.node, step.kernel).map((call) =>
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
function includedHeaders({ steps, rows }: Lowered): string[] {
  const inside = rows?.group.images.flatMap(({ layer }) => layer?.classes ?? []) ?? [];
  const kernels = [...steps, ...inside].map(({ kernel }) => kernel.header);
  return [...new Set(kernels)].sort();
}

/** The text of model.c. */
export function modelSource(lowered: Lowered, hashes: Hashes): string {
  const draft = emptyDraft();
  const rows = lowered.rows && printRows(draft, lowered, lowered.rows);
  const steps = lowered.steps.map((_, index) => printStep(draft, lowered, index, rows));
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
    ...(rows?.feed === undefined ? [] : [rows.feed]),
  ].join('\n');
}
