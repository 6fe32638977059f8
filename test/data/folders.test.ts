import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { encode } from 'fast-png';
import jpeg from 'jpeg-js';
import { hasOwnSplit, openDataset } from '../../host/data/open.js';
import { resizeImage } from '../../host/data/resize.js';
import { decodeImage } from '../../host/format/image.js';
import { writeWav } from '../../host/format/wav.js';

const dir = mkdtempSync(join(tmpdir(), 'edge-nn-folders-'));
after(() => rmSync(dir, { recursive: true, force: true }));

function put(path: string, content: Uint8Array): void {
  const file = join(dir, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

const png = (width: number, height: number, channels: number, ...data: number[]): Uint8Array =>
  encode({ width, height, channels, data: Uint8Array.from(data) });

const gray = (level: number): Uint8Array => png(2, 2, 1, level, level, level, level);
put('pets/dog/b.png', gray(10));
put('pets/dog/a.PNG', gray(20));
put('pets/cat/deep/c.png', gray(30));
put('pets/cat/notes.txt', Uint8Array.of(1));
put('pets/.hidden/x.png', gray(1));
const train = { split: 'train' } as const;
const pets = `images:${join(dir, 'pets')}`;
const byte = (list: Float32Array): number[] => [...list].map((v) => Math.round(255 * v));

test('images: a class per folder, sorted, files by path at any depth', async () => {
  const data = await openDataset(pets, train);
  assert.deepEqual(data.classNames, ['cat', 'dog']);
  assert.deepEqual([...data.labels([0, 1, 2])], [0, 1, 1]);
  assert.deepEqual(data.inputShape, [2, 2, 1]);
  assert.deepEqual(byte(data.inputs([1, 0])), [20, 20, 20, 20, 30, 30, 30, 30]);
  assert.deepEqual(data.grid, { scale: 1 / 255, zeroPoint: -128, direct: true });
  assert.equal(data.hash, (await openDataset(pets, train)).hash);
  assert.notEqual(data.hash, (await openDataset(`${pets},4x4`, train)).hash);
});

test('images: known names give the order, and refuse others', async () => {
  const model = await openDataset(pets, { ...train, classNames: ['Dog', 'Cat', 'Bird'] });
  assert.deepEqual([...model.labels([0, 1, 2])], [0, 0, 1]);
  assert.deepEqual(model.classNames, ['Dog', 'Cat', 'Bird']);
  const spec = await openDataset(`${pets},classes=dog/cat`, train);
  assert.deepEqual([...spec.labels([0, 1, 2])], [0, 0, 1]);
  await assert.rejects(openDataset(pets, { ...train, classNames: ['dog', 'bird'] }), {
    code: 3,
    message: /pets\/cat has class 'cat', expected one of dog, bird/,
  });
});

test('images: size and channels of the model, or of the spec', async () => {
  const color = await openDataset(pets, { ...train, inputShape: [3, 4, 3] });
  assert.deepEqual(color.inputShape, [3, 4, 3]);
  assert.ok(byte(color.inputs([0])).every((v) => v === 30));
  const spec = await openDataset(`${pets},1x5`, { ...train, inputShape: [9, 9, 3] });
  assert.deepEqual(spec.inputShape, [1, 5, 3]);
  assert.deepEqual((await openDataset(`${pets},2x2x3`, train)).inputShape, [2, 2, 3]);
  await assert.rejects(openDataset(`${pets},2x2x2`, train), { code: 3, message: /\[2,2,2\]/ });
});

test('images: train and test folders are a split; else split= holds examples back', async () => {
  put('parts/train/a/1.png', gray(1));
  put('parts/train/b/2.png', gray(2));
  put('parts/val/b/3.png', gray(3));
  const spec = `images:${join(dir, 'parts')}`;
  assert.equal(await hasOwnSplit(spec), true);
  assert.equal(await hasOwnSplit(pets), false);
  assert.equal(await hasOwnSplit(`${pets},split=0.3`), true);
  assert.equal((await openDataset(spec, train)).count, 2);
  const held = await openDataset(spec, { split: 'test', classNames: ['a', 'b'] });
  assert.deepEqual([held.count, held.labels([0])[0]], [1, 1]);
  const parts = await Promise.all(
    (['train', 'test'] as const).map((split) => openDataset(`${pets},split=0.3,seed=4`, { split })),
  );
  assert.deepEqual(
    parts.map((part) => part.count),
    [2, 1],
  );
});

test('images: what is damaged or of another kind is named', async () => {
  put('bad/a/cut.png', gray(7).subarray(0, 40));
  put('bad/b/text.jpg', Buffer.from('hello'));
  const bad = await openDataset(`images:${join(dir, 'bad')},2x2x1`, train);
  assert.throws(() => bad.inputs([0]), { code: 3, message: /bad\/a\/cut\.png is a damaged PNG/ });
  assert.throws(() => bad.inputs([1]), { code: 3, message: /bad\/b\/text\.jpg is no PNG/ });
  put('gif/a/x.gif', Uint8Array.of(1));
  await assert.rejects(openDataset(`images:${join(dir, 'gif')}`, train), {
    code: 3,
    message: /x\.gif/,
  });
  mkdirSync(join(dir, 'empty', 'a'), { recursive: true });
  await assert.rejects(openDataset(`images:${join(dir, 'empty')}`, train), {
    code: 3,
    message: /no images/,
  });
  await assert.rejects(openDataset(`images:${join(dir, 'none')}`, train), {
    code: 3,
    message: /none/,
  });
  await assert.rejects(openDataset(`images:${join(dir, 'empty', 'a')}`, train), {
    code: 3,
    message: /subfolders/,
  });
});

test('images: a JPEG within a few levels of its pixels, its cuts refused', () => {
  const data = Uint8Array.from({ length: 16 * 16 * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : 4 * (i >> 6) + 100,
  );
  const bytes = jpeg.encode({ width: 16, height: 16, data }, 95).data;
  const image = decodeImage(bytes);
  assert.deepEqual([image.width, image.height, image.channels], [16, 16, 3]);
  const far = image.pixels.filter((v, i) => Math.abs(v - data[4 * Math.floor(i / 3)]!) > 4);
  assert.equal(far.length, 0);
  for (let cut = 0; cut < bytes.length - 20; cut += 13) {
    assert.throws(() => decodeImage(bytes.subarray(0, cut), 'f.jpg'), {
      code: 3,
      message: /f\.jpg/,
    });
  }
});

test('images: bilinear with half-pixel centres, antialiased, cropped', () => {
  const image = {
    width: 4,
    height: 1,
    channels: 1,
    pixels: Uint8Array.of(0, 40, 80, 120),
  } as const;
  const to = (width: number, options = {}) => [
    ...resizeImage(image, { height: 1, width, channels: 1 }, options).pixels,
  ];
  assert.deepEqual(to(2), [20, 100]);
  assert.deepEqual(to(8), [0, 10, 30, 50, 70, 90, 110, 120]);
  // Weights 3, 3, 1 of 7 and their mirror: the triangle is two pixels wide on each side.
  assert.deepEqual(to(2, { resize: 'antialias' }), [29, 91]);
  assert.deepEqual(to(1, { fit: 'crop' }), [40]);
  const red = { width: 1, height: 1, channels: 3, pixels: Uint8Array.of(200, 100, 50) } as const;
  assert.deepEqual([...resizeImage(red, { height: 1, width: 1, channels: 1 }).pixels], [124]);
});

test('wav: features or samples per class; rate and damage are named', async () => {
  const tone = Float32Array.from({ length: 100 }, (_, i) => ((i % 10) - 5) / 8);
  put('words/yes/1.wav', writeWav({ rate: 1000, channels: 1, samples: tone }));
  put(
    'words/no/2.wav',
    writeWav({ rate: 1000, channels: 2, samples: Float32Array.of(0.5, 0.25, 1, -1) }, 'f32'),
  );
  put('words/_background_/x.wav', Uint8Array.of(1));
  const spec = `wav:${join(dir, 'words')},rate=1000,seconds=0.1`;
  const samples = await openDataset(`${spec},front=none`, train);
  assert.deepEqual(samples.classNames, ['no', 'yes']);
  assert.deepEqual(samples.inputShape, [100, 1]);
  assert.deepEqual([...samples.inputs([0]).subarray(0, 3)], [0.375, 0, 0]);
  assert.deepEqual(samples.inputs([1]), tone);
  const features = await openDataset(`${spec},high=400,window=20,mels=8,coefficients=4`, train);
  assert.deepEqual(features.inputShape, [5, 4, 1]);
  assert.notEqual(features.hash, samples.hash);
  const slow = await openDataset(`wav:${join(dir, 'words')}`, train);
  assert.throws(() => slow.inputs([0]), { code: 3, message: /2\.wav has 1000 samples per second/ });
  put('noise/a/cut.wav', writeWav({ rate: 16000, channels: 1, samples: tone }).subarray(0, 60));
  const cut = await openDataset(`wav:${join(dir, 'noise')}`, train);
  assert.throws(() => cut.inputs([0]), { code: 3 });
  await assert.rejects(openDataset(`${spec},window=0`, train), { code: 2, message: /window=0/ });
});
