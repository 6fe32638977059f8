import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BenchSize } from '../../host/eval/bench.js';
import { compare, noBaselines, only, record } from './baselines.js';

const tools = { compiler: 'gcc 1', emulator: 'QEMU emulator version 7.2.1 (of one distribution)' };
const recorded = {
  code: 5000,
  weights: 9000,
  borders: 0,
  runtime: 4000,
  arena: 800,
  static: 900,
  stack: 500,
};
const size: BenchSize = { ...recorded, stackUsed: 400 };
const counts = (entries: Record<string, number>, from = tools, bytes: Partial<BenchSize> = {}) =>
  new Map(
    Object.entries(entries).map(([key, total]) => [
      key,
      { total, size: { ...size, ...bytes }, tools: from },
    ]),
  );

test('a count may grow by two percent, and not by more', () => {
  const before = record(noBaselines, counts({ 'a m4': 10_000, 'b m4': 500 }));
  assert.deepEqual(compare(before, counts({ 'a m4': 10_000 })), {
    lines: ['everything equals its baseline'],
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

test('a size may grow by two percent and a few bytes, and the stack not beyond its bound', () => {
  const before = record(noBaselines, counts({ 'a m4': 100 }));
  const now = (bytes: Partial<BenchSize>) => compare(before, counts({ 'a m4': 100 }, tools, bytes));
  assert.deepEqual(now({ weights: 9180, arena: 860, code: 4000 }), {
    lines: [
      'a m4: code 5000 -> 4000 (-20.00 %) bytes smaller',
      'a m4: weights 9000 -> 9180 (+2.00 %) bytes larger',
      'a m4: arena 800 -> 860 (+7.50 %) bytes larger',
    ],
    failed: false,
  });
  for (const bytes of [{ weights: 9181 }, { arena: 865 }, { code: 5101 }, { stack: 565 }]) {
    const { lines, failed } = now(bytes);
    assert.ok(failed);
    assert.match(lines[0]!, /too large/);
  }
  assert.deepEqual(now({ stackUsed: 500 }).failed, false);
  assert.deepEqual(now({ stackUsed: 501 }), {
    lines: ['a m4: 501 bytes of stack used, the bound says 500'],
    failed: true,
  });
});

test('only counts of the same tools are compared, and a missing baseline says what to do', () => {
  const before = record(noBaselines, counts({ 'a m4': 100 }));
  const compiler = { ...tools, compiler: 'gcc 2' };
  const emulator = { ...tools, emulator: 'QEMU emulator version 8.0.0' };
  for (const counted of [
    counts({ 'a m4': 100 }, compiler),
    counts({ 'a m4': 100 }, emulator),
    counts({ 'new m4': 1 }),
  ]) {
    const { lines, failed } = compare(before, counted);
    assert.ok(failed);
    assert.match(lines[0]!, /no baseline for .*npm run bench/);
  }
  assert.ok(compare(before, new Map()).failed);
  const mended = { ...tools, emulator: 'QEMU emulator version 7.2.9 (of another)' };
  assert.equal(compare(before, counts({ 'a m4': 100 }, mended)).failed, false);
});

test('recording keeps what was counted with other tools, and of other models', () => {
  const other = { ...tools, compiler: 'gcc 2' };
  const first = record(noBaselines, counts({ 'b m4': 2, 'a m4': 1 }));
  const second = record(first, counts({ 'a m4': 7 }, other));
  const third = record(second, counts({ 'a m4': 5 }));
  assert.deepEqual(third.baselines, [
    { ...tools, counts: { 'a m4': 5, 'b m4': 2 }, sizes: { 'a m4': recorded, 'b m4': recorded } },
    { ...other, counts: { 'a m4': 7 }, sizes: { 'a m4': recorded } },
  ]);
  const kept = only(third, new Set(['b m4'])).baselines.map(({ counts: left }) => left);
  assert.deepEqual(kept, [{ 'b m4': 2 }, {}]);
});
