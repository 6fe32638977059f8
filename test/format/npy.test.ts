import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NpyTensor, readNpy, writeNpy } from '../../host/format/npy.js';
import { damage } from './support.js';

/** A file as numpy writes it, from its header text. */
function npyFile(version: number, header: string, data: readonly number[]): Uint8Array {
  const length = version === 1 ? [header.length, 0] : [header.length, 0, 0, 0];
  const text = [...header].map((c) => c.charCodeAt(0));
  return Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length, ...text, ...data);
}

const header = (descr: string, fortran: boolean, shape: string) =>
  `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${shape}, }\n`;

const tensors: readonly NpyTensor[] = [
  { dtype: 'f32', shape: [2, 2], data: Float32Array.of(1, -0.5, 3e-9, 7) },
  { dtype: 'f64', shape: [], data: Float64Array.of(Math.E) },
  { dtype: 's8', shape: [3], data: Int8Array.of(-128, 0, 127) },
  { dtype: 'u8', shape: [1, 1, 2], data: Uint8Array.of(0, 255) },
  { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) },
  { dtype: 's16', shape: [1], data: Int16Array.of(-300) },
  { dtype: 'u16', shape: [1], data: Uint16Array.of(65535) },
  { dtype: 's32', shape: [0, 4], data: new Int32Array(0) },
  { dtype: 'u32', shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
  { dtype: 's64', shape: [2], data: BigInt64Array.of(-(2n ** 63n), 5n) },
  { dtype: 'u64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
];

test('npy: what is written is read back, for every dtype', () => {
  for (const tensor of tensors) {
    const bytes = writeNpy(tensor);
    assert.deepEqual(readNpy(bytes), tensor);
    assert.equal((bytes.length - tensor.data.byteLength) % 64, 0);
  }
});

test('npy: versions 1 to 3 and the spellings of one-byte types are read', () => {
  for (const version of [1, 2, 3]) {
    const bytes = npyFile(version, header('<i2', false, '(2,)'), [1, 0, 255, 255]);
    assert.deepEqual(readNpy(bytes), { dtype: 's16', shape: [2], data: Int16Array.of(1, -1) });
  }
  assert.equal(readNpy(npyFile(1, header('<u1', false, '(1,)'), [7])).dtype, 'u8');
});

test('npy: Fortran order becomes row-major', () => {
  // a = [[1, 2, 3], [4, 5, 6]] stored column by column
  const bytes = npyFile(1, header('|u1', true, '(2, 3)'), [1, 4, 2, 5, 3, 6]);
  assert.deepEqual(readNpy(bytes).data, Uint8Array.of(1, 2, 3, 4, 5, 6));
  // b[i][j][k] = 100 i + 10 j + k, shape (2, 2, 2)
  const cube = npyFile(1, header('|u1', true, '(2, 2, 2)'), [0, 100, 10, 110, 1, 101, 11, 111]);
  assert.deepEqual(readNpy(cube).data, Uint8Array.of(0, 1, 10, 11, 100, 101, 110, 111));
});

test('npy: other dtypes and byte orders are refused as unsupported', () => {
  for (const descr of ['>f4', '<f2', '<c8', '|S3']) {
    const bytes = npyFile(1, header(descr, false, '(1,)'), [0, 0, 0, 0]);
    assert.throws(() => readNpy(bytes), { name: 'UnsupportedError' });
  }
});

test('npy: truncated, extended and wrong files are refused with the place', () => {
  const bytes = writeNpy(tensors[0]!);
  assert.throws(() => readNpy(bytes.slice(0, -1), 'x.npy'), {
    name: 'BadInputError',
    where: 'x.npy:128',
    message: /offset 128 needs 16 bytes, the file has 15 left/,
  });
  assert.throws(() => readNpy(Uint8Array.of(...bytes, 1)), /expected 144 bytes .* got 145/);
  assert.throws(() => readNpy(new Uint8Array(20)), /does not begin with/);
});

test('npy: damage ends in a typed error', () => {
  const bytes = writeNpy(tensors[0]!);
  const { refusedCuts } = damage(readNpy, bytes, { cuts: bytes.length, flips: 500, seed: 2 });
  assert.equal(refusedCuts, bytes.length);
});
