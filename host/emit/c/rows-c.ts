/**
 * The first layers row by row, against kernels/c/enn_rows.h: the images and what they are fed from as
 * tables, and a function that computes a row after the other by the kernels of the layers.
 */
import { formatShape } from '../../core/shape.js';
import { getValue } from '../../ir/graph.js';
import type { GroupImage, Lowered, PlacedGroup } from '../../lower/lowered.js';
import type { Argument, Call, ConstTable } from './call.js';
import { constantOperand, type Draft, functionOf, pointer, tableName } from './draft.js';
import { callsOf } from './rules.js';
import { cComment, initializer, list } from './text.js';

/** A table of structs. */
function structs(type: string, name: string, entries: readonly string[]): string {
  const items = entries.map((entry) => `    ${entry},\n`).join('');
  return `static const ENN_CONST struct ${type} ${name}[${entries.length}] = {\n${items}};\n`;
}

/** The tables of a group; returns the name of its description. */
function describeGroup(draft: Draft, { group, offsets, counters }: PlacedGroup): string {
  const [name, images, feeds] = ['', '_images', '_feeds'].map((end) =>
    draft.name('p', `rows${end}`),
  );
  const all = group.images.flatMap((image) => image.feeds);
  let first = 0;
  const imageText = group.images.map(({ rows, lines, lineBytes, feeds: own }, i) => {
    const first_feed = first;
    first += own.length;
    const at = offsets[i]!;
    const fields = { rows, lines, line_bytes: lineBytes, at, first_feed, feeds: own.length };
    return initializer(fields, '        ');
  });
  const feedText = all.map(({ from, stride, before, span }) =>
    initializer({ from, stride, before, span }, '        '),
  );
  const whole = initializer({
    images: images!,
    feeds: feeds!,
    count: group.images.length,
    next: counters,
    streams: group.streams ? 1 : 0,
  });
  draft.parameterText.push(
    structs('enn_row_image', images!, imageText),
    structs('enn_row_feed', feeds!, feedText),
    `static const ENN_CONST struct enn_row_group ${name} = ${whole};\n`,
  );
  return name!;
}

/** Chooses by the row: `row < 1 ? a : row < 31 ? b : c`; one alone where all are the same. */
function byRow(firsts: readonly number[], choices: readonly string[]): string {
  if (choices.every((choice) => choice === choices[0])) return choices[0]!;
  return choices
    .map((choice, i) => (i < choices.length - 1 ? `row < ${firsts[i + 1]} ? ${choice} : ` : choice))
    .join('');
}

const sameTable = (a: ConstTable, b: ConstTable): boolean =>
  a.data.length === b.data.length && a.data.every((n, i) => n === b.data[i]);

/** The names of a table that may differ from class to class of rows. */
function tableNames(draft: Draft, tables: readonly ConstTable[]): string[] {
  return tables.map((table, i) => {
    const same = tables.findIndex((other) => sameTable(other, table));
    const alike = tables.every((other) => sameTable(other, tables[0]!));
    return tableName(
      draft,
      alike ? table : { ...table, key: `${table.key}.rows${Math.min(same, i)}` },
    );
  });
}

/** One call of a layer, as each class of its rows makes it. */
interface RowCall {
  readonly image: GroupImage;
  readonly firsts: readonly number[];
  readonly calls: readonly Call[];
}

function printArgument(
  draft: Draft,
  lowered: Lowered,
  rows: string,
  feedAt: (value: string) => number | undefined,
  { firsts, calls }: RowCall,
  index: number,
): string {
  const all = calls.map(({ args }) => args[index]!.operand);
  const operand = all[0] as Argument['operand'];
  if (operand.kind === 'table') return byRow(firsts, tableNames(draft, all as ConstTable[]));
  if (operand.kind === 'scratch') return `memory + ${lowered.steps[0]!.scratch!.offset}`;
  if (operand.kind === 'write') return pointer(lowered, operand, 'y', true);
  const feed = feedAt(operand.value);
  if (feed === undefined) return tableName(draft, constantOperand(lowered, operand.value));
  return pointer(lowered, operand, `enn_rows_line(&${rows}, memory, ${feed}, row)`, true);
}

