/**
 * The portable int8 kernels against the oracle: seeded random layers on every target, and headers
 * that every compiler accepts.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runTool } from '../../host/board/toolchain/run-tool.js';
import { findTool } from '../../host/board/toolchain/tools.js';
import { packageFile } from '../../host/core/package.js';
import { archs } from '../../host/lower/lowered.js';
import { emulatorsOff, quick } from '../quick.js';
import {
  buildDriver,
  type Driver,
  type FuzzTarget,
  fuzzArchs,
  fuzzTargets,
  kernelHeaders,
  strictFlags,
} from './fuzz-build.js';
import { fuzzCase } from './fuzz-cases.js';
import { encodeCases, kernelsOf, readSources } from './fuzz-file.js';
import { fuzz, fuzzArithmetic } from './fuzz-run.js';
import { typedCase, typedKinds } from './fuzz-types.js';

const emulator = ['arm-none-eabi-gcc', 'qemu-system-arm'] as const;

/** What a target needs, and how many cases it runs in a few seconds. */
const targets: Readonly<
  Record<FuzzTarget, { needs: readonly Parameters<typeof findTool>[0][]; cases: number }>
> = {
  host: { needs: ['cc'], cases: 4000 },
  virtual: { needs: [], cases: 1000 },
  'mps2-an386': { needs: emulator, cases: 1000 },
  'mps3-an547': { needs: emulator, cases: 1000 },
  'armv6-m': { needs: emulator, cases: 1000 },
};

/** Cases that each caught a defect that few others show; they run everywhere, first. */
const regressionSeeds: readonly (readonly [seed: number, index: number])[] = [
  [5, 15], // avgPool2d: a negative sum rounded towards the wrong side
  [5, 20], // depthwiseConv2d: a dilated window that begins outside the image
  [5, 95], // softmax: 546 nearly equal classes, whose exponent is 32
  [6, 159], // conv2d of one pixel: the dense kernel for less memory was called as a convolution
];

async function missing(names: readonly Parameters<typeof findTool>[0][]): Promise<string[]> {
  const found = await Promise.all(names.map(findTool));
  return names.filter((_, i) => !found[i]);
}

const wanted = process.env.EDGE_NN_TARGET;

const runs = fuzzTargets.flatMap((target) => fuzzArchs[target].map((arch) => ({ target, arch })));

for (const { target, arch } of runs) {
  test(`random layers through ${arch} kernels equal the oracle on ${target}`, async (t) => {
    const { needs, cases } = targets[target];
    if (wanted && wanted !== target) return t.skip(`EDGE_NN_TARGET is ${wanted}`);
    if (needs === emulator && emulatorsOff) return t.skip(emulatorsOff);
    const absent = await missing(needs);
    if (absent.length > 0) return t.skip(`${absent.join(', ')} not on this machine`);
    const driver = await buildDriver(target);
    t.after(() => driver.dispose());
    for (const [seed, index] of regressionSeeds) await fuzz(driver, seed, index, 1, arch);
    if (arch === 'ref') await fuzzArithmetic(driver, 1, 2000);
    await fuzz(driver, 1, 0, cases / (quick ? 20 : 1), arch);
  });
}

test('cases cover every op, and both values of what is drawn', () => {
  const cases = Array.from({ length: 400 }, (_, i) => fuzzCase(1, i));
  const seen = new Set(cases.map(({ graph }) => graph.nodes[0]!.op));
  assert.equal(seen.size, 15);
  assert.ok(cases.some(({ inPlace }) => inPlace) && cases.some(({ inPlace }) => !inPlace));
});

test('cases reach every kernel of the driver', () => {
  const numbers = Array.from({ length: 700 }, (_, i) => i);
  const typed = typedKinds.flatMap((kind) => numbers.flatMap((i) => typedCase(kind, 1, i) ?? []));
  const cases = [...numbers.map((i) => fuzzCase(1, i)), ...typed];
  const reached = new Set(archs.flatMap((arch) => [...kernelsOf(cases, arch)]));
  const listed = readSources().kernels.filter((name) => name !== 'probe_fixed__ref');
  assert.deepEqual([...reached].sort(), listed.sort());
});

test('cases that caught a defect are still the cases that did', () => {
  assert.deepEqual(
    regressionSeeds.map(([seed, index]) => fuzzCase(seed, index).graph.nodes[0]!.op),
    ['avgPool2d', 'depthwiseConv2d', 'softmax', 'conv2d'],
  );
});

test('a case is a pure function of seed and index', () => {
  const [one, again] = [encodeCases([fuzzCase(3, 17)]), encodeCases([fuzzCase(3, 17)])];
  assert.deepEqual(one, again);
  assert.notDeepEqual(one, encodeCases([fuzzCase(3, 18)]));
});

test('a byte that differs is named with its case', async () => {
  const { expected } = encodeCases(Array.from({ length: 5 }, (_, i) => fuzzCase(1, i)));
  const results = new Uint8Array(Buffer.concat(expected.map((want) => Buffer.from(want))));
  const at = expected[0]!.length + expected[1]!.length;
  const wrong = results.slice();
  wrong[at]! ^= 1;
  const driver = (bytes: Uint8Array, status = 0): Driver => ({
    run: async () => ({ status, results: bytes, output: 'cases completed: 4' }),
    dispose() {},
  });
  await fuzz(driver(results), 1, 0, 5);
  await assert.rejects(fuzz(driver(wrong), 1, 0, 5), /element 0 of \d+ is .*case 2 of seed 1/s);
  await assert.rejects(fuzz(driver(results, 1), 1, 0, 5), /status 1.*case 4 of seed 1/s);
});

const compilers = [
  ['cc', []],
  ['arm-none-eabi-gcc', ['-mcpu=cortex-m0', '-mthumb']],
  ['arm-none-eabi-gcc', ['-mcpu=cortex-m4', '-mthumb']],
  ['arm-none-eabi-gcc', ['-mcpu=cortex-m55', '-mthumb', '-mfloat-abi=hard']],
] as const;

const dir = mkdtempSync(join(tmpdir(), 'enn-headers-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** What other headers include once per type. */
const isBody = (header: string): boolean => header.startsWith('enn_body_');

for (const [name, flags] of compilers) {
  test(`every header compiles alone: ${[name, ...flags].join(' ')}`, async (t) => {
    const tool = await findTool(name);
    if (!tool) return t.skip(`${name} is not on this machine`);
    const headers = [...kernelHeaders().keys()].filter((header) => !isBody(header));
    const sources = headers.map((header) => {
      const source = join(dir, header.replace('.h', '.c'));
      writeFileSync(
        source,
        `#include "${header}"\nint32_t alone(void);\nint32_t alone(void) { return 0; }\n`,
      );
      return source;
    });
    const args = [...strictFlags, ...flags, '-ffreestanding', '-fsyntax-only'];
    const include = `-I${packageFile('kernels/c')}`;
    const { status, stderr } = await runTool(tool.path, [...args, include, ...sources]);
    assert.equal(status, 0, stderr);
  });
}

test('the kernels use neither floating point nor a library', () => {
  for (const [name, text] of kernelHeaders()) {
    const code = text.replace(/\/\*.*?\*\//gs, '');
    assert.doesNotMatch(code, /\b(float|double|malloc|memcpy|math\.h)\b/, name);
    const includes = [...code.matchAll(/#include (\S+)/g)].map((m) => m[1]!);
    for (const include of includes) assert.match(include, /^<stdint\.h>$|^"enn_\w+\.h"$/, name);
  }
});
