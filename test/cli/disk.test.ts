/**
 * A disk that is full or read-only, as a small file system of its own that goes away with the
 * process: nothing is left half-written, and what was there before stays as it was.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { quick } from '../quick.js';
import {
  cliJson,
  data,
  fast,
  program,
  quickBoard,
  runProgram,
  testData,
  writeProject,
} from './cli.js';

const cwd = mkdtempSync(join(tmpdir(), 'edge-nn-cli-'));
after(() => rmSync(cwd, { recursive: true, force: true }));
const disk = join(cwd, 'disk');
const board = await quickBoard();

/** A namespace in which file systems can be mounted; also without root, where the system permits. */
const own = ['--mount', '--map-root-user'] as const;
const probe = spawnSync('unshare', [...own, 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]);
const mounts = probe.status === 0;
const skip = quick
  ? 'EDGE_NN_QUICK is set'
  : !mounts && 'this user cannot mount a file system of its own';

before(async () => {
  if (skip) return;
  writeProject(cwd);
  mkdirSync(disk);
  await cliJson(['train', 'model.ts', ...data, ...testData, ...fast, '--out', 'earlier/out'], {
    cwd,
  });
  const quantize = ['quantize', 'earlier/out/best.safetensors', ...data];
  await cliJson([...quantize, '--out', 'earlier/tiny.tflite'], { cwd });
  await cliJson(['compile', 'earlier/tiny.tflite', '--board', board, '--out', 'earlier/build'], {
    cwd,
  });
});

const ways = {
  // The last page goes to the loop, whose output fails once there is no other.
  full: 'cat /dev/zero > disk/fill 2>/dev/null; for i in 1 2 3 4 5 6 7 8 9; do echo > disk/fill$i; done 2>/dev/null',
  'read-only': 'mount -o remount,ro disk',
} as const;

/** Lists every file with its hash; temporary files too. */
const list = 'find . -type f ! -name "fill*" -print0 | sort -z | xargs -0 sha256sum';

/** Runs a verb on a disk that holds the results of an earlier run. */
async function onDisk(way: keyof typeof ways, args: readonly string[]) {
  const script = [
    'mount -t tmpfs -o size=2m tmpfs disk && cp -r earlier/. disk/',
    `(cd disk; ${list}) > before`,
    ways[way],
    '"$@" > stdout',
    'echo $? > code',
    `(cd disk; ${list}) > after`,
    'cat code stdout; echo ---; diff before after',
  ].join('\n');
  const command = [process.execPath, program, ...args, '--json'];
  const run = ['bash', '-c', script, 'bash', ...command];
  const { stdout } = await runProgram('unshare', [...own, ...run], { cwd });
  const [, code, json, changes] = /^(\d+)\n(.*)---\n(.*)$/s.exec(stdout) ?? assert.fail(stdout);
  return { code: Number(code), error: JSON.parse(json!).error, changes };
}

const verbs: Readonly<Record<string, readonly string[]>> = {
  train: ['train', 'model.ts', ...data, ...testData, '--seed', '2', '--out', 'disk/out'],
  'train into a new folder': ['train', 'model.ts', ...data, ...testData, '--out', 'disk/new'],
  quantize: [
    ...['quantize', 'earlier/out/best.safetensors', ...data, '--samples', '7'],
    ...['--out', 'disk/tiny.tflite'],
  ],
  compile: ['compile', 'earlier/tiny.tflite', '--board', board, '--out', 'disk/build'],
  flash: ['flash', 'disk/build'],
  convert: ['convert', ...data, '--out', 'disk/examples.tfrecord'],
};

for (const way of Object.keys(ways) as (keyof typeof ways)[]) {
  for (const [name, args] of Object.entries(verbs)) {
    test(`${name} on a ${way} disk`, { skip }, async () => {
      const { code, error, changes } = await onDisk(way, args);
      assert.equal(code, 2, JSON.stringify(error));
      assert.match(error.message, /cannot write .*disk/);
      assert.match(error.hint, way === 'full' ? /disk is full/ : /read-only/);
      assert.equal(changes, '', 'the earlier files are as they were, and no others');
    });
  }
}
