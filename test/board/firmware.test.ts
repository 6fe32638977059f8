/**
 * A small network on every kind of board: compiled, certified, flashed, and run over the link.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { getBoard, targetOf } from '../../host/board/boards.js';
import { readCertificate } from '../../host/board/build-folder.js';
import { type CompileResult, compileModel } from '../../host/board/compile.js';
import { flashBuild } from '../../host/board/flash.js';
import { openBoard } from '../../host/board/open.js';
import { findProgram } from '../../host/board/toolchain/tools.js';
import { bytesOf } from '../../host/core/dtype.js';
import { sha256 } from '../../host/core/hash.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import { type Profile, Session } from '../../host/link/session.js';
import type { Lowered } from '../../host/lower/lowered.js';
import { lower } from '../../host/lower/pipeline.js';
import { createOracle } from '../../host/quant/interpret/interpret.js';
import { randomInputs } from '../lower/networks.js';
import { lacking, smallModel, temporaryFolder } from './support.js';

const model = smallModel();
const images = 20;

/** Infers on the flashed board and compares every byte with the oracle's. */
async function inferAll(dir: string): Promise<Profile> {
  const graph = importTflite(model);
  const oracle = createOracle(graph);
  const inputs = Array.from({ length: images }, (_, seed) => randomInputs(graph, seed));
  const session = await Session.open(await openBoard(dir));
  try {
    let index = 0;
    for await (const outputs of session.inferAll(inputs.map((each) => each.map(bytesOf)))) {
      const expected = oracle.run(inputs[index]!).map(bytesOf);
      assert.deepEqual(outputs.map(sha256), expected.map(sha256), `image ${index}`);
      index++;
    }
    assert.equal(index, images);
    return await session.profile(inputs[0]!.map(bytesOf));
  } finally {
    await session.close();
  }
}

/** Bytes of the tables of kernels that have their own form of them. */
const tableBytes = ({ steps }: Lowered): number =>
  steps
    .flatMap(({ kernel: { tables } }) => (tables ? [tables.weights, tables.bias, tables.mult] : []))
    .reduce((sum, table) => sum + table.byteLength, 0);

/** What must hold of any certificate, against the graph, the folder and the board. */
function checkCertificate(result: CompileResult): void {
  const { flash, ram, limits, firmware, accumulators, peak } = result;
  const folder = readCertificate(result.output);
  const { output: _, ...certificate } = result;
  assert.deepEqual(folder, certificate);
  assert.equal(result.modelHash, sha256(model).slice(0, 32));
  assert.equal(flash.total, flash.code + flash.weights);
  assert.equal(ram.total, ram.arena + ram.stack + ram.static);
  assert.equal(ram.total, firmware.ram);
  assert.ok(flash.total < firmware.flash, 'the runtime takes room too');
  assert.ok(firmware.flash <= limits.flash && firmware.ram <= limits.ram);

  const graph = importTflite(model);
  const constants = [...graph.data.values()].reduce((sum, data) => sum + data.byteLength, 0);
  // Multipliers and shifts come on top, at most eight bytes for each of the 40 channels; kernels with
  // tables of their own say what they take, but for what aligns them.
  const tables = tableBytes(lower(graph, targetOf(getBoard(result.board))));
  const most = tables > 0 ? tables + 4 * 12 : constants + 8 * 40;
  assert.ok(flash.weights >= constants && flash.weights <= most, `${flash.weights}`);
  assert.ok(flash.code > 500 && flash.code < 20_000, `${flash.code} bytes of code`);
  assert.ok(ram.arena >= peak.lowerBound && ram.arena < 2000);
  assert.ok(ram.static > 100);
  assert.equal(accumulators.channels, 4 + 6 + 20 + 10);
  assert.ok(accumulators.largest > 0 && accumulators.largest < accumulators.limit);
  assert.ok(peak.tensors.length > 0 && peak.tensors[0]!.bytes >= peak.tensors.at(-1)!.bytes);
}

