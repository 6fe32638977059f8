/**
 * C source text: identifiers, strings, numbers, tables. Nothing here knows models.
 */

const lineWidth = 100;

/** A supply of C identifiers: each call gives one that was not given before. */
export function identifiers(): (prefix: string, wanted: string) => string {
  const taken = new Set<string>();
  return (prefix, wanted) => {
    const base = `${prefix}_${wanted.replace(/[^A-Za-z0-9_]/g, '_')}`;
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}_${n}`;
    taken.add(name);
    return name;
  };
}

/** A string literal; what is not printable ASCII, and `?` (trigraphs), as octal escapes. */
export function cString(text: string): string {
  const bytes = [...new TextEncoder().encode(text)];
  const plain = (byte: number) => byte >= 0x20 && byte < 0x7f && !'"\\?'.includes(ascii(byte));
  const octal = (byte: number) => `\\${byte.toString(8).padStart(3, '0')}`;
  return `"${bytes.map((byte) => (plain(byte) ? ascii(byte) : octal(byte))).join('')}"`;
}

const ascii = (byte: number): string => String.fromCharCode(byte);

/** Text for a comment: printable, and unable to end it. */
export const cComment = (text: string): string =>
  text
    .replace(/[^\x20-\x7e]/g, '?')
    .replaceAll('*/', '* /')
    .replaceAll('/*', '/ *');

/** An int32 constant expression; the literal -2147483648 would be a negated long. */
const cInt = (value: number): string =>
  value === -(2 ** 31) ? '(-2147483647 - 1)' : String(value);

/** A uint32 as hexadecimal. */
export const cHex = (value: number): string =>
  `0x${(value >>> 0).toString(16).toUpperCase().padStart(8, '0')}u`;

/** Items separated by commas, wrapped and indented. */
function wrapped(items: readonly string[], indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const item of items) {
    if (line !== '' && indent.length + line.length + item.length + 2 > lineWidth) {
      lines.push(indent + line);
      line = '';
    }
    line += line === '' ? `${item},` : ` ${item},`;
  }
  if (line !== '') lines.push(indent + line);
  return lines.join('\n');
}

/** `head(item, item)`, continued on lines indented deeper where one is too short. */
export function list(head: string, items: readonly string[], tail: string): string {
  const line = `${head}(${items.join(', ')})${tail}`;
  if (line.length <= lineWidth) return line;
  const indent = ' '.repeat(head.search(/\S/) + 4);
  return `${head}(\n${wrapped(items, indent).slice(0, -1)})${tail}`;
}

/** The types of const tables, with the array that holds one on the host. */
export type TableType = 'int8_t' | 'int16_t' | 'int32_t';

/** A constant table, aligned to so many bytes where that is given. */
export function table(
  type: TableType,
  name: string,
  data: ArrayLike<number>,
  align?: number,
): string {
  const items = Array.from(data, cInt);
  const alignment = align === undefined ? '' : `_Alignas(${align}) `;
  return `static const ENN_CONST ${alignment}${type} ${name}[${items.length}] = {\n${wrapped(items, '    ')}\n};\n`;
}

/** A field's value: a number, a list, or an expression already in C. */
export type Field = number | readonly number[] | string;

function printField(value: Field): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? cInt(value) : `{${value.map(cInt).join(', ')}}`;
}

/** `{.a = 1, .b = {2, 3}}`, wrapped. */
export function initializer(fields: Readonly<Record<string, Field>>, indent = '    '): string {
  const items = Object.entries(fields).map(([name, value]) => `.${name} = ${printField(value)}`);
  return `{\n${wrapped(items, indent)}\n${indent.slice(4)}}`;
}
