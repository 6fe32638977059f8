/**
 * First layers row by row on every kind of board: compiled within a limit, flashed, run and read back
 * over the link.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readBuildFile } from '../../host/board/build-folder.js';
import { compileModel } from '../../host/board/compile.js';
import { flashBuild } from '../../host/board/flash.js';
import { openBoard } from '../../host/board/open.js';
import { bytesOf } from '../../host/core/dtype.js';
import { sha256 } from '../../host/core/hash.js';
import type { Trace } from '../../host/emit/c/trace.js';
import { exportTflite } from '../../host/emit/tflite.js';
import { firstDifference } from '../../host/eval/difference.js';
import { importTflite } from '../../host/front/import-tflite.js';
import { Session } from '../../host/link/session.js';
import { lower } from '../../host/lower/pipeline.js';
import { createOracle } from '../../host/quant/interpret.js';
import { randomInputs } from '../lower/networks.js';
import { resnetLike } from '../lower/row-networks.js';
import { lacking, temporaryFolder } from './support.js';

const model = exportTflite(resnetLike());
const ram = 2300;

for (const board of ['virtual', 'host', 'mps2-an386']) {
  test(`${board} computes its first layers row by row, within --ram`, async (t) => {
    const reason = await lacking(board);
    if (reason) return t.skip(reason);
    const out = join(temporaryFolder(t), 'build');
    const certificate = await compileModel({ model, board, out, ram });
    assert.equal(certificate.rows?.layers, 5);
    assert.ok(certificate.ram.arena <= ram, `${certificate.ram.arena}`);
    assert.ok(certificate.rows.lines.every(({ lines, rows }) => lines < rows));
    const trace: Trace = JSON.parse(Buffer.from(readBuildFile(out, 'trace.json')).toString());
    assert.equal(trace.steps[0]!.op, 'rows');
    await flashBuild(out);
    const graph = importTflite(model);
    const lowered = lower(graph).graph;
    const session = await Session.open(await openBoard(out));
    try {
      const inputs = [1, 2, 3].map((seed) => randomInputs(graph, seed));
      let index = 0;
      for await (const outputs of session.inferAll(inputs.map((each) => each.map(bytesOf)))) {
        const expected = createOracle(graph).run(inputs[index++]!).map(bytesOf);
        assert.deepEqual(outputs.map(sha256), expected.map(sha256), `image ${index}`);
      }
      const reference = { graph: lowered, oracle: createOracle(lowered) };
      assert.equal(await firstDifference(session, reference, inputs[0]!, 0), undefined);
      const { stackUsed } = await session.profile(inputs[0]!.map(bytesOf));
      assert.ok(stackUsed <= certificate.ram.stack, `${stackUsed} of ${certificate.ram.stack}`);
    } finally {
      await session.close();
    }
  });
}
