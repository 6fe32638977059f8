/**
 * SIGKILL at any time: the real command line is killed again and again, at random times and in the
 * middle of writing a checkpoint. No checkpoint is ever half-written, and the run that goes on from
 * the last one ends with the bytes of a run that nobody disturbed.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type RandomKey, randomInt, randomNormal } from '../../host/core/random.js';
import { writeNpy } from '../../host/format/npy.js';
import { loadCheckpoint } from '../../host/train/checkpoint.js';
import { quick } from '../quick.js';
import { cli, program, scratch } from './cli.js';

const random: RandomKey = { seed: 3, purpose: 'test' };
const examples = 48;
const kills = quick ? 2 : 6;

/** A network whose checkpoints take longer to write than its steps to compute, and data for it. */
function project(dir: string): string[] {
  writeFileSync(
    join(dir, 'wide.ts'),
    `import { batchNorm, dense, dropout, input, model, relu } from 'edge-nn';
export default model('wide', () => dense(dropout(relu(batchNorm(dense(input([64]), 4096))), 0.2), 3),
  { loss: 'softmaxCrossEntropy' });
`,
  );
  const x = Float32Array.from({ length: examples * 64 }, (_, i) => randomNormal(random, i));
  const y = Uint8Array.from({ length: examples }, (_, i) => randomInt(random, i, 3));
  writeFileSync(join(dir, 'x.npy'), writeNpy({ dtype: 'f32', shape: [examples, 64], data: x }));
  writeFileSync(join(dir, 'y.npy'), writeNpy({ dtype: 'u8', shape: [examples], data: y }));
  const data = 'npy:x.npy,y.npy';
  return [
    ...['train', 'wide.ts', '--data', data, '--test-data', data, '--epochs', '4', '--seed', '5'],
    ...['--batch', '4', '--optimizer', 'adam', '--checkpoint-every', '1'],
  ];
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => child.once('close', () => resolve()));

/** Kills a training: in the middle of its n-th write, or a while after it. */
async function killed(dir: string, args: readonly string[], n: number, inWrite: boolean) {
  const out = join(dir, 'parts');
  const child = spawn(process.execPath, [program, ...args], { cwd: dir, stdio: 'ignore' });
  const gone = ended(child);
  let writes = 0;
  const watcher = watch(out, (_, name) => {
    // A temporary name appears when its writing begins.
    if (!/safetensors\.\d+$/.test(name ?? '') || !existsSync(join(out, name!))) return;
    if (++writes < n) return;
    watcher.close();
    if (inWrite) child.kill('SIGKILL');
    else void pause(randomInt({ ...random, stream: n }, 7, 25)).then(() => child.kill('SIGKILL'));
  });
  await gone;
  watcher.close();
  return { left: readdirSync(out).filter((name) => /\.\d+$/.test(name)), signal: child.signalCode };
}

test('a training that is killed again and again ends with the same bytes', async (t) => {
  const dir = scratch(t);
  const args = project(dir);
  const whole = await cli([...args, '--out', 'whole'], { cwd: dir });
  assert.equal(whole.code, 0, whole.stderr);

  const first = await cli([...args.with(7, '1'), '--out', 'parts'], { cwd: dir });
  assert.equal(first.code, 0, first.stderr);
  const last = join(dir, 'parts', 'last.safetensors');
  let steps = loadCheckpoint(readFileSync(last)).progress.steps;
  let halfWritten = 0;
  const again = [...args, '--out', 'parts', '--resume'];
  for (let i = 0; i < kills; i++) {
    const { left, signal } = await killed(dir, again, 1 + (i % 3), i % 2 === 0);
    assert.equal(signal, 'SIGKILL');
    halfWritten += left.length;
    const { progress } = loadCheckpoint(readFileSync(last), last);
    assert.ok(progress.steps >= steps, `${progress.steps} steps after ${steps}`);
    steps = progress.steps;
  }
  assert.ok(halfWritten > 0, 'no kill came in the middle of a write');

  const end = await cli(again, { cwd: dir });
  assert.equal(end.code, 0, end.stderr);
  assert.deepEqual(readdirSync(join(dir, 'parts')).sort(), [
    'best.safetensors',
    'last.safetensors',
  ]);
  for (const name of ['last', 'best']) {
    const files = ['whole', 'parts'].map((out) =>
      readFileSync(join(dir, out, `${name}.safetensors`)),
    );
    assert.ok(files[0]!.equals(files[1]!), `${name} differs`);
  }
});
