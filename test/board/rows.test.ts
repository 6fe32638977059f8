/**
 * First layers row by row on every kind of board: compiled within a limit, flashed, run and read back
 * over the link.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { getBoard, targetOf } from '../../host/board/boards.js';
import { readBuildFile } from '../../host/board/build-folder.js';
import { compileModel } from '../../host/board/compile.js';
import { flashBuild } from '../../host/board/flash.js';
import { openBoard } from '../../host/board/open.js';
import { bytesOf } from '../../host/core/dtype.js';
import { DoesNotFitError, UnsupportedError } from '../../host/core/errors.js';
import { sha256 } from '../../host/core/hash.js';
import type { Trace } from '../../host/emit/c/trace.js';
import { exportTflite } from '../../host/emit/tflite/tflite.js';
import { firstDifference } from '../../host/eval/difference.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import type { Graph } from '../../host/ir/graph.js';
import { Session } from '../../host/link/session.js';
import { lower } from '../../host/lower/pipeline.js';
import { createOracle } from '../../host/quant/interpret/interpret.js';
import { network, randomInputs } from '../lower/networks.js';
import { resnetLike, rowNetwork } from '../lower/row-networks.js';
import { lacking, temporaryFolder } from './support.js';

const model = exportTflite(resnetLike());
const ram = 2300;
/** The input alone takes 960. */
const streamedRam = 1800;
/** EDGE_NN_SEEDS=20-60 tests another range of random networks on the emulated core. */
const [first, last] = (process.env.EDGE_NN_SEEDS ?? '3-4').split('-').map(Number);

/** Compares outputs with the oracle's, over the link. */
async function compareOutputs(session: Session, graph: Graph): Promise<void> {
  const inputs = [1, 2, 3].map((seed) => randomInputs(graph, seed));
  const oracle = createOracle(graph);
  let index = 0;
  for await (const outputs of session.inferAll(inputs.map((each) => each.map(bytesOf)))) {
    const expected = oracle.run(inputs[index++]!).map(bytesOf);
    assert.deepEqual(outputs.map(sha256), expected.map(sha256), `image ${index}`);
  }
}

const boards = ['virtual', 'host', 'mps2-an386'];
const cases = boards.flatMap((board) =>
  [false, true].map((streamInput) => ({ board, streamInput })),
);

for (const { board, streamInput } of cases) {
  const input = streamInput ? 'as its input arrives' : 'of an input in memory';
  test(`${board} computes its first layers row by row ${input}, within --ram`, async (t) => {
    const reason = await lacking(board);
    if (reason) return t.skip(reason);
    const out = join(temporaryFolder(t), 'build');
    const limit = streamInput ? streamedRam : ram;
    const certificate = await compileModel({ model, board, out, ram: limit, streamInput });
    assert.equal(certificate.rows?.streamed, streamInput);
    assert.ok(certificate.ram.arena <= limit, `${certificate.ram.arena}`);
    assert.ok(certificate.rows.lines.every(({ lines, rows }) => lines < rows));
    const trace: Trace = JSON.parse(Buffer.from(readBuildFile(out, 'trace.json')).toString());
    assert.equal(trace.steps[0]!.op, 'rows');
    await flashBuild(out);
    const graph = importTflite(model);
    const lowered = lower(graph).graph;
    const session = await Session.open(await openBoard(out));
    try {
      await compareOutputs(session, graph);
      const inputs = randomInputs(graph, 4);
      const reference = { graph: lowered, oracle: createOracle(lowered) };
      assert.equal(await firstDifference(session, reference, inputs, 0), undefined);
      const { stackUsed } = await session.profile(inputs.map(bytesOf));
      assert.ok(stackUsed <= certificate.ram.stack, `${stackUsed} of ${certificate.ram.stack}`);
    } finally {
      await session.close();
    }
  });
}

for (let seed = first!; seed <= last!; seed++) {
  test(`mps2-an386 computes random layers row by row (seed ${seed})`, async (t) => {
    const board = 'mps2-an386';
    const reason = await lacking(board);
    if (reason) return t.skip(reason);
    const graph = rowNetwork(seed);
    const whole = lower(graph, targetOf(getBoard(board)));
    const out = join(temporaryFolder(t), 'build');
    const smaller = { model: exportTflite(graph), board, out, ram: whole.arenaBytes - 1 };
    try {
      await compileModel(smaller);
    } catch (error) {
      if (error instanceof DoesNotFitError) return t.skip('its arena is the smallest as it is');
      throw error;
    }
    await flashBuild(out);
    const session = await Session.open(await openBoard(out));
    try {
      await compareOutputs(session, graph);
    } finally {
      await session.close();
    }
  });
}

test('what row execution cannot do is refused before anything is written', async (t) => {
  const out = join(temporaryFolder(t), 'build');
  await assert.rejects(compileModel({ model, board: 'virtual', out, ram: 500 }), {
    name: DoesNotFitError.name,
    message: /does not fit an arena of 500 bytes: the smallest that row execution reaches takes 1,/,
    hint: /--stream-input/,
  });
  const n = network('dense', 1);
  const dense = exportTflite(n.finish(n.dense(n.input([64]), 8)));
  await assert.rejects(compileModel({ model: dense, board: 'virtual', out, streamInput: true }), {
    name: UnsupportedError.name,
    message: /input of dense cannot be streamed/,
  });
  assert.ok(!existsSync(out));
});
