/**
 * Random layers through the kernels of a target, int8 first, then as many of other types in all,
 * compared with the oracle byte for byte.
 *
 *     npm run fuzz -- --cases 10000 --seed 7 --target host        sanitizers on
 *     npm run fuzz -- --cases 1000 --target mps2-an386            QEMU
 *     npm run fuzz -- --seed 7 --first 1234 --cases 1             one case again
 *
 * Targets: host, virtual, mps2-an386. Exit code 10 when a byte differs or a sanitizer objects.
 */
import { parseArgs } from 'node:util';
import { EdgeNnError, exitCodes } from '../host/core/errors.js';
import {
  buildDriver,
  type FuzzTarget,
  fuzzArchs,
  fuzzTargets,
} from '../test/kernels/fuzz-build.js';
import { fuzz, fuzzArithmetic } from '../test/kernels/fuzz-run.js';
import { typedCase, typedKinds } from '../test/kernels/fuzz-types.js';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    target: { type: 'string', default: 'host' },
  },
});
const [cases, seed, first] = [values.cases, values.seed, values.first].map(Number) as [
  number,
  number,
  number,
];
const isTarget = (name: string): name is FuzzTarget =>
  (fuzzTargets as readonly string[]).includes(name);

function usage(message: string): never {
  console.error(
    `${message}\nusage: fuzz [--cases N] [--seed S] [--first I] [--target ${fuzzTargets.join('|')}]`,
  );
  process.exit(exitCodes.usage);
}

if (!isTarget(values.target)) usage(`no target ${values.target}`);
if (![cases, seed, first].every(Number.isSafeInteger)) usage('counts and seeds are integers');

try {
  const start = performance.now();
  const driver = await buildDriver(values.target);
  try {
    await fuzzArithmetic(driver, seed, 1000);
    for (const arch of fuzzArchs[values.target]) {
      await fuzz(driver, seed, first, cases, arch);
      for (const kind of typedKinds) {
        const typed = (s: number, i: number) => typedCase(kind, s, i);
        await fuzz(driver, seed, first, Math.ceil(cases / typedKinds.length), arch, typed);
      }
    }
  } finally {
    driver.dispose();
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${cases} cases of seed ${seed} on ${values.target}: equal (${seconds} s)`);
} catch (error) {
  console.error((error as Error).message);
  if (error instanceof EdgeNnError) console.error(error.hint);
  process.exit(error instanceof EdgeNnError ? error.code : exitCodes.gate);
}
