/**
 * The gate on what a model costs: no count and no size grows by more than 2 %, no stack leaves its
 * bound, and the MLPerf Tiny models stay below fixed limits, where they are on this machine.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BenchResult, type BenchSize, benchModel } from '../../host/eval/bench.js';
import { lacking } from '../board/support.js';
import { sample } from '../quick.js';
import { compare } from './baselines.js';
import {
  type BenchedModel,
  mlperfFolder,
  mlperfModels,
  readBaselines,
  trainedModels,
} from './models.js';

/** A core of each kind of kernel. */
const cores = ['mps2-an386', 'mps3-an547', 'mps2-an385-v6m'];
/** And what else has a stack of its own: portable kernels; 16 KB of RAM. */
const moreBoards = ['mps2-an385', 'microbit'];

const cases = [
  ...trainedModels.flatMap((model) => [...cores, ...moreBoards].map((board) => ({ model, board }))),
  ...mlperfModels.flatMap((model) => cores.map((board) => ({ model, board }))),
];

/**
 * A path of the call graph that no inference takes (a reply that is sent while a frame arrives) may
 * be deeper than what was measured, but not by much.
 */
const mostUnused = 1.5;
/** What an interrupt at the deepest place would push, and its handlers; it seldom comes there. */
const interruptBytes = 200;

function checkStack({ stack, stackUsed }: BenchSize): void {
  assert.ok(stackUsed > 64, `${stackUsed} bytes of stack used`);
  assert.ok(stackUsed <= stack, `${stackUsed} bytes of stack used, the bound says ${stack}`);
  const most = mostUnused * stackUsed + interruptBytes;
  assert.ok(stack <= most, `a bound of ${stack} bytes for ${stackUsed} that were used`);
}

/** Instructions in millions, by board. */
const mostInstructions: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'mps2-an386': { ic: 16, kws: 4, vww: 7.4, ad: 0.36, sww: 1.15 },
  'mps3-an547': { ic: 3, kws: 1, vww: 2.3, ad: 0.075, sww: 0.25 },
  'mps2-an385-v6m': { ic: 55, kws: 13, vww: 22, ad: 1.15, sww: 4 },
};

/** Bytes on the Cortex-M4F. */
const mostArena: Readonly<Record<string, number>> = {
  ic: 34_500,
  kws: 8_900,
  vww: 37_600,
  ad: 900,
  sww: 4_000,
};
const mostFirmware = 26 * 1024;
const mostWeights: Readonly<Record<string, number>> = { vww: 44_000 };
const mostCode = (model: string): number => (model === 'ad' ? 5 : 14) * 1024;

function checkLimits(model: string, { board, total, size }: BenchResult): void {
  const most = mostInstructions[board]?.[model];
  if (most !== undefined) assert.ok(total <= 1e6 * most, `${total} instructions`);
  if (board !== 'mps2-an386' || mostArena[model] === undefined) return;
  assert.ok(size.arena <= mostArena[model], `an arena of ${size.arena} bytes`);
  assert.ok(size.code <= mostCode(model), `${size.code} bytes of model and kernels`);
  const firmware = size.code + size.runtime;
  assert.ok(firmware <= mostFirmware, `${firmware} bytes of firmware without weights`);
  const tables = size.weights + size.borders;
  assert.ok(tables <= (mostWeights[model] ?? tables), `${tables} bytes of weights`);
}

/** Only where the counts of this compiler and emulator are known can they be compared. */
function checkBaseline({ name }: BenchedModel, result: BenchResult): string {
  const baselines = readBaselines();
  const { lines, failed } = compare(baselines, new Map([[`${name} ${result.board}`, result]]));
  assert.ok(!failed, lines.join('\n'));
  return lines.join('; ');
}

for (const { model, board } of sample(cases)) {
  test(`${model.name} on ${board} costs what it did, and its stack stays in its bound`, async (t) => {
    const reason = await lacking(board);
    if (reason) return t.skip(reason);
    const result = await benchModel({ path: model.path, board, timeoutMs: 300_000 });
    checkStack(result.size);
    checkLimits(model.name, result);
    t.diagnostic(checkBaseline(model, result));
  });
}

test('the MLPerf Tiny models are counted too', (t) => {
  if (mlperfModels.length === 0) return t.skip(`no MLPerf Tiny models in ${mlperfFolder}`);
  assert.equal(mlperfModels.length, 5);
});
