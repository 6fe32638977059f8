/**
 * tf.train.Example, the message in most TFRecord files: a map of names to lists.
 *
 *     message BytesList { repeated bytes value = 1; }
 *     message FloatList { repeated float value = 1 [packed = true]; }
 *     message Int64List { repeated int64 value = 1 [packed = true]; }
 *     message Feature   { oneof kind { BytesList bytes_list = 1; FloatList float_list = 2;
 *                                      Int64List int64_list = 3; } }
 *     message Features  { map<string, Feature> feature = 1; }
 *     message Example   { Features features = 1; }
 *
 * Lists are read packed and unpacked, and unknown fields are skipped, as the protobuf encoding
 * demands of a reader.
 * Source: tensorflow/core/example/{example,feature}.proto; protobuf.dev/programming-guides/encoding.
 */
import { BadInputError, UsageError } from '../core/errors.js';
import { lazyPackage } from '../core/lazy-package.js';
import { damagedHint } from './bytes.js';

export type Feature =
  | { readonly kind: 'bytes'; readonly values: readonly Uint8Array[] }
  | { readonly kind: 'float'; readonly values: Float32Array }
  | { readonly kind: 'int64'; readonly values: BigInt64Array };

/** The features of an example by name. */
export type Example = ReadonlyMap<string, Feature>;

/** A feature that is not decoded yet: its kind and the encoded list. */
export interface EncodedFeature {
  readonly kind: Feature['kind'];
  readonly list: Uint8Array;
}

const protobuf = lazyPackage<typeof import('protobufjs/minimal.js')>('protobufjs/minimal.js');

const kinds = ['bytes', 'float', 'int64'] as const;

const varint = 0;
const delimited = 2;
const fixed32 = 5;

const tag = (field: number, wire: number): number => (field << 3) | wire;

const view = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The payloads of one length-delimited field of a message, others skipped. */
function* fields(
  bytes: Uint8Array,
): Generator<{ readonly field: number; readonly payload: Uint8Array }> {
  const reader = protobuf().Reader.create(bytes);
  while (reader.pos < reader.len) {
    const key = reader.uint32();
    if ((key & 7) === delimited) yield { field: key >>> 3, payload: reader.bytes() };
    else reader.skipType(key & 7);
  }
}

function decodeBytes(list: Uint8Array): Uint8Array[] {
  return [...fields(list)].filter(({ field }) => field === 1).map(({ payload }) => payload);
}

/** The payloads of field 1 of a list of numbers, packed or one by one. */
function* numberPayloads(list: Uint8Array, wire: number): Generator<Uint8Array> {
  const reader = protobuf().Reader.create(list);
  while (reader.pos < reader.len) {
    const key = reader.uint32();
    const start = reader.pos;
    if (key === tag(1, delimited)) yield reader.bytes();
    else {
      reader.skipType(key & 7);
      if (key === tag(1, wire)) yield list.subarray(start, reader.pos);
    }
  }
}

function decodeFloats(list: Uint8Array): Float32Array {
  const parts = [...numberPayloads(list, fixed32)];
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  if (bytes % 4 !== 0) throw new RangeError(`a float list of ${bytes} bytes`);
  const out = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return new Float32Array(out.buffer);
}

/** The low 64 bits of a varint at `at`, and where it ends. */
function varintAt(bytes: Uint8Array, at: number): { readonly value: bigint; readonly end: number } {
  let value = 0n;
  for (let i = at, shift = 0n; i < bytes.length && i < at + 10; i++, shift += 7n) {
    value |= BigInt(bytes[i]! & 0x7f) << shift;
    if (bytes[i]! < 0x80) return { value: BigInt.asIntN(64, value), end: i + 1 };
  }
  throw new RangeError('a number that does not end');
}

function decodeIntegers(list: Uint8Array): BigInt64Array {
  const out: bigint[] = [];
  for (const part of numberPayloads(list, varint)) {
    for (let at = 0; at < part.length; ) {
      const { value, end } = varintAt(part, at);
      out.push(value);
      at = end;
    }
  }
  return BigInt64Array.from(out);
}

/** What is wrong with an example, as an error that names its place. */
const bad = (where: string, cause: unknown): BadInputError =>
  new BadInputError(`${where} is no tf.train.Example: ${(cause as Error).message}`, {
    hint: `Records must hold a serialized tf.train.Example. ${damagedHint}`,
    where,
    cause,
  });

