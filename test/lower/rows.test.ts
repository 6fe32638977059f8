import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DoesNotFitError } from '../../host/core/errors.js';
import { emitC } from '../../host/emit/c/emit-c.js';
import type { Graph } from '../../host/ir/graph.js';
import { print } from '../../host/ir/text.js';
import { type Lowered, type PlacedGroup, portableTarget } from '../../host/lower/lowered.js';
import { lower } from '../../host/lower/pipeline.js';
import { chooseKernels, placementText } from '../../host/lower/place.js';
import { scheduleRows } from '../../host/lower/rows/schedule.js';
import { rowPlacements } from '../../host/lower/rows/search.js';
import { assertGolden } from '../golden.js';
import { network, networks } from './networks.js';
import { resnetLike, rowNetwork } from './row-networks.js';

const target = { arch: 'dsp', align: 4 } as const;
const modelHash = new Uint8Array(16);

function placements(graph: Graph): Lowered[] {
  const { graph: after, proof } = lower(graph, target);
  return [...rowPlacements(after, target, proof, chooseKernels(after, target, proof))];
}

/** Runs a group's order over an arena in which every line says whose it is. */
function simulate({ group, offsets }: PlacedGroup, arenaBytes: number): void {
  const { images } = group;
  const arena = new Array<string>(arenaBytes).fill('');
  const fill = (image: number, slot: number, row: number) => {
    const { lineBytes } = images[image]!;
    const at = offsets[image]! + slot * lineBytes;
    arena.fill(`${image}:${row}`, at, at + lineBytes);
  };
  const next = images.map(({ layer, rows }) => (layer ? 0 : rows));
  images.forEach(({ layer, rows }, i) => {
    if (!layer) for (let row = 0; row < rows; row++) fill(i, row, row);
  });
  for (const { image, row } of scheduleRows(images, () => false)) {
    assert.equal(row, next[image]);
    const { lines, lineBytes, feeds } = images[image]!;
    const kept = Math.min(row, lines - 1);
    const at = offsets[image]! + kept * lineBytes;
    // The oldest line makes room before the row is computed, and its place may be written early.
    if (row >= lines)
      arena.copyWithin(offsets[image]!, offsets[image]! + lineBytes, at + lineBytes);
    arena.fill('?', at, at + lineBytes);
    for (const { from, stride, before, span } of feeds) {
      const source = images[from]!;
      const oldest = Math.max(next[from]! - source.lines, 0);
      const end = Math.min(row * stride - before + span, source.rows);
      for (let read = Math.max(row * stride - before, 0); read < end; read++) {
        const line = offsets[from]! + (read - oldest) * source.lineBytes;
        const found = new Set(arena.slice(line, line + source.lineBytes));
        assert.deepEqual([...found], [`${from}:${read}`], `row ${row} of image ${image}`);
      }
    }
    fill(image, kept, row);
    next[image]!++;
  }
  const last = images.at(-1)!;
  assert.equal(next.at(-1), last.rows);
}

test('a row is where a later row looks for it, whatever lies over what', () => {
  let groups = 0;
  let overlapping = 0;
  for (let seed = 1; seed <= 25; seed++) {
    for (const { rows, arenaBytes } of placements(rowNetwork(seed))) {
      simulate(rows!, arenaBytes);
      groups++;
      const [input] = rows!.offsets;
      const end = input! + rows!.group.images[0]!.rows * rows!.group.images[0]!.lineBytes;
      const over = rows!.offsets.some(
        (at, i) => i > 0 && at < end && at + rows!.group.images[i]!.lineBytes > input!,
      );
      if (over) overlapping++;
    }
  }
  assert.ok(groups > 50 && overlapping > 10, `${groups} groups, ${overlapping} over their input`);
});

test('every row of every image is computed at most once', () => {
  for (const { rows } of placements(resnetLike())) {
    const { images } = rows!.group;
    const seen = new Set<string>();
    for (const { image, row } of scheduleRows(images, () => false)) {
      assert.ok(!seen.has(`${image} ${row}`));
      seen.add(`${image} ${row}`);
    }
  }
});

test('a shortcut takes its row early: no layer keeps more lines than its window has', () => {
  const groups = placements(resnetLike()).map(({ rows }) => rows!.group.images);
  const images = groups.find((all) => all.at(-1)!.value === 'add')!;
  const kept = Object.fromEntries(images.map(({ value, lines }) => [value, lines]));
  assert.deepEqual(kept, { input: 20, conv2d: 3, conv2d_2: 3, conv2d_3: 1, conv2d_4: 1, add: 10 });
});

test('golden: a group, its plan and its C', () => {
  const lowered = lower(resnetLike(), portableTarget, { ram: 2200 });
  assertGolden('lower/rows/lowered.txt', print(lowered.graph));
  assertGolden('lower/rows/plan.txt', placementText(lowered));
  assertGolden('lower/rows/model.c', emitC(lowered, { modelHash }).get('model.c')!);
});

test('as few layers go row by row as make the arena small enough', () => {
  for (let seed = 1; seed <= 12; seed++) {
    const graph = rowNetwork(seed);
    const whole = lower(graph, target);
    assert.deepEqual(
      placementText(lower(graph, target, { ram: whole.arenaBytes })),
      placementText(whole),
    );
    const all = placements(graph);
    const sizes = all.map(({ arenaBytes }) => arenaBytes);
    const smallest = Math.min(...sizes);
    if (smallest >= whole.arenaBytes) continue;
    const found = lower(graph, target, { ram: smallest });
    assert.equal(found.arenaBytes, smallest);
    assert.equal(found.rows!.group.steps, all[sizes.indexOf(smallest)]!.rows!.group.steps);
    assert.throws(() => lower(graph, target, { ram: smallest - 1 }), {
      name: DoesNotFitError.name,
      message: new RegExp(`reaches takes ${smallest.toLocaleString('en-US')} `),
    });
  }
});

test('layers that need all rows end a group; without one the error says so', () => {
  const n = network('dense', 1);
  const graph = n.finish(n.dense(n.input([64]), 8));
  assert.throws(() => lower(graph, target, { ram: 10 }), {
    name: DoesNotFitError.name,
    message: /row execution does not make it smaller/,
    hint: /^Raise --ram, or make/,
  });
  assert.throws(() => lower(resnetLike(), target, { ram: 10 }), {
    hint: /^Raise --ram, add --stream-input, or/,
  });
  const { steps } = placements(networks.separable!(1)).at(-1)!;
  assert.ok(steps.some(({ node }) => node.op === 'mean'));
});
