/**
 * Plain tables for stdout: readable in a terminal, a log and a pipe.
 */
import Table from 'cli-table3';

const none = '';
const chars = {
  top: none,
  'top-mid': none,
  'top-left': none,
  'top-right': none,
  bottom: none,
  'bottom-mid': none,
  'bottom-left': none,
  'bottom-right': none,
  left: none,
  'left-mid': none,
  mid: none,
  'mid-mid': none,
  right: none,
  'right-mid': none,
  middle: '  ',
};

export type Cell = string | number;

/** Columns under a head; numbers are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const numeric = head.map(
    (_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number'),
  );
  const out = new Table({
    head: [...head],
    chars,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colAligns: numeric.map((right) => (right ? 'right' : 'left')),
  });
  for (const row of rows) {
    out.push(row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell)));
  }
  return out
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Names and values, one pair a line. */
export const facts = (rows: readonly (readonly [string, Cell | undefined])[]): string =>
  table(
    ['', ''],
    rows.filter((row): row is [string, Cell] => row[1] !== undefined),
  )
    .split('\n')
    .slice(1)
    .join('\n');

export const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)} %`;

/** Seconds as people say them: `8 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
