import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { UsageError } from '../../host/core/errors.js';
import { writeOutputFile } from '../../host/core/output-file.js';

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
