import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { UsageError } from '../../host/core/errors.js';
import {
  requireOtherFile,
  writeOutputFile,
  writeOutputPieces,
} from '../../host/core/output-file.js';

test('a file appears whole, with its folder', () => {
  const dir = mkdtempSync(join(tmpdir(), 'enn-out-'));
  writeOutputFile(join(dir, 'a/b/c.bin'), Uint8Array.of(1, 2, 3));
  assert.deepEqual([...readFileSync(join(dir, 'a/b/c.bin'))], [1, 2, 3]);
  assert.deepEqual(readdirSync(join(dir, 'a/b')), ['c.bin']);
});

test('a path through a file is a usage error that names it', () => {
  const dir = mkdtempSync(join(tmpdir(), 'enn-out-'));
  writeFileSync(join(dir, 'file'), '');
  assert.throws(
    () => writeOutputFile(join(dir, 'file/c.bin'), 'x'),
    (error: UsageError) => error instanceof UsageError && error.hint !== '' && error.code === 2,
  );
});

test('a file system that refuses folders is an error, not a hang', { timeout: 10_000 }, () => {
  assert.throws(() => writeOutputFile('/proc/edge-nn/x', 'x'), UsageError);
});

test('a device stays a device, and a pipe a pipe', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'enn-out-'));
  const device = join(dir, 'null');
  if (spawnSync('mknod', [device, 'c', '1', '3']).status !== 0) return t.skip('no right to mknod');
  writeOutputFile(device, 'x');
  assert.equal(writeOutputPieces(device, [Uint8Array.of(1, 2)]), 2);
  assert.ok(statSync(device).isCharacterDevice());
  assert.deepEqual(readdirSync(dir), ['null']);
});

test('a device that is full is a usage error', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'enn-out-'));
  const device = join(dir, 'full');
  if (spawnSync('mknod', [device, 'c', '1', '7']).status !== 0) return t.skip('no right to mknod');
  assert.throws(() => writeOutputFile(device, 'x'), UsageError);
  assert.throws(() => writeOutputPieces(device, [Uint8Array.of(1)]), UsageError);
  assert.ok(statSync(device).isCharacterDevice());
});

test('an input is no place for the output, by whatever name', () => {
  const dir = mkdtempSync(join(tmpdir(), 'enn-out-'));
  const at = (name: string): string => join(dir, name);
  writeFileSync(at('model'), 'x');
  symlinkSync('model', at('link'));
  assert.throws(() => requireOtherFile(at('link'), [at('none'), at('model')]), UsageError);
  requireOtherFile(at('other'), [at('model')]);
  requireOtherFile(at('other'), [at('other')]);
});
