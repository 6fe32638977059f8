/** Every verb on a small network of its own, from training to the device; what --json promises. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { quick } from '../quick.js';
import { cli, cliJson, data, fast, testData, writeProject } from './cli.js';

const cwd = mkdtempSync(join(tmpdir(), 'edge-nn-cli-'));
after(() => rmSync(cwd, { recursive: true, force: true }));
writeProject(cwd);

const at = (path: string): string => join(cwd, path);
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isFraction = (value: unknown): boolean =>
  typeof value === 'number' && value >= 0 && value <= 1;

test('train, quantize, compile, flash, eval, run, info and monitor, one after the other', async (t) => {
  const checkpoint = 'out/best.safetensors';
  await t.test('train', async () => {
    const args = ['train', 'model.ts', ...data, ...testData, ...fast, '--out', 'out'];
    const report = await cliJson<Record<string, unknown>>(args, { cwd });
    assert.ok(Number(report.trainLoss) > 0);
    assert.ok(Number(report.testAccuracy) > 0.9, `${report.testAccuracy}`);
    assert.equal(report.epochs, 6);
    assert.ok(Number(report.imagesPerSecond) > 0);
    assert.equal(report.checkpoint, checkpoint);
    assert.deepEqual(readdirSync(at('out')).sort(), ['best.safetensors', 'last.safetensors']);
  });
  await t.test('quantize', async () => {
    const args = ['quantize', checkpoint, ...data, ...testData, '--out', 'tiny.tflite'];
    const report = await cliJson<Record<string, unknown>>(args, { cwd });
    assert.equal(report.output, 'tiny.tflite');
    assert.ok(isFraction(report.floatAccuracy) && isFraction(report.int8Accuracy));
    const [layer] = report.layers as { name: unknown; snrDb: unknown }[];
    assert.ok(isText(layer!.name) && typeof layer!.snrDb === 'number');
  });
  await t.test('compile', async () => {
    const args = ['compile', 'tiny.tflite', '--out', 'build/tiny'];
    const report = await cliJson<Record<string, unknown>>(args, { cwd });
    assert.equal(report.board, 'virtual');
    assert.equal(report.output, at('build/tiny'));
    assert.match(String(report.modelHash), /^[0-9a-f]{32}$/);
    const sizes = (key: string): unknown[] => Object.keys(report[key] as object);
    assert.deepEqual(sizes('flash'), ['code', 'weights', 'total']);
    assert.deepEqual(sizes('ram'), ['arena', 'stack', 'static', 'total']);
    assert.deepEqual(sizes('limits'), ['flash', 'ram']);
    assert.deepEqual(sizes('firmware'), ['flash', 'ram']);
  });
  await t.test('flash', async () => {
    const report = await cliJson<Record<string, unknown>>(['flash', 'build/tiny'], { cwd });
    assert.equal(report.board, 'virtual');
  });
  await t.test('eval', async () => {
    const args = ['eval', 'build/tiny', '--data', 'npy:tx.npy,ty.npy', '--diff'];
    const report = await cliJson<Record<string, unknown>>(args, { cwd });
    assert.equal(report.count, 30);
    assert.equal(report.equal, 1);
    assert.ok(Number(report.accuracy) > 0.9);
    assert.equal(report.difference, null);
  });
  await t.test('run', async () => {
    writeFileSync(at('in.bin'), new Uint8Array(36));
    const args = ['run', 'build/tiny', '--input', 'in.bin', '--output', 'device.bin'];
    assert.equal((await cliJson<{ bytes: number }>(args, { cwd })).bytes, 3);
    if (!quick) {
      const compiled = ['run', 'tiny.tflite', '--input', 'in.bin', '--output', 'tflite.bin'];
      await cliJson(compiled, { cwd });
      assert.deepEqual(readFileSync(at('tflite.bin')), readFileSync(at('device.bin')));
    }
    writeFileSync(at('in.f32'), new Uint8Array(36 * 4));
    const float = ['run', checkpoint, '--input', 'in.f32', '--output', 'float.bin'];
    assert.equal((await cliJson<{ bytes: number }>(float, { cwd })).bytes, 12);
  });
  await t.test('info', async () => {
    const onnx = ['compile', checkpoint, '--emit', 'onnx', '--out', 'tiny.onnx'];
    await cliJson(onnx, { cwd });
    for (const file of ['tiny.tflite', 'build/tiny', checkpoint, 'tiny.onnx']) {
      const report = await cliJson<Record<string, unknown>>(['info', file], { cwd });
      assert.equal(report.parameters, 4 * 9 + 4 + 3 * 16 + 3, file);
      assert.equal((report.inputs as unknown[]).length, 1);
      const text = await cli(['info', file], { cwd });
      assert.equal(text.code, 0);
      assert.match(text.stdout, /^inputs +\S+: \S+\[[1N],6,6,1\]$/m);
      for (const line of text.stdout.split('\n')) assert.ok(line.length < 110, line);
    }
  });
  await t.test('monitor', async () => {
    const args = ['monitor', 'build/tiny', '--hello', '--seconds', '1'];
    const { code, stdout } = await cli(args, { cwd });
    assert.equal(code, 0);
    assert.match(stdout, /^reply HELLO #0 ok: model [0-9a-f]{32}, build [0-9a-f]{32}, ABI 1, /);
    assert.equal((await cliJson<{ lines: number }>(args, { cwd })).lines, 1);
  });
  await t.test('no verb left anything behind', () => {
    const left = readdirSync(cwd).filter((name) => name.startsWith('.'));
    assert.deepEqual(left, []);
    assert.deepEqual(readdirSync(at('build')), ['tiny']);
    assert.ok(!existsSync(at('runs')));
  });
});

test('devices lists the boards, doctor the tools, each as a table and as JSON', async () => {
  const devices = await cliJson<{ boards: { name: string; available: boolean }[] }>(['devices']);
  assert.ok(devices.boards.some(({ name, available }) => name === 'virtual' && available));
  assert.match((await cli(['devices'])).stdout, /^virtual +WebAssembly +ready/m);
  const doctor = await cliJson<{ ok: boolean; tools: unknown[] }>(['doctor']);
  assert.equal(doctor.tools.length, 4);
  assert.match((await cli(['doctor'])).stdout, /^node +v\d+/m);
});

test('setup --dry-run changes nothing and says what it would do', async (t) => {
  const empty = mkdtempSync(join(tmpdir(), 'edge-nn-cli-'));
  t.after(() => rmSync(empty, { recursive: true, force: true }));
  writeFileSync(join(empty, 'apt-get'), '#!/bin/sh\necho "$@" >> "$0.log"\n', { mode: 0o755 });
  writeFileSync(join(empty, 'sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
  const { code, stdout, stderr } = await cli(['setup', '--dry-run'], { env: { PATH: empty } });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /would run: .*apt-get.* install .*gcc-arm-none-eabi/);
  assert.match(stdout, /^missing: cc, arm-none-eabi-gcc, arm-newlib, qemu-system-arm/);
  assert.deepEqual(readdirSync(empty).sort(), ['apt-get', 'sudo']);
});
