/**
 * What does not fit, was not flashed, was damaged, or cannot be written.
 */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { writeBuildFolder, writeTree } from '../../host/board/build-folder.js';
import type { Certificate } from '../../host/board/certificate.js';
import { type CompileResult, compileModel } from '../../host/board/compile.js';
import { flashBuild } from '../../host/board/flash.js';
import { openBoard } from '../../host/board/open.js';
import { sha256 } from '../../host/core/hash.js';
import { lacking, smallModel, temporaryFolder, wideModel } from './support.js';

test('a network too large for the board is refused before anything is compiled', async (t) => {
  const dir = temporaryFolder(t);
  const compile = compileModel({
    model: wideModel(400),
    board: 'microbit',
    out: join(dir, 'build'),
  });
  await assert.rejects(compile, {
    name: 'DoesNotFitError',
    code: 5,
    // 28 * 28 * 400 values of the convolution.
    message: /does not fit microbit: its arena needs 3\d\d,\d{3} bytes of RAM.* 313,600 bytes/,
  });
  assert.deepEqual(readdirSync(dir), []);
});

test('what only the linker can tell is refused too, with the tensors', async (t) => {
  const reason = await lacking('microbit');
  if (reason) return t.skip(reason);
  const dir = temporaryFolder(t);
  // An arena just below the 16 KB of RAM: with stack and buffers it is too much.
  const compile = compileModel({
    model: wideModel(20),
    board: 'microbit',
    out: join(dir, 'build'),
  });
  await assert.rejects(compile, {
    name: 'DoesNotFitError',
    code: 5,
    message:
      /the firmware needs 1\d,\d{3} bytes of RAM, 1\d,\d{3} of them its arena, the board has 16,384.*largest live tensors .*15,680 bytes/,
  });
  assert.deepEqual(readdirSync(dir), []);
});

test('a float model is refused', async (t) => {
  const out = join(temporaryFolder(t), 'build');
  const model = new Uint8Array([1, 2, 3, 4]);
  await assert.rejects(compileModel({ model, board: 'virtual', out }), { code: 3 });
  await assert.rejects(compileModel({ model, board: 'none', out }), { code: 2 });
  assert.ok(!existsSync(out));
});

/** A build of the host board; much of what follows does not need a compiler for it. */
async function hostBuild(t: TestContext): Promise<CompileResult | undefined> {
  const reason = await lacking('host');
  if (reason) return void t.skip(reason);
  return compileModel({
    model: smallModel(),
    board: 'host',
    out: join(temporaryFolder(t), 'build'),
  });
}

test('a board that was not flashed is not there', async (t) => {
  const build = await hostBuild(t);
  if (!build) return;
  await assert.rejects(openBoard(build.output), {
    name: 'DeviceNotFoundError',
    code: 7,
    hint: /edge-nn flash/,
  });
});

test('a damaged image is not flashed, and damaged flash does not boot', async (t) => {
  const build = await hostBuild(t);
  if (!build) return;
  await flashBuild(build.output);
  appendFileSync(join(build.output, 'flash/image'), 'x');
  await assert.rejects(openBoard(build.output), { name: 'FlashVerifyError', code: 9 });

  await flashBuild(build.output);
  appendFileSync(join(build.output, build.image.file), 'x');
  await assert.rejects(flashBuild(build.output), {
    name: 'FlashVerifyError',
    code: 9,
    message: new RegExp(build.image.sha256),
  });
});

test('a device that runs another model fails the verification', async (t) => {
  const build = await hostBuild(t);
  if (!build) return;
  const file = join(build.output, 'certificate.json');
  const certificate = JSON.parse(readFileSync(file, 'utf8')) as Certificate;
  writeFileSync(file, JSON.stringify({ ...certificate, modelHash: '00'.repeat(16) }));
  await assert.rejects(flashBuild(build.output), {
    code: 9,
    message: new RegExp(`runs model ${build.modelHash}, flashed was 0000`),
  });
});