/** `size` of binutils against the certificate. */
function checkSizeTool(result: CompileResult, program: string): void {
  const text = execFileSync(program, ['-A', join(result.output, result.image.file)]).toString();
  const sizes = new Map(
    [...text.matchAll(/^(\.\S+)\s+(\d+)\s+\d+$/gm)].map(([, name, n]) => [name!, Number(n)]),
  );
  const sum = (...names: string[]): number =>
    names.reduce((total, name) => total + (sizes.get(name) ?? 0), 0);
  assert.equal(result.firmware.flash, sum('.text', '.ARM.exidx', '.data'));
  assert.equal(result.firmware.ram, sum('.stack', '.data', '.bss'));
  assert.equal(result.ram.stack, sum('.stack'));
}

/** Neither a heap nor software floating point is linked: integer code needs none. */
function checkSymbols({ output, image }: CompileResult): void {
  const text = execFileSync('arm-none-eabi-nm', [join(output, image.file)]).toString();
  const names = [...text.matchAll(/ (\S+)$/gm)].map(([, name]) => name!);
  assert.ok(names.includes('enn_model_run'));
  const unwanted =
    /^_?(malloc|calloc|free|sbrk|__aeabi_([fd](add|sub|mul|div|cmp\w*|2\w+)|[iul]+2[fd]))/;
  assert.deepEqual(
    names.filter((name) => unwanted.test(name)),
    [],
  );
}

const shared = mkdtempSync(join(tmpdir(), 'edge-nn-board-'));
after(() => rmSync(shared, { recursive: true, force: true }));
const builds = new Map<string, Promise<CompileResult>>();

/** A board's build; the tests of this file share it. */
function compiled(board: string): Promise<CompileResult> {
  const known = builds.get(board);
  const build = known ?? compileModel({ model, board, out: join(shared, board) });
  builds.set(board, build);
  return build;
}

for (const board of ['virtual', 'host', 'mps2-an386', 'microbit', 'mps3-an547']) {
  test(`${board}: outputs equal the oracle's, and the certificate holds`, async (t) => {
    const reason = await lacking(board);
    if (reason) return t.skip(reason);
    const result = await compiled(board);
    checkCertificate(result);
    const flashed = await flashBuild(result.output);
    assert.equal(flashed.modelHash, result.modelHash);
    const { stackBytes, stackUsed } = await inferAll(result.output);
    if (getBoard(board).runner.kind !== 'qemu') return;
    checkSizeTool(result, 'arm-none-eabi-size');
    checkSymbols(result);
    assert.equal(result.stackBound.method, 'call-graph');
    assert.equal(stackBytes, result.ram.stack);
    assert.ok(stackUsed > 64 && stackUsed <= result.ram.stack, `${stackUsed} bytes of stack used`);
  });
}

test('host-asan: nothing undefined happens on the way', async (t) => {
  const reason = await lacking('host-asan');
  if (reason) return t.skip(reason);
  const { output } = await compiled('host-asan');
  await flashBuild(output);
  await inferAll(output);
});

for (const board of ['virtual', 'host', 'mps2-an386']) {
  test(`${board}: the same model gives the same bytes, wherever it is built`, async (t) => {
    const reason = await lacking(board);
    if (reason) return t.skip(reason);
    const a = await compiled(board);
    const b = await compileModel({ model, board, out: join(temporaryFolder(t), 'other') });
    assert.notEqual(a.output, b.output);
    assert.deepEqual({ ...a, output: '' }, { ...b, output: '' });
    for (const file of [a.image.file, 'model/model.c', 'certificate.json', 'CMakeLists.txt']) {
      const [one, two] = [a, b].map(({ output }) => readFileSync(join(output, file)));
      assert.ok(one!.equals(two!), file);
    }
    assert.ok(!readFileSync(join(a.output, a.image.file)).includes(a.output));
  });
}

