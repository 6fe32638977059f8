import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadInputError } from '../../host/core/errors.js';
import { type IdxTensor, readIdx, writeIdx } from '../../host/format/idx.js';
import { damage } from './support.js';

const tensors: readonly IdxTensor[] = [
  { dtype: 'u8', shape: [2, 3], data: Uint8Array.of(1, 2, 3, 253, 254, 255) },
  { dtype: 's8', shape: [3], data: Int8Array.of(-128, 0, 127) },
  { dtype: 's16', shape: [2], data: Int16Array.of(-2, 258) },
  { dtype: 's32', shape: [2, 1], data: Int32Array.of(-2, 66051) },
  { dtype: 'f32', shape: [2], data: Float32Array.of(1.5, -0.1) },
  { dtype: 'f64', shape: [1], data: Float64Array.of(Math.PI) },
];

test('idx: what is written is read back, for every element type', () => {
  for (const tensor of tensors) assert.deepEqual(readIdx(writeIdx(tensor)), tensor);
});

test('idx: elements and dimensions are big-endian', () => {
  const bytes = Uint8Array.of(0, 0, 0x0b, 1, 0, 0, 0, 2, 0x01, 0x02, 0xff, 0xfe);
  assert.deepEqual(readIdx(bytes), { dtype: 's16', shape: [2], data: Int16Array.of(258, -2) });
  assert.deepEqual(writeIdx(readIdx(bytes)), bytes);
});

test('idx: a truncated file names the offset, what was expected and what is there', () => {
  const bytes = writeIdx(tensors[0]!).slice(0, -2);
  assert.throws(
    () => readIdx(bytes, 'train.idx'),
    (error: unknown) =>
      error instanceof BadInputError &&
      error.where === 'train.idx:12' &&
      /offset 12 needs 6 bytes, the file has 4 left/.test(error.message),
  );
});

test('idx: wrong magic, type, gzip and bytes after the data are refused', () => {
  const good = writeIdx(tensors[0]!);
  const refuse = (bytes: Uint8Array, message: RegExp) =>
    assert.throws(() => readIdx(bytes), { name: 'BadInputError', message });
  refuse(Uint8Array.of(9, ...good.slice(1)), /magic bytes 0x00 0x00 at offset 0, got 0x09 0x00/);
  refuse(Uint8Array.of(0, 0, 0x0a, ...good.slice(3)), /element type 0xa at offset 2/);
  refuse(Uint8Array.of(0x1f, 0x8b, 8, 0, 0), /gzip/);
  refuse(Uint8Array.of(...good, 0), /expected 18 bytes for shape \[2, 3\], got 19/);
});

test('idx: damage ends in a typed error', () => {
  const bytes = writeIdx(tensors[3]!);
  const { refusedCuts } = damage(readIdx, bytes, { cuts: bytes.length, flips: 300, seed: 1 });
  assert.equal(refusedCuts, bytes.length);
});
