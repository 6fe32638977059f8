/**
 * Counts one inference of every benchmark model on every emulated core, and what its build takes.
 *
 *     npm run bench                       counts, and writes kernels/bench/results.json
 *     npm run bench -- --compare          counts, and compares with that file: what grew
 *     npm run bench -- --board B --model M
 *
 * Counts and sizes do not depend on the machine, but on compiler and emulator: a baseline is compared
 * only with results of the same versions. Exit code 10 when a model takes 2 % more than its
 * baseline, when there is none for these versions, or when more stack was used than the bound says.
 * The MLPerf Tiny models take part where the data is.
 */
import { parseArgs } from 'node:util';
import { DoesNotFitError, EdgeNnError, exitCodes } from '../host/core/errors.js';
import { writeOutputFile } from '../host/core/output-file.js';
import { type BenchResult, benchModel } from '../host/eval/bench.js';
import { type Baselines, compare, only, record } from '../test/bench/baselines.js';
import {
  baselineFile,
  benchBoards,
  mlperfFolder,
  mlperfModels,
  readBaselines,
  trainedModels,
} from '../test/bench/models.js';

const { values } = parseArgs({
  options: {
    compare: { type: 'boolean', default: false },
    board: { type: 'string' },
    model: { type: 'string' },
  },
});

const pad = (text: string | number, width: number): string => String(text).padEnd(width);

function report(name: string, board: string, { total, macs, size }: BenchResult): void {
  const count = total.toLocaleString('en-US').padStart(12);
  const rate = (macs / total).toFixed(2).padStart(5);
  const { code, weights, borders, runtime, arena, stack, stackUsed, static: rest } = size;
  const flash = [code, weights, borders, runtime].map((n) => String(n).padStart(7)).join('');
  const ram = [arena, rest].map((n) => String(n).padStart(7)).join('');
  console.log(
    `${pad(name, 17)}${pad(board, 15)}${count} ${rate} ${flash} ${ram}  ${stackUsed}/${stack}`,
  );
}

async function count(): Promise<Map<string, BenchResult>> {
  const counted = new Map<string, BenchResult>();
  if (mlperfModels.length === 0)
    console.error(`no MLPerf Tiny models in ${mlperfFolder}: left out`);
  console.log(
    `${pad('model', 17)}${pad('board', 15)}instructions  MAC/i    code weights borders runtime  arena static  stack`,
  );
  for (const { name, path } of [...trainedModels, ...mlperfModels]) {
    if ((values.model ?? name) !== name) continue;
    for (const board of benchBoards.filter((each) => (values.board ?? each) === each)) {
      try {
        const result = await benchModel({ path, board, timeoutMs: 300_000 });
        counted.set(`${name} ${board}`, result);
        report(name, board, result);
      } catch (error) {
        if (!(error instanceof DoesNotFitError)) throw error;
        console.log(`${pad(name, 17)}${pad(board, 15)} does not fit`);
      }
    }
  }
  return counted;
}

/** Results of everything replace what the file has; of a part, they are put in. */
function recorded(counted: ReadonlyMap<string, BenchResult>): Baselines {
  const whole = values.board === undefined && values.model === undefined;
  const all = record(readBaselines(), counted);
  return whole && mlperfModels.length > 0 ? only(all, new Set(counted.keys())) : all;
}

try {
  const counted = await count();
  if (values.compare) {
    const { lines, failed } = compare(readBaselines(), counted);
    for (const line of lines) console.log(line);
    if (failed) process.exitCode = exitCodes.gate;
  } else {
    writeOutputFile(baselineFile, `${JSON.stringify(recorded(counted), null, 1)}\n`);
    console.log(`written: ${baselineFile}`);
  }
} catch (error) {
  console.error((error as Error).message);
  if (error instanceof EdgeNnError) console.error(error.hint);
  process.exitCode = error instanceof EdgeNnError ? error.code : exitCodes.internal;
}
