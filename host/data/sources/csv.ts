/**
 * `csv:FILE`: a header, then one example a line. The column `label` (or another one by `label=`,
 * else the last one) is the target: integers are class numbers, other words are classes in
 * alphabetical order, other numbers are values. The rest are the inputs, in order.
 *
 * The file is read line by line; its numbers are kept, four bytes each.
 */
import { StringDecoder } from 'node:string_decoder';
import { BadInputError } from '../../core/errors.js';
import { elements } from '../../core/shape.js';
import { type ByteFile, pieces } from '../../format/byte-file.js';
import type { Dataset } from '../dataset.js';
import { openDataFile } from '../files.js';
import { growing } from '../growing.js';
import type { OpenOptions } from '../open-options.js';
import { memoryRows, type Stored } from '../rows.js';
import { rowsDataset } from '../rows-dataset.js';
import type { Source } from '../spec.js';
import { orderClasses } from './class-names.js';

interface Line {
  readonly cells: readonly string[];
  /** From 1, as editors count. */
  readonly number: number;
}

/** The cells of one line; a cell may be in double quotes, with `""` for a quote. */
function cellsOf(line: string): string[] {
  const cells = line.matchAll(/(?:^|,)(?:\s*"((?:[^"]|"")*)"\s*|([^,]*))(?=,|$)/g);
  return [...cells].map(([, quoted, plain]) =>
    quoted === undefined ? plain!.trim() : quoted.replaceAll('""', '"'),
  );
}

const bad = (file: string, line: number, message: string, hint: string): BadInputError =>
  new BadInputError(`${file}, line ${line}: ${message}`, { hint, where: `${file}:${line}` });

/** No table has such lines; a file of another kind may. */
const longestLine = 2 ** 24;

/** The lines of a file that are not blank. */
function* linesOf(source: ByteFile): Generator<Line> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let number = 0;
  function* take(text: string): Generator<Line> {
    number++;
    const line = (number === 1 ? text.replace(/^\uFEFF/, '') : text).replace(/\r$/, '');
    if (line.trim() !== '') yield { cells: cellsOf(line), number };
  }
  for (const piece of pieces(source)) {
    const lines = (rest + decoder.write(Buffer.from(piece))).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield* take(line);
    if (rest.length > longestLine) {
      const message = `a line of more than ${longestLine} characters`;
      throw bad(source.file, number + 1, message, 'Give a text file with a line per example.');
    }
  }
  yield* take(rest + decoder.end());
}

function headerOf(file: string, line: Line | undefined): readonly string[] {
  if (!line) throw bad(file, 1, 'no examples', 'Give a header line and at least one row.');
  const { cells, number } = line;
  if (cells.length < 2) {
    const hint = 'Separate the columns by commas.';
    throw bad(file, number, 'one column, expected inputs and a label', hint);
  }
  if (cells.every((cell) => cell !== '' && Number.isFinite(Number(cell)))) {
    const message = 'the first line holds numbers, expected the names of the columns';
    throw bad(file, number, message, 'Add a header line.');
  }
  return cells;
}

/** Where the target stands. @throws BadInputError for a name that is no column */
function labelColumn(file: string, header: readonly string[], name: string | undefined): number {
  const wanted = (name ?? 'label').toLowerCase();
  const at = header.findIndex((column) => column.toLowerCase() === wanted);
  if (at >= 0) return at;
  if (name === undefined) return header.length - 1;
  const message = `no column ${name} among ${header.join(', ')}`;
  throw bad(file, 1, message, 'Name a column of the header after label=.');
}

interface Table {
  readonly header: readonly string[];
  readonly count: number;
  /** [count, columns - 1] */
  readonly inputs: Float32Array;
  readonly labels: readonly string[];
  /** The line of each example. */
  readonly lines: readonly number[];
}

function readTable(source: ByteFile, label: string | undefined): Table {
  const { file } = source;
  const lines = linesOf(source);
  const first = lines.next();
  const header = headerOf(file, first.done ? undefined : first.value);
  const at = labelColumn(file, header, label);
  const inputs = growing((n) => new Float32Array(n));
  const labels: string[] = [];
  const numbers: number[] = [];
  // One copy of each: a cell may hold on to the piece of text that it was cut from.
  const interned = new Map<string, string>();
  for (const { cells, number } of lines) {
    if (cells.length !== header.length) {
      const message = `${cells.length} columns, expected ${header.length}`;
      throw bad(file, number, message, 'Repair or remove the line.');
    }
    for (const [i, cell] of cells.entries()) {
      if (i === at) continue;
      const value = Number(cell);
      if (cell === '' || !Number.isFinite(value)) {
        const message = `column ${header[i]} holds '${cell}', expected a number`;
        throw bad(file, number, message, 'Inputs are numbers; encode words as numbers first.');
      }
      inputs.push(value);
    }
    const cell = cells[at]!;
    if (!interned.has(cell)) interned.set(cell, cell);
    labels.push(interned.get(cell)!);
    numbers.push(number);
  }
  if (labels.length === 0) headerOf(file, undefined);
  return { header, count: labels.length, inputs: inputs.all(), labels, lines: numbers };
}

interface Targets {
  readonly data: Int32Array | Float32Array;
  readonly classNames?: readonly string[];
}

function parseTargets(
  file: string,
  { labels, lines }: Table,
  known: readonly string[] | undefined,
): Targets {
  const numbers = labels.map((cell) => (cell === '' ? Number.NaN : Number(cell)));
  if (numbers.every((n) => Number.isInteger(n))) return { data: Int32Array.from(numbers) };
  if (numbers.every((n) => Number.isFinite(n))) return { data: Float32Array.from(numbers) };
  const classes = orderClasses(
    labels,
    known,
    (name) => `${file}, line ${lines[labels.indexOf(name)]}`,
  );
  const data = Int32Array.from(labels, (name) => classes.numbers.get(name)!);
  return { data, classNames: classes.names };
}

/** `csv:FILE[,SHAPE][,label=COLUMN][,classes=A/B][,target=class|values]`. */
export async function openCsv(source: Source, options: OpenOptions): Promise<Dataset> {
  const file = source.files[0]!;
  const { bytes } = await openDataFile(file, options.memoryLimit);
  const table = readTable(bytes, source.label);
  const columns = table.header.length - 1;
  const shape = source.shape ?? [columns];
  if (elements(shape) !== columns) {
    const message = `${columns} input columns, the shape needs ${elements(shape)}`;
    throw bad(file, 1, message, 'Leave the shape out of the spec, or mend it.');
  }
  const inputs: Stored = { file, shape: [table.count, ...shape], data: table.inputs };
  const { data, classNames } = parseTargets(file, table, source.classes ?? options.classNames);
  return rowsDataset({
    name: source.spec,
    inputs: memoryRows(inputs),
    targets: memoryRows({ file, shape: [table.count], data }),
    target: source.target,
    classNames,
    scale: source.scale,
    zero: source.zero,
  });
}
