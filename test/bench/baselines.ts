/**
 * Baselines of instruction counts: recording them, and comparing new counts with them.
 */
import type { BenchResult } from '../../host/eval/bench.js';

/** Counts that one pair of tools gives. */
export interface Baseline {
  readonly compiler: string;
  readonly emulator: string;
  /** By `model board`: what one inference takes. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface Baselines {
  readonly format: 1;
  readonly baselines: readonly Baseline[];
}

type Counted = Pick<BenchResult, 'total' | 'tools'>;

/** A count may grow by so many percent. */
const tolerance = 2;

const isOf =
  ({ tools }: Counted) =>
  ({ compiler, emulator }: Baseline): boolean =>
    compiler === tools.compiler && emulator === tools.emulator;

/** The baselines with new counts in them; those of other tools and of other models stay. */
export function record({ baselines }: Baselines, counted: ReadonlyMap<string, Counted>): Baselines {
  const all = [...baselines];
  for (const [key, result] of counted) {
    const at = all.findIndex(isOf(result));
    const old = all[at] ?? { ...result.tools, counts: {} };
    const counts = Object.entries({ ...old.counts, [key]: result.total });
    counts.sort(([a], [b]) => (a < b ? -1 : 1));
    all.splice(at < 0 ? all.length : at, 1, { ...old, counts: Object.fromEntries(counts) });
  }
  return { format: 1, baselines: all };
}

export interface Comparison {
  /** What changed, and what is missing. */
  readonly lines: readonly string[];
  readonly failed: boolean;
}

const percent = (ratio: number): string => `${ratio > 0 ? '+' : ''}${(100 * ratio).toFixed(2)} %`;

function compareOne(baselines: Baselines, key: string, result: Counted) {
  const before = baselines.baselines.find(isOf(result))?.counts[key];
  if (before === undefined) {
    const { compiler, emulator } = result.tools;
    const remedy = 'Run `npm run bench` on the commit to compare with, and commit the file.';
    return { line: `${key}: no baseline for ${compiler}; ${emulator}. ${remedy}`, failed: true };
  }
  const ratio = result.total / before - 1;
  const failed = 100 * result.total > (100 + tolerance) * before;
  const verdict = failed ? 'too slow' : ratio > 0 ? 'slower' : ratio < 0 ? 'faster' : undefined;
  return {
    line: verdict && `${key}: ${before} -> ${result.total} (${percent(ratio)}) ${verdict}`,
    failed,
  };
}

/** New counts against the baseline of the same tools. Nothing counted at all is a failure too. */
export function compare(baselines: Baselines, counted: ReadonlyMap<string, Counted>): Comparison {
  const each = [...counted].map(([key, result]) => compareOne(baselines, key, result));
  const lines = each.flatMap(({ line }) => line ?? []);
  if (counted.size === 0) lines.push('nothing was counted: check --board and --model');
  const failed = counted.size === 0 || each.some((one) => one.failed);
  return { lines: lines.length > 0 ? lines : ['every count equals its baseline'], failed };
}
