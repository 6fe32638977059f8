/**
 * `csv:FILE`: a header, then one example a line. The column `label` (else the last one) is the
 * target: integers are class numbers, other words are classes in alphabetical order, other numbers
 * are values. The rest are the inputs, in order.
 */
import { BadInputError } from '../core/errors.js';
import { elements } from '../core/shape.js';
import type { Dataset } from './dataset.js';
import { readDataFile } from './files.js';
import { memoryDataset, type Stored } from './memory.js';
import type { Source } from './spec.js';

interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
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

function parseTable(file: string): Table {
  const text = new TextDecoder().decode(readDataFile(file)).replace(/^\uFEFF/, '');
  const lines = text
    .split(/\r?\n/)
    .map((line, i) => ({ cells: cellsOf(line), line, number: i + 1 }));
  const [head, ...body] = lines.filter(({ line }) => line.trim() !== '');
  if (!head || body.length === 0) {
    throw bad(file, 1, 'no examples', 'Give a header line and at least one row.');
  }
  if (head.cells.length < 2) {
    throw bad(
      file,
      1,
      'one column, expected inputs and a label',
      'Separate the columns by commas.',
    );
  }
  if (head.cells.every((cell) => cell !== '' && Number.isFinite(Number(cell)))) {
    throw bad(
      file,
      1,
      'the first line holds numbers, expected the names of the columns',
      'Add a header line.',
    );
  }
  for (const { cells, number } of body) {
    if (cells.length !== head.cells.length) {
      throw bad(
        file,
        number,
        `${cells.length} columns, expected ${head.cells.length}`,
        'Repair or remove the line.',
      );
    }
  }
  return { header: head.cells, rows: body.map(({ cells }) => cells) };
}

/** A cell as a number. Line numbers count the header as line 1. */
function numberOf(file: string, row: number, column: string, cell: string): number {
  const value = Number(cell);
  if (cell !== '' && Number.isFinite(value)) return value;
  throw bad(
    file,
    row + 2,
    `column ${column} holds '${cell}', expected a number`,
    'Inputs are numbers; encode words as numbers first.',
  );
}

interface Targets {
  readonly data: Int32Array | Float32Array;
  readonly classNames?: readonly string[];
}

function parseTargets(
  file: string,
  cells: readonly string[],
  known: readonly string[] | undefined,
): Targets {
  const numbers = cells.map((cell) => (cell === '' ? Number.NaN : Number(cell)));
  if (!known && numbers.every((n) => Number.isInteger(n)))
    return { data: Int32Array.from(numbers) };
  if (!known && numbers.every((n) => Number.isFinite(n)))
    return { data: Float32Array.from(numbers) };
  const classNames = known ?? [...new Set(cells)].sort();
  const numberByName = new Map(classNames.map((name, i) => [name, i]));
  const data = cells.map((cell, row) => {
    const number = numberByName.get(cell);
    if (number !== undefined) return number;
    throw bad(
      file,
      row + 2,
      `class '${cell}', expected one of ${classNames.join(', ')}`,
      'Train and test data must have the same classes.',
    );
  });
  return { data: Int32Array.from(data), classNames };
}

/** `csv:FILE[,SHAPE][,target=class|values]`. */
export function openCsv(
  source: Source,
  options: { readonly classNames?: readonly string[] },
): Dataset {
  const file = source.files[0]!;
  const { header, rows } = parseTable(file);
  const named = header.findIndex((name) => name.toLowerCase() === 'label');
  const at = named >= 0 ? named : header.length - 1;
  const columns = header.map((_, i) => i).filter((i) => i !== at);
  const data = Float32Array.from(
    rows.flatMap((row, r) => columns.map((i) => numberOf(file, r, header[i]!, row[i]!))),
  );
  const shape = source.shape ?? [columns.length];
  if (elements(shape) !== columns.length) {
    throw bad(
      file,
      1,
      `${columns.length} input columns, the shape needs ${elements(shape)}`,
      'Leave the shape out of the spec, or mend it.',
    );
  }
  const inputs: Stored = { file, shape: [rows.length, ...shape], data };
  const cells = rows.map((row) => row[at]!);
  const words = options.classNames && cells.some((cell) => !Number.isFinite(Number(cell)));
  const { data: numbers, classNames } = parseTargets(
    file,
    cells,
    words ? options.classNames : undefined,
  );
  return memoryDataset({
    name: source.spec,
    inputs,
    targets: { file, shape: [rows.length], data: numbers },
    target: source.target,
    classNames,
    scale: source.scale,
    zero: source.zero,
  });
}
