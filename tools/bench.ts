/**
 * Counts one inference of every benchmark model on every emulated core.
 *
 *     npm run bench                       counts, and writes kernels/bench/results.json
 *     npm run bench -- --compare          counts, and compares with that file: what got slower
 *     npm run bench -- --board B --model M
 *
 * Counts do not depend on the machine, but on compiler and emulator: a baseline is compared only
 * with counts of the same versions. Exit code 10 when a model takes 2 % more than its baseline, or
 * when there is none for these versions. The MLPerf Tiny models take part where the data is.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EdgeNnError, exitCodes } from '../host/core/errors.js';
import { writeOutputFile } from '../host/core/output-file.js';
import { packageFile } from '../host/core/package.js';
import { exportTflite } from '../host/emit/tflite.js';
import { type BenchResult, benchModel } from '../host/eval/bench.js';
import { type Baselines, compare, record } from '../test/bench/baselines.js';
import { networks } from '../test/lower/networks.js';

const boards = ['mps2-an386', 'mps2-an500', 'mps3-an547', 'mps2-an385', 'mps2-an385-v6m'];
const file = packageFile('kernels', 'bench', 'results.json');
const data = join(process.env.EDGE_NN_DATA ?? packageFile('..', 'shared', 'data'), 'models');

/** Networks of the tests with fixed weights: here on every machine. */
const ownNetworks = ['lenet', 'residual', 'separable'];

const mlperf: Readonly<Record<string, string>> = {
  ic: 'mlperftiny_ic01_resnet_int8',
  kws: 'mlperftiny_kws_ref_int8',
  vww: 'mlperftiny_vww_96_int8',
  ad: 'mlperftiny_ad01_int8',
  sww: 'mlperftiny_sww_ref_int8',
};

const { values } = parseArgs({
  options: {
    compare: { type: 'boolean', default: false },
    board: { type: 'string' },
    model: { type: 'string' },
  },
});

/** The models that this machine has, as files; the project's own are written into `dir`. */
function modelFiles(dir: string): { name: string; path: string }[] {
  const own = ownNetworks.map((name) => {
    const path = join(dir, `${name}.tflite`);
    writeFileSync(path, exportTflite(networks[name]!(1)));
    return { name, path };
  });
  const real = Object.entries(mlperf)
    .map(([name, stem]) => ({ name, path: join(data, `${stem}.tflite`) }))
    .filter(({ path }) => existsSync(path));
  if (real.length === 0) console.error(`no MLPerf Tiny models in ${data}: left out`);
  return [...own, ...real].filter(({ name }) => (values.model ?? name) === name);
}

const pad = (text: string | number, width: number): string => String(text).padEnd(width);

async function count(dir: string): Promise<Map<string, BenchResult>> {
  const counted = new Map<string, BenchResult>();
  for (const { name, path } of modelFiles(dir)) {
    for (const board of boards.filter((each) => (values.board ?? each) === each)) {
      const result = await benchModel({ path, board, timeoutMs: 300_000 });
      counted.set(`${name} ${board}`, result);
      const total = result.total.toLocaleString('en-US').padStart(14);
      console.log(`${pad(name, 12)} ${pad(board, 16)} ${total}  ${perCount(result)}`);
    }
  }
  return counted;
}

const perCount = ({ macs, total }: BenchResult): string =>
  `${(macs / total).toFixed(2)} MAC an instruction`;

const readBaselines = (): Baselines =>
  existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { format: 1, baselines: [] };

const dir = mkdtempSync(join(tmpdir(), 'edge-nn-bench-'));
try {
  const counted = await count(dir);
  if (values.compare) {
    const { lines, failed } = compare(readBaselines(), counted);
    for (const line of lines) console.log(line);
    if (failed) process.exitCode = exitCodes.gate;
  } else {
    writeOutputFile(file, `${JSON.stringify(record(readBaselines(), counted), null, 1)}\n`);
    console.log(`written: ${file}`);
  }
} catch (error) {
  console.error((error as Error).message);
  if (error instanceof EdgeNnError) console.error(error.hint);
  process.exitCode = error instanceof EdgeNnError ? error.code : exitCodes.internal;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
