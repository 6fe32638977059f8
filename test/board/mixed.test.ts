/**
 * Networks of which some layers were promoted to int16, on every emulated core: what `quantize --auto`
 * makes compiles without a warning and computes what the oracle does.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileModel } from '../../host/board/compile.js';
import { flashBuild } from '../../host/board/flash.js';
import { openBoard } from '../../host/board/open.js';
import { bytesOf } from '../../host/core/dtype.js';
import { exportTflite } from '../../host/emit/tflite/tflite.js';
import { relu } from '../../host/front/elementwise.js';
import {
  avgPool2d,
  conv2d,
  dense,
  depthwiseConv2d,
  flatten,
  input,
} from '../../host/front/layers.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import { print } from '../../host/ir/text.js';
import { Session } from '../../host/link/session.js';
import { createOracle } from '../../host/quant/interpret/interpret.js';
import { candidatesOf, promote } from '../../host/quant/promote.js';
import { prepareForQuantization, quantizeGraph } from '../../host/quant/quantize.js';
import { randomInputs } from '../lower/networks.js';
import { graphOf } from '../quant/fixture.js';
import { sample } from '../quick.js';
import { lacking, temporaryFolder } from './support.js';

/** Separable, as many channels as a register block holds several times over. */
const net = () => {
  let x = relu(conv2d(input([8, 6, 3]), 64, 3, { padding: 'same' }));
  x = relu(depthwiseConv2d(x, 3, { padding: 'same' }));
  x = relu(conv2d(x, 24, 1));
  return dense(flatten(avgPool2d(x, 2)), 5);
};

/** The network with the value that is `which` in order promoted, as the .tflite file. */
function promoted(which: number): Uint8Array {
  const graph = prepareForQuantization(graphOf(net));
  const range = { min: -4, max: 4 };
  const ids = [...graph.inputs, ...graph.nodes.map(({ output }) => output)];
  const ranges = new Map(ids.map((id) => [id, range]));
  const layers = promote(new Map(), candidatesOf(graph)[which]!);
  const integer = quantizeGraph(graph, ranges, { layers });
  const file = exportTflite(integer);
  assert.equal(print(importTflite(file)), print(integer));
  return file;
}

const boards = ['mps2-an386', 'mps3-an547', 'mps2-an385-v6m', 'mps2-an385', 'virtual'];
const cases = [...boards.map((board) => ({ board, which: 2 })), { board: 'mps3-an547', which: 3 }];

for (const { board, which } of sample(cases)) {
  test(`value ${which} promoted, on ${board}`, async (t) => {
    const reason = await lacking(board);
    if (reason) return t.skip(reason);
    const model = promoted(which);
    const out = temporaryFolder(t);
    await compileModel({ model, board, out });
    await flashBuild(out);
    const graph = importTflite(model);
    const oracle = createOracle(graph);
    const session = await Session.open(await openBoard(out));
    try {
      for (let seed = 0; seed < 2; seed++) {
        const inputs = randomInputs(graph, seed);
        const outputs = await session.infer(inputs.map(bytesOf));
        assert.deepEqual(
          outputs.map((bytes) => Buffer.from(bytes)),
          oracle.run(inputs).map((output) => Buffer.from(bytesOf(output))),
        );
      }
    } finally {
      await session.close();
    }
  });
}
