import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  readSafetensors,
  type Safetensor,
  writeSafetensors,
} from '../../host/format/safetensors.js';
import { damage } from './support.js';

const weight: Safetensor = { dtype: 'F32', shape: [2, 1], data: Float32Array.of(0.1, -2) };
const step: Safetensor = { dtype: 'I64', shape: [], data: BigInt64Array.of(-7n) };
const mask: Safetensor = { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 0, 1) };

/** A file with this header, verbatim. */
function file(header: string, data: readonly number[]): Uint8Array {
  const json = new TextEncoder().encode(header);
  const out = new Uint8Array(8 + json.length + data.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
  out.set(json, 8);
  out.set(data, 8 + json.length);
  return out;
}

const refused = (bytes: Uint8Array, message: RegExp) =>
  assert.throws(() => readSafetensors(bytes, 'a.safetensors'), { name: 'BadInputError', message });

test('safetensors: what is written is read back', () => {
  const tensors = new Map<string, Safetensor>([
    ['mask', mask],
    ['opt.step', step],
    ['é/w', weight],
  ]);
  const metadata = { graph: 'graph a\n%x = "input"', seed: '1' };
  const read = readSafetensors(writeSafetensors({ metadata, tensors }));
  assert.deepEqual(read.metadata, metadata);
  assert.deepEqual([...read.tensors], [...tensors]);
});

test('safetensors: the same content gives the same bytes in any order', () => {
  const a = new Map<string, Safetensor>([
    ['w', weight],
    ['b', mask],
  ]);
  const b = new Map([...a].reverse());
  const bytes = writeSafetensors({ metadata: { x: '1', a: '2' }, tensors: a });
  assert.deepEqual(writeSafetensors({ metadata: { a: '2', x: '1' }, tensors: b }), bytes);
  assert.equal(new DataView(bytes.buffer).getBigUint64(0, true) % 8n, 0n);
});

test('safetensors: a file without tensors and one with empty tensors are read', () => {
  assert.equal(readSafetensors(file('{}', [])).tensors.size, 0);
  const empty = '{"a":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]}}';
  assert.deepEqual(readSafetensors(file(empty, [])).tensors.get('a')?.shape, [0, 3]);
});

test('safetensors: every rule of the header is checked', () => {
  const t = (name: string, dtype: string, shape: string, begin: number, end: number) =>
    `"${name}":{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;
  const eight = [1, 2, 3, 4, 5, 6, 7, 8];
  refused(file('{', []), /not JSON/);
  refused(file('[]', []), /not a JSON object/);
  refused(file(`{${t('a', 'X9', '[1]', 0, 1)}}`, [1]), /'a' has the unknown dtype "X9"/);
  refused(file(`{${t('a', 'U8', '[-1]', 0, 1)}}`, [1]), /no valid shape/);
  refused(file(`{${t('a', 'F32', '[1]', 0, 3)}}`, [1, 2, 3]), /needs 4 bytes, .* give 3/);
  refused(file(`{${t('a', 'U8', '[2]', 0, 2)}}`, [1]), /needs 2 bytes, the file has 1 left/);
  refused(file(`{${t('a', 'U8', '[2]', 0, 2)}}`, [1, 2, 3]), /expected \d+ bytes, got/);
  refused(
    file(`{${t('a', 'U8', '[4]', 0, 4)},${t('b', 'U8', '[5]', 3, 8)}}`, eight),
    /'b' at offset \d+ overlaps tensor 'a'/,
  );
  refused(
    file(`{${t('a', 'U8', '[4]', 0, 4)},${t('b', 'U8', '[3]', 5, 8)}}`, eight),
    /'b' at offset \d+ leaves a gap after tensor 'a'/,
  );
  refused(
    file(`{${t('a', 'U8', '[4]', 0, 4)},${t('\\u0061', 'U8', '[4]', 4, 8)}}`, eight),
    /tensor 'a' occurs twice/,
  );
  refused(file('{"__metadata__":{"a":1}}', []), /__metadata__ is not a map/);
  refused(file('{"a":null}', []), /unknown dtype/);
});

test('safetensors: damage ends in a typed error', () => {
  const tensors = new Map([['w', weight]]);
  const bytes = writeSafetensors({ metadata: { seed: '1' }, tensors });
  const all = { cuts: bytes.length, flips: 1000, seed: 3 };
  const { refusedCuts } = damage(readSafetensors, bytes, all);
  assert.equal(refusedCuts, bytes.length);
});
