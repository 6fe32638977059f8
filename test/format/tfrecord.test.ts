import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { BadInputError } from '../../host/core/errors.js';
import { decodeExample, encodeExample, type Feature } from '../../host/format/tf-example.js';
import { encodeTfrecord, maskedCrc32c, readTfrecords } from '../../host/format/tfrecord.js';

const { root } = protobuf.parse(`syntax = "proto3";
  message BytesList { repeated bytes value = 1; }
  message FloatList { repeated float value = 1 [packed = true]; }
  message Int64List { repeated int64 value = 1 [packed = true]; }
  message OpenFloats { repeated float value = 1 [packed = false]; }
  message OpenIntegers { repeated int64 value = 1 [packed = false]; }
  message Feature { oneof kind { BytesList bytes_list = 1; FloatList float_list = 2; Int64List int64_list = 3; } }
  message OpenFeature { oneof kind { OpenFloats float_list = 2; OpenIntegers int64_list = 3; } }
  message Features { map<string, Feature> feature = 1; }
  message OpenFeatures { map<string, OpenFeature> feature = 1; }
  message Example { string comment = 7; Features features = 1; }
  message OpenExample { OpenFeatures features = 1; }`);

const example = new Map<string, Feature>([
  ['text', { kind: 'bytes', values: [Buffer.from('goat'), new Uint8Array(0)] }],
  ['real', { kind: 'float', values: Float32Array.of(0.5, -3e38, 1e-40) }],
  [
    'whole',
    { kind: 'int64', values: BigInt64Array.of(0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 300n) },
  ],
  ['empty', { kind: 'int64', values: new BigInt64Array(0) }],
]);

const plain = (message: ReturnType<typeof decodeExample>) =>
  Object.fromEntries(
    [...message].map(([name, { kind, values }]) => [name, [kind, ...values].map(String)]),
  );

test('tfrecord: the checksum is CRC-32C (RFC 3720, B.4), masked', () => {
  const unmask = (x: number) => {
    const r = (x - 0xa282ead8) >>> 0;
    return ((r >>> 17) | (r << 15)) >>> 0;
  };
  assert.equal(unmask(maskedCrc32c(new Uint8Array(32))), 0x8a9136aa);
  assert.equal(unmask(maskedCrc32c(new Uint8Array(32).fill(0xff))), 0x62a8ab43);
  assert.equal(unmask(maskedCrc32c(Uint8Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e);
});

test('tf.train.Example: what is written is read, by us and by protobufjs from the schema', () => {
  const bytes = encodeExample(example);
  assert.deepEqual(plain(decodeExample(bytes)), plain(example));
  const other = root.lookupType('Example').decode(bytes).toJSON();
  assert.deepEqual(other.features.feature.whole.int64List.value, [
    '0',
    '-1',
    '9223372036854775807',
    '-9223372036854775808',
    '300',
  ]);
  assert.equal(
    Buffer.from(other.features.feature.text.bytesList.value[0], 'base64').toString(),
    'goat',
  );
  assert.deepEqual(other.features.feature.real.floatList.value, [
    ...Float32Array.of(0.5, -3e38, 1e-40),
  ]);
});

test('tf.train.Example: the example of the TensorFlow guide', () => {
  const bytes = Buffer.from(
    '\nR\n\x14\n\x08feature2\x12\x08\n\x06\n\x04goat\n\x11\n\x08feature1\x12\x05\x1a\x03\n\x01\x04' +
      '\n\x11\n\x08feature0\x12\x05\x1a\x03\n\x01\x00\n\x14\n\x08feature3\x12\x08\x12\x06\n\x04[\xd3|?',
    'latin1',
  );
  const read = decodeExample(bytes);
  assert.deepEqual([...read.get('feature1')!.values], [4n]);
  assert.deepEqual([...read.get('feature0')!.values], [0n]);
  assert.deepEqual([...read.get('feature3')!.values], [Math.fround(0.9876)]);
});

test('tf.train.Example: unpacked lists and unknown fields are read', () => {
  const type = root.lookupType('OpenExample');
  const open = type
    .encode(
      type.fromObject({
        features: {
          feature: { r: { floatList: { value: [1.5, 2] } }, n: { int64List: { value: [-7, 8] } } },
        },
      }),
    )
    .finish();
  const comment = root.lookupType('Example').encode({ comment: 'unknown' }).finish();
  const read = decodeExample(Buffer.concat([comment, open]));
  assert.deepEqual([...read.get('r')!.values], [1.5, 2]);
  assert.deepEqual([...read.get('n')!.values], [-7n, 8n]);
});

const file = Buffer.concat([0, 1, 5000].map((n) => encodeTfrecord(new Uint8Array(n).fill(n))));
const lengths = (bytes: Uint8Array) =>
  [...readTfrecords(bytes, 'f')].map(({ data }) => data.length);

test('tfrecord: records come back; every cut and every flipped bit is a typed error', () => {
  assert.deepEqual(lengths(file), [0, 1, 5000]);
  assert.deepEqual(lengths(new Uint8Array(0)), []);
  const ends = [0, 16, 33];
  for (let cut = 1; cut < file.length; cut += cut < 60 ? 1 : 97) {
    if (ends.includes(cut)) continue;
    assert.throws(() => lengths(file.subarray(0, cut)), BadInputError, `cut at ${cut}`);
  }
  for (let at = 0; at < file.length; at += at < 60 ? 1 : 101) {
    const bad = Uint8Array.from(file);
    bad[at]! ^= 1 << (at % 8);
    assert.throws(() => lengths(bad), BadInputError, `flip at ${at}`);
  }
});

test('tfrecord: damage names file, offset and checksums', () => {
  const bad = Uint8Array.from(file);
  bad[40]! ^= 1;
  assert.throws(() => lengths(bad), { code: 3, where: 'f:33', message: /checksum 0x[0-9a-f]{8}/ });
  const data = Uint8Array.from(file);
  data[100]! ^= 1;
  assert.throws(() => lengths(data), { code: 3, where: 'f:45', message: /a record at offset 45/ });
  assert.throws(() => lengths(Buffer.from('not a tfrecord at all')), { hint: /no TFRecord/ });
});

test('tf.train.Example: a feature of no kind, or with values of another, is refused', () => {
  for (const feature of [
    { kind: 'floats', values: Float32Array.of(1) },
    { kind: 'int64', values: [1, 2] },
    { kind: 'bytes', values: Uint8Array.of(1) },
  ]) {
    const wrong = new Map([['x', feature]]) as unknown as Parameters<typeof encodeExample>[0];
    assert.throws(() => encodeExample(wrong), { code: 2, where: 'x' });
  }
});

test('tf.train.Example: damage is a typed error, never another', () => {
  const bytes = encodeExample(example);
  for (let at = 0; at < bytes.length * 8; at++) {
    const bad = Uint8Array.from(bytes);
    bad[at >> 3]! ^= 1 << (at & 7);
    try {
      decodeExample(bad, 'r:0');
    } catch (error) {
      assert.ok(error instanceof BadInputError, String((error as Error).stack));
    }
  }
});