/** A call, with parameters by class of row. */
function printRowCall(
  draft: Draft,
  lowered: Lowered,
  rows: string,
  feedAt: (value: string) => number | undefined,
  call: RowCall,
): string {
  const { image, firsts, calls } = call;
  const [one] = calls as readonly [Call];
  const texts = calls.map(({ fields }) => initializer(fields, '        '));
  const unique = [...new Set(texts)];
  const name = draft.name('p', image.value);
  draft.parameterText.push(structs(one.type, name, unique));
  const parameters = byRow(
    firsts,
    texts.map((text) => `&${name}[${unique.indexOf(text)}]`),
  );
  const operands = one.args.map((_, i) => printArgument(draft, lowered, rows, feedAt, call, i));
  return list(`      ${functionOf(draft, lowered, one)}`, [parameters, ...operands], ';');
}

function printLayer(
  draft: Draft,
  lowered: Lowered,
  { group }: PlacedGroup,
  rows: string,
  index: number,
): string {
  const image = group.images[index]!;
  const { node, classes } = image.layer!;
  const firstFeed = group.images.slice(0, index).reduce((sum, { feeds }) => sum + feeds.length, 0);
  const feedAt = (value: string): number | undefined => {
    const at = image.feeds.findIndex(({ from }) => group.images[from]!.value === value);
    return at < 0 ? undefined : firstFeed + at;
  };
  const firsts = classes.map(({ first }) => first);
  const calls = classes.map((each) => callsOf(each.graph, each.node, each.kernel));
  const printed = calls[0]!.map((_, i) =>
    printRowCall(draft, lowered, rows, feedAt, { image, firsts, calls: calls.map((c) => c[i]!) }),
  );
  const { dtype, shape } = getValue(lowered.graph, image.value);
  const summary = `${image.value}: ${dtype}${formatShape(shape)} = ${node.op}`;
  return [`    case ${index}: /* ${cComment(summary)} */`, ...printed, '      break;'].join('\n');
}

/** The functions of a group, in C. */
export interface PrintedRows {
  /** Statements that compute the group as a step. */
  readonly step: readonly string[];
  /** The definition of enn_model_feed, where the input is streamed. */
  readonly feed: string | undefined;
}

function feedFunction(rows: string, row: string): string {
  return [
    'uint32_t enn_model_feed(uint8_t *arena, uint8_t *state, uint32_t offset, const uint8_t *bytes,',
    '                        uint32_t count) {',
    '  (void)state;',
    '  int8_t *const memory = (int8_t *)arena;',
    `  if (offset == 0) enn_rows_begin(&${rows}, memory);`,
    // Rows of padding need no input, but each call with offset 0 begins anew: so that one takes bytes.
    `  const int32_t image = offset == 0 ? ENN_ROWS_WAITS : enn_rows_next(&${rows}, memory);`,
    `  if (image < 0) return enn_rows_feed(&${rows}, memory, offset, bytes, count);`,
    `  ${row}(memory, image);`,
    '  return 0;',
    '}\n',
  ].join('\n');
}

/** Prints the group of a model: a function that computes one row, and what calls it. */
export function printRows(draft: Draft, lowered: Lowered, placed: PlacedGroup): PrintedRows {
  const rows = describeGroup(draft, placed);
  const name = draft.name('run', 'row');
  const layers = placed.group.images.flatMap(({ layer }, i) =>
    layer ? [printLayer(draft, lowered, placed, rows, i)] : [],
  );
  draft.functionText.push(
    [
      `static __attribute__((noinline)) void ${name}(int8_t *memory, int32_t image) {`,
      `  const int32_t row = enn_rows_row(&${rows}, memory, image);`,
      `  int8_t *const y = enn_rows_room(&${rows}, memory, image);`,
      '  switch (image) {',
      ...layers,
      '  }',
      `  enn_rows_done(&${rows}, memory, image);`,
      '}\n',
    ].join('\n'),
  );
  const { streams } = placed.group;
  return {
    step: [
      ...(streams ? [] : [`      enn_rows_begin(&${rows}, memory);`]),
      `      for (int32_t i; (i = enn_rows_next(&${rows}, memory)) >= 0;) ${name}(memory, i);`,
    ],
    feed: streams ? feedFunction(rows, name) : undefined,
  };
}
