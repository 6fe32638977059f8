/**
 * Compares kernels with the oracle, case by case.
 */

import { print } from '../../host/ir/text.js';
import type { Arch } from '../../host/lower/lowered.js';
import type { Driver } from './fuzz-build.js';
import { type FuzzCase, fuzzCase } from './fuzz-cases.js';
import { encodeArithmetic, encodeCases } from './fuzz-file.js';

/** Cases that fit the memory of the smallest target at once. */
const batchSize = 250;

const describe = ({ seed, index, graph }: FuzzCase): string =>
  `case ${index} of seed ${seed} (--seed ${seed} --first ${index} --cases 1):\n${print(graph)}`;

/** The first case whose bytes differ, in words; undefined when all are equal. */
function firstDifference(
  cases: readonly FuzzCase[],
  expected: readonly Int8Array[],
  results: Uint8Array,
): string | undefined {
  let offset = 0;
  for (const [i, want] of expected.entries()) {
    const got = new Int8Array(results.slice(offset, offset + want.length).buffer);
    offset += want.length;
    const at = want.findIndex((x, k) => x !== got[k]);
    if (at >= 0) {
      const where = `element ${at} of ${want.length} is ${got[at]}, the oracle says ${want[at]}`;
      return `${where}; ${describe(cases[i]!)}`;
    }
  }
  return undefined;
}

/** The case that did not complete, where the target could say. */
function crashed(cases: readonly FuzzCase[], output: string): string {
  const completed = /cases completed: (\d+)/.exec(output)?.[1];
  const culprit = completed === undefined ? undefined : cases[Number(completed)];
  const { seed, index } = cases[0]!;
  return culprit
    ? describe(culprit)
    : `one of ${cases.length} cases from ${index} of seed ${seed}; the target host can name it`;
}

const wordsPerTriple = 7;

/**
 * Runs the fixed-point arithmetic on random words.
 *
 * @throws Error naming the word that differs, or the sanitizer's report
 */
export async function fuzzArithmetic(driver: Driver, seed: number, count: number): Promise<void> {
  const { bytes, expected } = encodeArithmetic(seed, count);
  const want = expected[0]!;
  const { status, results, output } = await driver.run(bytes, want.length);
  if (status !== 0) throw new Error(`status ${status}\n${output}`);
  const got = new Int32Array(results.buffer);
  const at = new Int32Array(want.buffer).findIndex((word, i) => word !== got[i]);
  if (at >= 0) {
    const [triple, entry] = [Math.floor(at / wordsPerTriple), at % wordsPerTriple];
    throw new Error(`probe_fixed: entry ${entry} of triple ${triple} of seed ${seed} differs`);
  }
}

/**
 * Runs cases [first, first + count) of a seed.
 *
 * @param caseOf what a case is; where it is undefined, none is run
 * @throws Error naming the case, its graph and the element that differs, or the sanitizer's report
 */
export async function fuzz(
  driver: Driver,
  seed: number,
  first: number,
  count: number,
  arch: Arch = 'ref',
  caseOf: (seed: number, index: number) => FuzzCase | undefined = fuzzCase,
): Promise<void> {
  for (let at = first; at < first + count; at += batchSize) {
    const length = Math.min(batchSize, first + count - at);
    const cases = Array.from({ length }, (_, i) => caseOf(seed, at + i) ?? []).flat();
    const { bytes, expected } = encodeCases(cases, arch);
    const size = expected.reduce((sum, want) => sum + want.length, 0);
    const { status, results, output } = await driver.run(bytes, size);
    if (status !== 0) throw new Error(`status ${status}\n${output}\n${crashed(cases, output)}`);
    const difference = firstDifference(cases, expected, results);
    if (difference) throw new Error(difference);
  }
}
