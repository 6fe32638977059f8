import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encode } from 'fast-png';
import { writeDataset } from '../../host/data/convert.js';
import { openDataset } from '../../host/data/open.js';
import { writeIdx } from '../../host/format/idx.js';
import { writeNpy } from '../../host/format/npy.js';
import { writeNpz } from '../../host/format/npz.js';
import { encodeExample, type Feature } from '../../host/format/tf-example.js';
import { encodeTfrecord } from '../../host/format/tfrecord.js';

const dir = mkdtempSync(join(tmpdir(), 'edge-nn-records-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const train = { split: 'train' } as const;
const path = (name: string): string => join(dir, name);
const bytes = (value: Uint8Array | string): Feature => ({
  kind: 'bytes',
  values: [typeof value === 'string' ? Buffer.from(value) : value],
});
const int = (...values: number[]): Feature => ({
  kind: 'int64',
  values: BigInt64Array.from(values, BigInt),
});
const float = (...values: number[]): Feature => ({
  kind: 'float',
  values: Float32Array.from(values),
});
type Fields = Readonly<Record<string, Feature>>;
const records = (...all: Fields[]): Uint8Array =>
  Buffer.concat(
    all.map((fields) => encodeTfrecord(encodeExample(new Map(Object.entries(fields))))),
  );

function put(name: string, content: Uint8Array): string {
  writeFileSync(path(name), content);
  return path(name);
}

test('tfrecord: raw pixels with their shape, over several files, sorted', async () => {
  const sizes = { height: int(1), width: int(2), depth: int(1) };
  put(
    'raw-1.tfrecord',
    records({ ...sizes, image_raw: bytes(Uint8Array.of(5, 6)), label: int(0) }),
  );
  const first = records(
    { ...sizes, image_raw: bytes(Uint8Array.of(1, 2)), label: int(2) },
    { ...sizes, image_raw: bytes(Uint8Array.of(3, 255)), label: int(1) },
  );
  put('raw-0.tfrecord', gzipSync(first));
  const data = await openDataset(`tfrecord:${path('raw-*.tfrecord')}`, train);
  assert.deepEqual([data.count, ...data.inputShape], [3, 1, 2, 1]);
  assert.deepEqual(data.target, { kind: 'class', classes: 3 });
  assert.deepEqual([...data.labels([2, 1, 0])], [0, 1, 2]);
  assert.deepEqual(
    [...data.inputs([2, 1])].map((v) => Math.round(v * 255)),
    [5, 6, 3, 255],
  );
  assert.equal(data.grid?.zeroPoint, -128);
});

test('tfrecord: encoded images, names of classes, other names of features', async () => {
  const png = encode({ width: 2, height: 1, channels: 3, data: Uint8Array.of(9, 8, 7, 6, 5, 4) });
  const at = (label: number, text: string) => ({
    'image/encoded': bytes(png),
    'image/class/label': int(label),
    'image/class/text': bytes(text),
  });
  const named = put('named.tfrecord', records(at(1, 'one'), at(0, 'zero')));
  const data = await openDataset(`tfrecord:${named}`, train);
  assert.deepEqual(data.classNames, ['zero', 'one']);
  assert.deepEqual(data.inputShape, [1, 2, 3]);
  const gray = await openDataset(`tfrecord:${named}`, { ...train, inputShape: [1, 1, 1] });
  assert.deepEqual(gray.inputShape, [1, 1, 1]);
  const odd = put(
    'odd.tfrecord',
    records({ a: float(1, 2), b: bytes('no') }, { a: float(3, 4), b: bytes('yes') }),
  );
  const other = await openDataset(`tfrecord:${odd},input=a,label=b`, train);
  assert.deepEqual(other.classNames, ['no', 'yes']);
  assert.deepEqual([...other.inputs([1])], [3, 4]);
  await assert.rejects(openDataset(`tfrecord:${odd}`, train), { code: 3, message: /a, b/ });
});

test('tfrecord: values, also too many to keep; bytes of another type', async () => {
  const wide = Array.from({ length: 20 }, (_, i) => i / 2);
  const file = put('values.tfrecord', records({ x: float(...wide), y: float(1, 2) }));
  assert.deepEqual([...(await openDataset(`tfrecord:${file}`, train)).targets([0])], [1, 2]);
  const same = await openDataset(`tfrecord:${file},label=x,input=x`, train);
  assert.deepEqual([...same.targets([0])], wide);
  const words = new Uint8Array(Float32Array.of(0.5, -2).buffer);
  const typed = put('typed.tfrecord', records({ x: bytes(words), y: int(0) }));
  assert.deepEqual([...(await openDataset(`tfrecord:${typed},f32`, train)).inputs([0])], [0.5, -2]);
});

test('tfrecord: damage and records that do not fit are named with their place', async () => {
  const good = { x: float(1, 2), label: int(0) };
  const refused = async (name: string, content: Uint8Array, message: RegExp) => {
    const file = put(name, content);
    const use = async () => (await openDataset(`tfrecord:${file}`, train)).inputs([0, 1]);
    await assert.rejects(use, { code: 3, message });
  };
  const two = records(good, good);
  const flipped = Uint8Array.from(two);
  flipped[two.length - 10]! ^= 4;
  await refused('flip.tfrecord', flipped, /checksum/);
  await refused('cut.tfrecord', two.subarray(0, two.length - 1), /needs .* bytes/);
  await refused('text.tfrecord', encodeTfrecord(Buffer.from('hello, world')), /tf\.train\.Example/);
  await refused('label.tfrecord', records(good, { x: float(1, 2) }), /has no label/);
  await refused('kinds.tfrecord', records(good, { ...good, label: float(1) }), /label of float/);
  await refused(
    'shape.tfrecord',
    records(good, { ...good, x: float(1) }),
    /1 numbers, the first has 2/,
  );
  await refused('none.tfrecord', new Uint8Array(0), /no records/);
  await assert.rejects(openDataset(`tfrecord:${path('absent-*')}`, train), {
    code: 3,
    message: /no file matches/,
  });
});

test('npz: names by habit, by the spec; both parts of a set', async () => {
  const x = { dtype: 'u8', shape: [2, 2], data: Uint8Array.of(1, 2, 3, 4) } as const;
  const y = { dtype: 's64', shape: [2], data: BigInt64Array.of(0n, 3n) } as const;
  const keras = put(
    'keras.npz',
    writeNpz([
      ['x_test', x],
      ['y_test', y],
      ['x_train', x],
      ['y_train', y],
    ]),
  );
  const data = await openDataset(`npz:${keras}`, train);
  assert.deepEqual(data.target, { kind: 'class', classes: 4 });
  const odd = put(
    'odd.npz',
    writeNpz([
      ['a', x],
      ['b', y],
      ['c', y],
    ]),
  );
  assert.equal((await openDataset(`npz:${odd},a,b`, train)).hash, data.hash);
  assert.equal((await openDataset(`npz:${odd},input=a,label=b,2x1`, train)).inputShape.length, 2);
  await assert.rejects(openDataset(`npz:${odd}`, train), { code: 3, message: /a, b, c/ });
  await assert.rejects(openDataset(`npz:${odd},a,z`, train), { code: 3, message: /no array z/ });
});

test('a dataset written as .tfrecord or .npz is the same data', async () => {
  const x = writeNpy({
    dtype: 'f32',
    shape: [300, 2, 3],
    data: Float32Array.from({ length: 1800 }, (_, i) => i / 7),
  });
  const y = writeNpy({
    dtype: 's32',
    shape: [300],
    data: Int32Array.from({ length: 300 }, (_, i) => i % 5),
  });
  const data = await openDataset(`npy:${put('x.npy', x)},${put('y.npy', y)}`, train);
  const indices = [299, 0, 7];
  for (const kind of ['tfrecord', 'npz']) {
    writeDataset(data, path(`copy.${kind}`));
    const copy = await openDataset(`${kind}:${path(`copy.${kind}`)}`, {
      ...train,
      inputShape: [2, 3],
    });
    assert.equal(copy.count, 300);
    assert.deepEqual(copy.inputs(indices), data.inputs(indices));
    assert.deepEqual(copy.labels(indices), data.labels(indices));
  }
  assert.throws(() => writeDataset(data, path('copy.txt')), { code: 2 });
});

test('large files stay on disk and give the same data as small ones', async () => {
  const pixels = Uint8Array.from({ length: 50 * 12 }, (_, i) => (i * 37) % 256);
  put('train-images-idx3-ubyte', writeIdx({ dtype: 'u8', shape: [50, 3, 4], data: pixels }));
  put(
    'train-labels-idx1-ubyte',
    writeIdx({ dtype: 'u8', shape: [50], data: pixels.subarray(0, 50) }),
  );
  const floats = Float32Array.from(pixels, (v) => v / 3);
  put('f.npy', writeNpy({ dtype: 'f32', shape: [50, 12], data: floats }));
  put(
    'l.npy',
    writeNpy({
      dtype: 's64',
      shape: [50],
      data: BigInt64Array.from({ length: 50 }, (_, i) => BigInt(i % 4)),
    }),
  );
  put('b_x_f32_3x4.bin', new Uint8Array(floats.buffer));
  put('b_y_u8.bin', pixels.subarray(0, 50));
  put('g.bin.gz', gzipSync(pixels));
  const specs = [
    `idx:${dir}`,
    `npy:${path('f.npy')},${path('l.npy')}`,
    `raw:${path('b_x_f32_3x4.bin')},${path('b_y_u8.bin')}`,
    `raw:${path('g.bin.gz')},${path('b_y_u8.bin')},12,u8`,
  ];
  for (const spec of specs) {
    const [small, large] = await Promise.all([
      openDataset(spec, train),
      openDataset(spec, { ...train, memoryLimit: 0 }),
    ]);
    const indices = [49, 3, 4, 5, 0];
    assert.deepEqual(large.inputs(indices), small.inputs(indices), spec);
    assert.deepEqual(large.labels(indices), small.labels(indices), spec);
    if (!spec.startsWith('npy')) assert.equal(large.hash, small.hash, spec);
    assert.throws(() => large.inputs([48, 49, 50]), RangeError);
  }
  const nan = put(
    'nan.npy',
    writeNpy({ dtype: 'f32', shape: [2, 1], data: Float32Array.of(1, Number.NaN) }),
  );
  const two = put('two.npy', writeNpy({ dtype: 's32', shape: [2], data: Int32Array.of(0, 1) }));
  const late = await openDataset(`npy:${nan},${two}`, { ...train, memoryLimit: 0 });
  assert.throws(() => late.inputs([0, 1]), { code: 3, message: /nan\.npy: example 1 holds NaN/ });
});

/** An IDX file of `count` images of 1 MB each, most of it a hole. */
function sparseIdx(folder: string, count: number): void {
  const header = Buffer.alloc(16);
  header.set([0, 0, 8, 3]);
  for (const [i, size] of [count, 1024, 1024].entries()) header.writeUInt32BE(size, 4 + 4 * i);
  const fd = openSync(join(folder, 'train-images-idx3-ubyte'), 'w');
  writeSync(fd, header);
  ftruncateSync(fd, 16 + count * 2 ** 20);
  closeSync(fd);
  const labels = writeIdx({ dtype: 'u8', shape: [count], data: new Uint8Array(count) });
  writeFileSync(join(folder, 'train-labels-idx1-ubyte'), labels);
}

test('a file of 512 MB is hashed and read with less than 200 MB of memory', () => {
  const folder = mkdtempSync(join(dir, 'large-'));
  sparseIdx(folder, 512);
  const self = new URL(import.meta.url).pathname;
  const run = spawnSync(process.execPath, ['--max-old-space-size=128', self], {
    env: { ...process.env, EDGE_NN_READ_ALL: folder, NODE_TEST_CONTEXT: '' },
    encoding: 'utf8',
  });
  const [, mb] = /maxRSS (\d+)/.exec(run.stdout) ?? [];
  assert.ok(mb !== undefined && Number(mb) < 200, `${run.stdout} ${run.stderr}`);
});

/** What the test above starts: reads every example and says how much memory that took. */
async function readAll(folder: string): Promise<never> {
  const data = await openDataset(`idx:${folder}`, train);
  let sum = data.hash.length;
  for (let i = 0; i < data.count; i += 64) sum += data.inputs([i])[5]!;
  console.log(`maxRSS ${Math.ceil(process.resourceUsage().maxRSS / 1024)} MB, ${sum}`);
  process.exit(0);
}
if (process.env.EDGE_NN_READ_ALL) await readAll(process.env.EDGE_NN_READ_ALL);
