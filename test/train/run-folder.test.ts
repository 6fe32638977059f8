/** One training at a time writes into a folder, and one that was killed does not close it. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UsageError } from '../../host/core/errors.js';
import { holdRunFolder } from '../../host/train/run-folder.js';

const folder = mkdtempSync(join(tmpdir(), 'edge-nn-run-folder-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const temporary = 'last.safetensors.123456';

test('a folder into which another process trains is refused, and keeps what that writes', () => {
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  try {
    writeFileSync(join(folder, 'training'), `${other.pid}\n`);
    writeFileSync(join(folder, temporary), 'half a checkpoint');
    assert.throws(
      () => holdRunFolder(folder),
      (error: unknown) =>
        error instanceof UsageError && error.message.includes(`process ${other.pid} trains into`),
    );
    assert.ok(existsSync(join(folder, temporary)));
  } finally {
    other.kill('SIGKILL');
  }
});

for (const [who, pid] of [
  ['a process that ended', spawnSync(process.execPath, ['-e', '']).pid],
  ['one that had our number', process.pid],
  ['nobody', ''],
] as const) {
  test(`what ${who} left is removed, and the folder is given back`, () => {
    writeFileSync(join(folder, 'training'), `${pid}\n`);
    writeFileSync(join(folder, temporary), 'half a checkpoint');
    const giveBack = holdRunFolder(folder);
    assert.deepEqual(readdirSync(folder), ['training']);
    giveBack();
    assert.deepEqual(readdirSync(folder), []);
  });
}