/** Decodes one feature. @throws BadInputError */
export function decodeFeature({ kind, list }: EncodedFeature, where = 'a feature'): Feature {
  try {
    if (kind === 'bytes') return { kind, values: decodeBytes(list) };
    if (kind === 'float') return { kind, values: decodeFloats(list) };
    return { kind, values: decodeIntegers(list) };
  } catch (cause) {
    throw bad(where, cause);
  }
}

function decodeEntry(entry: Uint8Array): readonly [string, EncodedFeature | undefined] {
  let name = '';
  let feature: EncodedFeature | undefined;
  for (const { field, payload } of fields(entry)) {
    if (field === 1) name = new TextDecoder().decode(payload);
    if (field !== 2) continue;
    for (const one of fields(payload)) {
      const kind = kinds[one.field - 1];
      if (kind) feature = { kind, list: one.payload };
    }
  }
  return [name, feature];
}

/**
 * The features of an example without decoding their lists. They are views of `bytes`.
 *
 * @param where names the record in the errors
 * @throws BadInputError
 */
export function exampleFeatures(
  bytes: Uint8Array,
  where = 'the record',
): ReadonlyMap<string, EncodedFeature> {
  const out = new Map<string, EncodedFeature>();
  try {
    for (const features of fields(bytes)) {
      if (features.field !== 1) continue;
      for (const { field, payload } of fields(features.payload)) {
        const [name, feature] = field === 1 ? decodeEntry(payload) : [];
        if (name !== undefined && feature) out.set(name, feature);
      }
    }
  } catch (cause) {
    throw bad(where, cause);
  }
  return out;
}

/**
 * Decodes a serialized tf.train.Example. Bytes are views of `bytes`; a feature without a value of
 * any kind is left out.
 *
 * @throws BadInputError
 */
export function decodeExample(bytes: Uint8Array, where = 'the record'): Example {
  const features = exampleFeatures(bytes, where);
  return new Map(
    [...features].map(([name, feature]) => [name, decodeFeature(feature, `${where}, ${name}`)]),
  );
}

function encodeList(feature: Feature): Uint8Array {
  const writer = protobuf().Writer.create();
  if (feature.kind === 'bytes') {
    for (const value of feature.values) writer.uint32(tag(1, delimited)).bytes(value);
    return writer.finish();
  }
  if (feature.values.length === 0) return writer.finish();
  writer.uint32(tag(1, delimited));
  if (feature.kind === 'float') {
    const { buffer, byteOffset, byteLength } = feature.values;
    return writer.bytes(new Uint8Array(buffer, byteOffset, byteLength)).finish();
  }
  const inner = protobuf().Writer.create();
  const words = view(new Uint8Array(8));
  for (const value of feature.values) {
    words.setBigInt64(0, value, true);
    inner.int64({
      low: words.getInt32(0, true),
      high: words.getInt32(4, true),
      unsigned: false,
    } as never);
  }
  return writer.bytes(inner.finish()).finish();
}

const listOf: { readonly [K in Feature['kind']]: (values: unknown) => boolean } = {
  bytes: (values) => Array.isArray(values) && values.every((v) => v instanceof Uint8Array),
  float: (values) => values instanceof Float32Array,
  int64: (values) => values instanceof BigInt64Array,
};

/** For callers without types. @throws UsageError */
function requireFeature(name: string, { kind, values }: Feature): void {
  if (Object.hasOwn(listOf, kind) && listOf[kind](values)) return;
  throw new UsageError(`feature ${name} of kind ${kind} cannot be encoded`, {
    hint: "Give {kind: 'bytes', values: [Uint8Array]}, {kind: 'float', values: Float32Array} or {kind: 'int64', values: BigInt64Array}.",
    where: name,
  });
}

/**
 * Serializes a tf.train.Example: features in the order of their names, lists of numbers packed, as
 * TensorFlow's deterministic serialization writes them.
 *
 * @throws UsageError for a feature of another kind, or whose values are of another type
 */
export function encodeExample(example: Example): Uint8Array {
  const features = protobuf().Writer.create();
  for (const [name, feature] of [...example].sort(([a], [b]) => (a < b ? -1 : 1))) {
    requireFeature(name, feature);
    const body = protobuf()
      .Writer.create()
      .uint32(tag(kinds.indexOf(feature.kind) + 1, delimited))
      .bytes(encodeList(feature))
      .finish();
    const entry = protobuf().Writer.create();
    entry.uint32(tag(1, delimited)).string(name);
    entry.uint32(tag(2, delimited)).bytes(body);
    features.uint32(tag(1, delimited)).bytes(entry.finish());
  }
  return protobuf().Writer.create().uint32(tag(1, delimited)).bytes(features.finish()).finish();
}
