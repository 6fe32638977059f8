/** The iterates that worked examples expect, by step. */
import { type Example, fail, isTensor, type Json, keyOf, need } from './example.js';

/** A list of {step, w, b} as what is expected by step. */
function numbered(iterates: unknown): unknown {
  const stepNames = ['step', 'iteration', 't', 'k', 'n'];
  const isList = Array.isArray(iterates) && iterates.every((entry) => !isTensor(entry));
  if (!isList || !iterates.every((entry) => keyOf(Object(entry), ...stepNames))) return iterates;
  const entries = (iterates as Json[]).map((entry) => {
    const { [keyOf(entry, ...stepNames)!]: step, ...values } = entry;
    return [String(step), values] as const;
  });
  return Object.fromEntries(entries);
}

/** The expected iterates by step, in order; a list begins with step 1, or with the start itself. */
function iteratesOf(example: Example): [number, unknown][] {
  const iterates = need(example, 'iterates', 'expect');
  const entries = Object.entries(numbered(iterates) as Json);
  if (entries.length === 0) fail('the case has no iterates');
  const isStart = String(entries[0]![1]) === String(example.start);
  const first = Array.isArray(numbered(iterates)) && !isStart ? 1 : 0;
  return entries
    .map(([step, value]): [number, unknown] => [Number(step) + first, value])
    .sort(([a], [b]) => a - b);
}

/** Steps a program and hands the steps that the case names to `check`. */
export function iterate(
  example: Example,
  step: (n: number) => void,
  check: (want: unknown, n: number) => void,
) {
  let done = 0;
  for (const [at, want] of iteratesOf(example)) {
    while (done < at) step(++done);
    check(want, at);
  }
}
