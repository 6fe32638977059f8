/**
 * Random layers through the kernels of a target, int8 first, then as many of other types in all;
 * then whole random networks through the compiler and on the target. Every byte is compared with
 * the oracle.
 *
 *     npm run fuzz                                                all targets that this machine has
 *     npm run fuzz -- --cases 10000 --networks 0 --seed 7 --target host        sanitizers on
 *     npm run fuzz -- --cases 0 --networks 200 --target mps3-an547             QEMU
 *     npm run fuzz -- --seed 7 --first 1234 --cases 1 --target host            one case again
 *
 * Layers and networks: `host` (the kernels of every core in plain C), `mps2-an386` (Armv7E-M),
 * `mps3-an547` (Helium). Layers alone: `virtual` (WebAssembly), `armv6-m`. Networks alone:
 * `mps2-an385` (portable kernels), `mps2-an385-v6m` and `microbit` (Armv6-M by -O2 and -Os).
 *
 * Network i has the seed `--seed` + i; test/emit/c/network-fuzz.ts says what is drawn. One in eight
 * has layers by rows, one in eight a streamed input. Exit code 10 when a byte differs or a
 * sanitizer objects.
 */
import { parseArgs } from 'node:util';
import { EdgeNnError, exitCodes } from '../host/core/errors.js';
import { lacking } from '../test/board/support.js';
import { fuzzNetwork, type NetworkTarget, networkTargets } from '../test/emit/c/network-fuzz.js';
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
    cases: { type: 'string', default: '500' },
    networks: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    target: { type: 'string' },
  },
});
const numbers = [values.cases, values.networks, values.seed, values.first].map(Number);
const [cases, networks, seed, first] = numbers as [number, number, number, number];

/** Kernels alone and whole networks; a target may have only one of both. */
const targets = [...new Set<string>([...fuzzTargets, ...networkTargets])];

const isIn = <T extends string>(list: readonly T[], name: string): name is T =>
  (list as readonly string[]).includes(name);

function usage(message: string): never {
  const names = targets.join('|');
  const line = `fuzz [--cases N] [--networks N] [--seed S] [--first I] [--target ${names}]`;
  console.error(`${message}\nusage: ${line}`);
  process.exit(exitCodes.usage);
}

if (values.target !== undefined && !targets.includes(values.target)) {
  usage(`no target ${values.target}`);
}
if (!numbers.every((n) => Number.isSafeInteger(n) && n >= 0)) {
  usage('counts and seeds are integers that are not negative');
}

async function fuzzKernels(target: FuzzTarget): Promise<void> {
  const driver = await buildDriver(target);
  try {
    await fuzzArithmetic(driver, seed, 1000);
    for (const arch of fuzzArchs[target]) {
      await fuzz(driver, seed, first, cases, arch);
      for (const kind of typedKinds) {
        const typed = (s: number, i: number) => typedCase(kind, s, i);
        await fuzz(driver, seed, first, Math.ceil(cases / typedKinds.length), arch, typed);
      }
    }
  } finally {
    driver.dispose();
  }
}

function fuzzNetworks(target: NetworkTarget): void {
  for (let i = 0; i < networks; i++) fuzzNetwork(target, seed + i);
}

/** Boards that stand for the targets of single kernels: what they need is needed. */
const boardOf = (target: string): string => (target === 'armv6-m' ? 'mps2-an385-v6m' : target);

async function run(target: string): Promise<void> {
  const reason = await lacking(boardOf(target));
  if (reason && values.target === undefined) {
    console.log(`${target}: left out: ${reason}`);
    return;
  }
  const start = performance.now();
  const did: string[] = [];
  if (cases > 0 && isIn(fuzzTargets, target)) {
    await fuzzKernels(target);
    did.push(`${cases} layers`);
  }
  if (networks > 0 && isIn(networkTargets, target)) {
    fuzzNetworks(target);
    did.push(`${networks} networks`);
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const what = did.join(' and ') || 'nothing to run';
  console.log(`${target}: ${what} of seed ${seed}: equal (${seconds} s)`);
}

try {
  for (const target of values.target === undefined ? targets : [values.target]) await run(target);
} catch (error) {
  console.error((error as Error).message);
  if (error instanceof EdgeNnError) console.error(error.hint);
  process.exit(error instanceof EdgeNnError ? error.code : exitCodes.gate);
}