for (const board of ['virtual', 'mps2-an386']) {
  test(`${board}: the folder builds without edge-nn`, async (t) => {
    const reason =
      (await lacking(board)) ??
      (await lacking(getBoard(board).standalone ?? board)) ??
      (findProgram('cmake') ? undefined : 'CMake is not on this machine');
    if (reason) return t.skip(reason);
    const { output, image } = await compiled(board);
    const into = join(temporaryFolder(t), 'cmake');
    execFileSync('cmake', ['-S', output, '-B', into]);
    execFileSync('cmake', ['--build', into]);
    const made = readFileSync(join(into, 'firmware.elf'));
    if (board === 'mps2-an386') assert.equal(sha256(made), image.sha256);
    assert.match(readFileSync(join(output, 'README.md'), 'utf8'), /cmake --build build/);
    assert.ok(existsSync(join(output, 'trace.json')));
  });
}

/** The example that a header shows in its first comment, as a program. */
function headerExample(header: string): string {
  const lines = [...header.matchAll(/^ \* {5}(.*)$/gm)].map(([, line]) => line!);
  const body = lines.slice(0, lines.findIndex((line) => line.includes('scores')) + 1);
  const declarations = body.filter((line) => /^(#include|static)/.test(line));
  const calls = body.filter((line) => line !== '' && !/^(#include|static)/.test(line));
  return `#include <stdio.h>
#include <string.h>
${declarations.join('\n')}

int main(void) {
  static uint8_t image[4096];
  if (fread(image, 1, sizeof image, stdin) == 0) return 1;
  ${calls.join('\n  ')}
  return fwrite(scores, 1, enn_model.outputs[0].bytes, stdout) == 0;
}
`;
}

test("the folder's model works without the runtime, as its header says", async (t) => {
  const reason = await lacking('host');
  if (reason) return t.skip(reason);
  const { output } = await compiled('virtual');
  const dir = temporaryFolder(t);
  const header = readFileSync(join(output, 'device/enn_model.h'), 'utf8');
  writeFileSync(join(dir, 'main.c'), headerExample(header));
  const strict = ['-std=c11', '-Wall', '-Wextra', '-Wconversion', '-Werror', '-ffp-contract=off'];
  const include = ['-I', join(output, 'model'), '-I', join(output, 'device')];
  const sources = [join(dir, 'main.c'), join(output, 'model/model.c')];
  execFileSync('cc', [...strict, ...include, ...sources, '-o', join(dir, 'example')]);
  const graph = importTflite(model);
  const [input] = randomInputs(graph, 7).map(bytesOf);
  const scores = execFileSync(join(dir, 'example'), { input: input! });
  const [expected] = createOracle(graph).run(randomInputs(graph, 7)).map(bytesOf);
  assert.deepEqual([...scores], [...expected!]);
  const readme = readFileSync(join(output, 'README.md'), 'utf8');
  assert.match(readme, /^\| input \| .* \| s8\[1,12,12,1\] \| .* \| \d+ \| 144 \|$/m);
});

test('an emulator that dies ends the session at once', async (t) => {
  const reason = await lacking('mps2-an386');
  if (reason) return t.skip(reason);
  const children = `/proc/self/task/${process.pid}/children`;
  if (!existsSync(children)) return t.skip('this system does not list child processes');
  const { output } = await compiled('mps2-an386');
  await flashBuild(output);
  const before = readFileSync(children, 'utf8').trim();
  const session = await Session.open(await openBoard(output));
  const started = readFileSync(children, 'utf8').trim().split(' ');
  const emulators = started.filter((pid) => !before.split(' ').includes(pid));
  assert.equal(emulators.length, 1);
  process.kill(Number(emulators[0]), 'SIGKILL');
  const start = performance.now();
  const inputs = session.info.inputs.map(({ bytes }) => new Uint8Array(bytes));
  await assert.rejects(session.infer(inputs), { name: 'LinkError', code: 8 });
  assert.ok(performance.now() - start < 5000, 'long before the timeout');
  await session.close();
});