test('a build is for its board, and emulated boards have no port', async (t) => {
  const build = await hostBuild(t);
  if (!build) return;
  await assert.rejects(flashBuild(build.output, { board: 'virtual' }), { code: 2 });
  await assert.rejects(flashBuild(build.output, { port: '/dev/ttyACM0' }), { code: 2 });
  await assert.rejects(openBoard(build.output, { port: '/dev/ttyACM0' }), { code: 2 });
});

test('a folder that is no build is bad input', async (t) => {
  const dir = temporaryFolder(t);
  await assert.rejects(flashBuild(join(dir, 'absent')), { code: 3, hint: /edge-nn compile/ });
  writeFileSync(join(dir, 'certificate.json'), '{"board": ');
  await assert.rejects(flashBuild(dir), { code: 3, message: /no JSON/ });
  writeFileSync(join(dir, 'certificate.json'), '{"board": "host"}');
  await assert.rejects(openBoard(dir), { code: 3, message: /lacks/ });
});

test('an emulator that fails says why', async (t) => {
  const dir = temporaryFolder(t);
  const bin = join(dir, 'bin');
  const image = Buffer.from('not an image');
  const sha = sha256(image);
  mkdirSync(join(dir, 'flash'));
  writeFileSync(join(dir, 'flash/image'), image);
  writeFileSync(join(dir, 'flash/image.sha256'), sha);
  const certificate = { board: 'microbit', modelHash: '00', image: { file: 'x', sha256: sha } };
  writeFileSync(join(dir, 'certificate.json'), JSON.stringify(certificate));
  mkdirSync(bin);
  const fake =
    '#!/bin/sh\n[ "$1" = --version ] && echo v7 && exit 0\necho "no such machine" >&2\nexit 1\n';
  writeFileSync(join(bin, 'qemu-system-arm'), fake);
  chmodSync(join(bin, 'qemu-system-arm'), 0o755);
  const before = process.env.PATH;
  process.env.PATH = bin;
  t.after(() => {
    process.env.PATH = before;
  });
  await assert.rejects(openBoard(dir), { code: 6, message: /ended at once.*\nno such machine/ });
});

test('an output folder appears whole or not at all', async (t) => {
  const dir = temporaryFolder(t);
  const out = join(dir, 'a/b/build');
  const fill = (text: string) => async (folder: string) =>
    writeTree(folder, new Map([['certificate.json', text]]));
  await writeBuildFolder(out, fill('one'));
  await writeBuildFolder(out, fill('two'));
  assert.equal(readFileSync(join(out, 'certificate.json'), 'utf8'), 'two');
  const failing = writeBuildFolder(out, async (folder) => {
    await fill('three')(folder);
    throw new Error('compiler');
  });
  await assert.rejects(failing, /compiler/);
  assert.equal(readFileSync(join(out, 'certificate.json'), 'utf8'), 'two');
  assert.deepEqual(readdirSync(join(dir, 'a/b')), ['build']);
});

test('others may read a build as far as they may read any new folder', async (t) => {
  const dir = temporaryFolder(t);
  mkdirSync(join(dir, 'any'));
  await writeBuildFolder(join(dir, 'build'), async () => {});
  assert.equal(statSync(join(dir, 'build')).mode, statSync(join(dir, 'any')).mode);
});

test("somebody's folder or file is not replaced", async (t) => {
  const dir = temporaryFolder(t);
  writeFileSync(join(dir, 'thesis.txt'), 'years');
  const fill = async () => {};
  await assert.rejects(writeBuildFolder(dir, fill), { code: 2, message: /thesis\.txt/ });
  await assert.rejects(writeBuildFolder(join(dir, 'thesis.txt'), fill), { code: 2 });
  await assert.rejects(writeBuildFolder(join(dir, 'thesis.txt/x'), fill), { code: 2 });
  assert.deepEqual(readdirSync(dir), ['thesis.txt']);
});
