/**
 * Baselines of instruction counts and sizes: recording them, and comparing new ones with them.
 */
import type { BenchResult, BenchSize } from '../../host/eval/bench.js';

/** Without the stack that was used, which depends on when interrupts come. */
type RecordedSize = Omit<BenchSize, 'stackUsed'>;

/** What one pair of tools gives. */
export interface Baseline {
  readonly compiler: string;
  readonly emulator: string;
  /** By `model board`: instructions of one inference. */
  readonly counts: Readonly<Record<string, number>>;
  /** By `model board`: bytes. */
  readonly sizes: Readonly<Record<string, RecordedSize>>;
}

export interface Baselines {
  readonly format: 2;
  readonly baselines: readonly Baseline[];
}

export const noBaselines: Baselines = { format: 2, baselines: [] };

type Counted = Pick<BenchResult, 'total' | 'size' | 'tools'>;

/** A count or a size may grow by so many percent, */
const tolerance = 2;
/** and a size by so many bytes, because 2 % of little is less than an instruction. */
const toleranceBytes = 64;

const compared = [
  'code',
  'weights',
  'borders',
  'runtime',
  'arena',
  'static',
  'stack',
] as const satisfies readonly (keyof RecordedSize)[];

/** `QEMU emulator version 7.2.22 (Debian ...)` -> `7.2`: its fixes do not change what it counts. */
const release = (emulator: string): string => /version (\d+\.\d+)/.exec(emulator)?.[1] ?? emulator;

const isOf =
  ({ tools }: Pick<Counted, 'tools'>) =>
  ({ compiler, emulator }: Baseline): boolean =>
    compiler === tools.compiler && release(emulator) === release(tools.emulator);

const sorted = <T>(entries: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The baselines with new results in them; those of other tools and of other models stay. */
export function record({ baselines }: Baselines, counted: ReadonlyMap<string, Counted>): Baselines {
  const all = [...baselines];
  for (const [key, result] of counted) {
    const at = all.findIndex(isOf(result));
    const old = all[at] ?? { ...result.tools, counts: {}, sizes: {} };
    const counts = sorted({ ...old.counts, [key]: result.total });
    const { stackUsed: _, ...size } = result.size;
    const sizes = sorted({ ...old.sizes, [key]: size });
    all.splice(at < 0 ? all.length : at, 1, { ...old, ...result.tools, counts, sizes });
  }
  return { format: 2, baselines: all };
}

/** The baselines without what is not counted any more. */
export const only = ({ baselines }: Baselines, keys: ReadonlySet<string>): Baselines => ({
  format: 2,
  baselines: baselines.map(({ counts, sizes, ...tools }) => {
    const known = <T>(entries: Readonly<Record<string, T>>): Record<string, T> =>
      Object.fromEntries(Object.entries(entries).filter(([key]) => keys.has(key)));
    return { ...tools, counts: known(counts), sizes: known(sizes) };
  }),
});

export interface Comparison {
  /** What changed, and what is missing. */
  readonly lines: readonly string[];
  readonly failed: boolean;
}

const percent = (ratio: number): string => `${ratio > 0 ? '+' : ''}${(100 * ratio).toFixed(2)} %`;
const change = (before: number, now: number): string =>
  `${before} -> ${now} (${percent(now / Math.max(before, 1) - 1)})`;

const tooMuch = (before: number, now: number): boolean => 100 * now > (100 + tolerance) * before;

function compareCount(key: string, before: number, now: number): Comparison {
  if (now === before) return { lines: [], failed: false };
  const failed = tooMuch(before, now);
  const verdict = failed ? 'too slow' : now > before ? 'slower' : 'faster';
  return { lines: [`${key}: ${change(before, now)} ${verdict}`], failed };
}

function compareSizes(key: string, before: RecordedSize, now: BenchSize): Comparison {
  const changed = compared.filter((name) => now[name] !== before[name]);
  const large = changed.filter(
    (name) => tooMuch(before[name], now[name]) && now[name] > before[name] + toleranceBytes,
  );
  const lines = changed.map((name) => {
    const verdict = large.includes(name)
      ? 'too large'
      : now[name] > before[name]
        ? 'larger'
        : 'smaller';
    return `${key}: ${name} ${change(before[name], now[name])} bytes ${verdict}`;
  });
  if (now.stackUsed <= now.stack) return { lines, failed: large.length > 0 };
  const said = `${key}: ${now.stackUsed} bytes of stack used, the bound says ${now.stack}`;
  return { lines: [...lines, said], failed: true };
}

function compareOne(baselines: Baselines, key: string, result: Counted): Comparison {
  const baseline = baselines.baselines.find(isOf(result));
  const count = baseline?.counts[key];
  const size = baseline?.sizes[key];
  if (count === undefined || size === undefined) {
    const { compiler, emulator } = result.tools;
    const remedy = 'Run `npm run bench` on the commit to compare with, and commit the file.';
    const line = `${key}: no baseline for ${compiler}; ${emulator}. ${remedy}`;
    return { lines: [line], failed: true };
  }
  const parts = [compareCount(key, count, result.total), compareSizes(key, size, result.size)];
  return {
    lines: parts.flatMap(({ lines }) => lines),
    failed: parts.some(({ failed }) => failed),
  };
}

/** New results against the baseline of the same tools. Nothing counted at all is a failure too. */
export function compare(baselines: Baselines, counted: ReadonlyMap<string, Counted>): Comparison {
  const each = [...counted].map(([key, result]) => compareOne(baselines, key, result));
  const lines = each.flatMap((one) => one.lines);
  if (counted.size === 0) lines.push('nothing was counted: check --board and --model');
  const failed = counted.size === 0 || each.some((one) => one.failed);
  return { lines: lines.length > 0 ? lines : ['everything equals its baseline'], failed };
}
