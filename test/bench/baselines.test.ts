import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, record } from './baselines.js';

const tools = { compiler: 'gcc 1', emulator: 'QEMU 1' };
const counts = (entries: Record<string, number>, from = tools) =>
  new Map(Object.entries(entries).map(([key, total]) => [key, { total, tools: from }]));
const empty = { format: 1, baselines: [] } as const;

test('a count may grow by two percent, and not by more', () => {
  const before = record(empty, counts({ 'a m4': 10_000, 'b m4': 500 }));
  assert.deepEqual(compare(before, counts({ 'a m4': 10_000 })), {
    lines: ['every count equals its baseline'],
    failed: false,
  });
  const slower = compare(before, counts({ 'a m4': 10_200, 'b m4': 400 }));
  assert.equal(slower.failed, false);
  assert.match(slower.lines[0]!, /a m4: 10000 -> 10200 \(\+2\.00 %\) slower/);
  assert.match(slower.lines[1]!, /b m4: 500 -> 400 \(-20\.00 %\) faster/);
  const tooSlow = compare(before, counts({ 'a m4': 10_201 }));
  assert.equal(tooSlow.failed, true);
  assert.match(tooSlow.lines[0]!, /too slow/);
});

test('only counts of the same tools are compared, and a missing baseline says what to do', () => {
  const before = record(empty, counts({ 'a m4': 100 }));
  const other = { compiler: 'gcc 2', emulator: 'QEMU 1' };
  for (const counted of [counts({ 'a m4': 100 }, other), counts({ 'new m4': 1 })]) {
    const { lines, failed } = compare(before, counted);
    assert.ok(failed);
    assert.match(lines[0]!, /no baseline for .*npm run bench/);
  }
  assert.ok(compare(before, new Map()).failed);
});

test('recording keeps what was counted with other tools, and of other models', () => {
  const other = { compiler: 'gcc 2', emulator: 'QEMU 1' };
  const first = record(empty, counts({ 'b m4': 2, 'a m4': 1 }));
  const second = record(first, counts({ 'a m4': 7 }, other));
  const third = record(second, counts({ 'a m4': 5 }));
  assert.deepEqual(third.baselines, [
    { ...tools, counts: { 'a m4': 5, 'b m4': 2 } },
    { ...other, counts: { 'a m4': 7 } },
  ]);
});
