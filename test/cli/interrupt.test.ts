/** Ctrl-C: what has something to show ends in good order, everything else ends at once. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { writeNpy } from '../../host/format/npy.js';
import { cli, cliJson, data, type Ended, fast, quickBoard, testData, writeProject } from './cli.js';

const cwd = mkdtempSync(join(tmpdir(), 'edge-nn-cli-'));
after(() => rmSync(cwd, { recursive: true, force: true }));

/** So many examples that no verb is through with them before it is interrupted. */
const many = 400_000;

before(async () => {
  writeProject(cwd);
  const x = { dtype: 'u8', shape: [many, 6, 6, 1], data: new Uint8Array(many * 36) } as const;
  writeFileSync(join(cwd, 'mx.npy'), writeNpy(x));
  const y = { dtype: 'u8', shape: [many], data: new Uint8Array(many) } as const;
  writeFileSync(join(cwd, 'my.npy'), writeNpy(y));
  await cliJson(['train', 'model.ts', ...data, ...testData, ...fast, '--out', 'out'], { cwd });
  await cliJson(['quantize', 'out/best.safetensors', ...data, '--out', 'tiny.tflite'], { cwd });
  await cliJson(['compile', 'tiny.tflite', '--board', await quickBoard(), '--out', 'build'], {
    cwd,
  });
  await cliJson(['flash', 'build'], { cwd });
});

const longData = ['--data', 'npy:mx.npy,my.npy'];

/**
 * Runs a verb that gets SIGINT while it works: sent again later where it came before the verb had
 * begun, and sooner where it had ended.
 */
async function interrupted(args: readonly string[]): Promise<Ended> {
  const tried = (afterMs: number): Promise<Ended> =>
    cli(args, {
      cwd,
      onStart: (child: ChildProcess) => void setTimeout(() => child.kill('SIGINT'), afterMs),
    });
  let ended: Ended | undefined;
  for (let attempt = 0, afterMs = 900; attempt < 8; attempt++) {
    ended = await tried(afterMs);
    if (ended.code === null) afterMs *= 1.6;
    else if (ended.code === 0) afterMs *= 0.7;
    else break;
  }
  return ended!;
}

test('a training ends with a checkpoint', async () => {
  const train = ['train', 'model.ts', ...longData, '--test-data', 'npy:mx.npy,my.npy'];
  const { code, stdout } = await interrupted([...train, '--epochs', '99', '--out', 'c', '--json']);
  assert.equal(code, 130);
  assert.equal(JSON.parse(stdout).aborted, true);
  assert.ok(existsSync(join(cwd, 'c/last.safetensors')));
});

test('an evaluation ends with the score so far', async () => {
  for (const model of ['build', 'out/best.safetensors']) {
    const { code, stdout, stderr } = await interrupted(['eval', model, ...longData, '--json']);
    assert.equal(code, 130, `${stdout}${stderr}`);
    assert.ok(JSON.parse(stdout).count < many, model);
    assert.match(stderr, /^stopped after \d+ of 400000 examples\n$/);
  }
});

test('a quantization ends at once, and writes nothing', async () => {
  const quantize = ['quantize', 'out/best.safetensors', ...longData, '--out', 'q.tflite'];
  const { code, stdout } = await interrupted(quantize);
  assert.equal(code, 130);
  assert.equal(stdout, '');
  assert.ok(!existsSync(join(cwd, 'q.tflite')));
});
