import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { packageFile } from '../../host/core/package.js';
import { createMfcc, mfcc } from '../../host/data/mfcc.js';
import { readWav } from '../../host/format/wav.js';
import { sharedData } from '../shared-data.js';

/** Integers, so that every language makes the same bytes. */
const signal = Int16Array.from(
  { length: 15000 },
  (_, i) =>
    Math.floor(((Math.floor((i * i) / 7) % 20011) - 10005) / 2) +
    (Math.floor((i * 1103515245 + 12345) / 65536) % 4001) -
    2000,
);

/** The input quantization of MLPerf Tiny's kws model. */
const toInt8 = (x: number): number => Math.max(-128, Math.min(127, Math.round(x / 0.5847029) + 83));

/** Double precision rounded to float32 on both sides: a few sums end on the other side of a tie. */
const tolerance = 4e-6;

function compare(got: Float32Array, want: ArrayLike<number>): void {
  assert.equal(got.length, want.length);
  for (let i = 0; i < got.length; i++) {
    assert.ok(Math.abs(got[i]! - want[i]!) <= tolerance, `${i}: ${got[i]}, expected ${want[i]}`);
    assert.equal(toInt8(got[i]!), toInt8(want[i]!), `int8 of ${i}`);
  }
}

test('mfcc: the features of the reference front end, from a stored run of it', () => {
  const file = packageFile('test', 'data', 'fixtures', 'mfcc.json');
  const { features } = JSON.parse(readFileSync(file, 'utf8')) as { features: number[] };
  compare(mfcc(signal), features);
});

test('mfcc: the scale of a clip does not matter, its length does', () => {
  const scaled = Float32Array.from(signal, (x) => x / 32768);
  assert.deepEqual(mfcc(scaled), mfcc(signal));
  assert.deepEqual(mfcc(new Float32Array(0)), mfcc(new Float32Array(16000)));
  const long = new Int16Array(20000);
  long.set(signal);
  assert.deepEqual(mfcc(long), mfcc(signal));
});

test('mfcc: other windows have other shapes, impossible ones are refused', () => {
  const { shape, samples } = createMfcc({
    rate: 8000,
    seconds: 0.5,
    window: 32,
    hop: 16,
    mels: 20,
    coefficients: 13,
  });
  assert.deepEqual([...shape, samples], [30, 13, 4000]);
  for (const bad of [
    { fft: 500 },
    { fft: 256 },
    { high: 9000 },
    { coefficients: 41 },
    { window: 2000 },
  ]) {
    assert.throws(() => createMfcc(bad), { code: 2 });
  }
});

const reference = sharedData('datasets', 'kws');
const clip = sharedData('datasets', 'sww', 'marvin_617de221_0.wav');
const script = `import sys, wave, numpy as np
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from mfcc_reference import mfcc
w = wave.open(sys.argv[2])
r = mfcc(np.frombuffer(w.readframes(w.getnframes()), np.int16))
sys.stdout.buffer.write(r.astype('<f4').tobytes())`;

test('mfcc: a recorded word, against the reference itself', (t) => {
  if (!existsSync(reference) || !existsSync(clip)) return t.skip(`no ${reference} or ${clip}`);
  const python = ['/usr/bin/python3', 'python3'].find(
    (name) => spawnSync(name, ['-c', 'import numpy']).status === 0,
  );
  if (!python) return t.skip('no Python with numpy');
  const run = spawnSync(python, ['-c', script, reference, clip]);
  assert.equal(run.status, 0, String(run.stderr));
  const want = new Float32Array(Uint8Array.from(run.stdout).buffer);
  compare(mfcc(readWav(readFileSync(clip), clip).samples), want);
});
