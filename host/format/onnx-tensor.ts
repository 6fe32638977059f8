/**
 * The tensors of an .onnx file: raw_data or one of the typed fields -> one typed array.
 * Source: onnx.proto, TensorProto.
 */
import type { onnx } from 'onnx-proto';
import { UnsupportedError } from '../core/errors.js';
import { elements } from '../core/shape.js';
import { bytesOf, copyAs, damaged, type Source } from './bytes.js';

interface ArrayOf {
  readonly FLOAT: Float32Array;
  readonly UINT8: Uint8Array;
  readonly INT8: Int8Array;
  readonly UINT16: Uint16Array;
  readonly INT16: Int16Array;
  readonly INT32: Int32Array;
  readonly INT64: BigInt64Array;
  readonly STRING: readonly string[];
  readonly BOOL: Uint8Array;
  readonly FLOAT16: Uint16Array;
  readonly DOUBLE: Float64Array;
  readonly UINT32: Uint32Array;
  readonly UINT64: BigUint64Array;
  readonly BFLOAT16: Uint16Array;
}

export type OnnxDataType = keyof ArrayOf;

/** Row-major. FLOAT16 and BFLOAT16 are kept as their bits, a BOOL is a byte of 0 or 1. */
export type OnnxTensor = {
  readonly [D in OnnxDataType]: {
    readonly name: string;
    readonly dataType: D;
    readonly dims: readonly number[];
    readonly data: ArrayOf[D];
  };
}[OnnxDataType];

/** A 64-bit integer as protobufjs gives and takes it. */
export interface Long {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

export const toBigInt = (value: number | Long): bigint => {
  if (typeof value === 'number') return BigInt(value);
  const bits = (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
  return value.unsigned ? bits : BigInt.asIntN(64, bits);
};

// biome-ignore lint/suspicious/noExplicitAny: protobufjs names the Long class of a package that is not typed here
export const toLong = (value: bigint | number, unsigned = false): any => {
  const bits = BigInt.asUintN(64, BigInt(value));
  const low = Number(bits & 0xffffffffn) | 0;
  return { low, high: Number(bits >> 32n) | 0, unsigned } satisfies Long;
};

/** An integer that must be exact as a number. */
export function toSafe(source: Source, value: number | Long, what: string): number {
  const number = Number(toBigInt(value));
  if (Number.isSafeInteger(number)) return number;
  throw damaged(source, 0, `${what} is out of range: ${number}`, 'Export the model again.');
}

type Numbers = readonly number[];
type Longs = readonly (number | Long)[];

interface Rule {
  readonly code: number;
  /** 0 for strings. */
  readonly size: number;
  readonly raw: (bytes: Uint8Array) => ArrayOf[OnnxDataType];
  /** From the typed field that carries this type. */
  readonly typed: (tensor: onnx.ITensorProto) => ArrayOf[OnnxDataType];
}

const floats = (t: onnx.ITensorProto): Numbers => t.floatData ?? [];
const int32s = (t: onnx.ITensorProto): Numbers => t.int32Data ?? [];
const bigInts = (values: unknown): bigint[] => ((values ?? []) as Longs).map(toBigInt);
const utf8 = new TextDecoder();

const rules: { readonly [D in OnnxDataType]: Rule } = {
  FLOAT: rule(
    1,
    4,
    (b) => copyAs(Float32Array, b),
    (t) => Float32Array.from(floats(t)),
  ),
  UINT8: rule(
    2,
    1,
    (b) => copyAs(Uint8Array, b),
    (t) => Uint8Array.from(int32s(t)),
  ),
  INT8: rule(
    3,
    1,
    (b) => copyAs(Int8Array, b),
    (t) => Int8Array.from(int32s(t)),
  ),
  UINT16: rule(
    4,
    2,
    (b) => copyAs(Uint16Array, b),
    (t) => Uint16Array.from(int32s(t)),
  ),
  INT16: rule(
    5,
    2,
    (b) => copyAs(Int16Array, b),
    (t) => Int16Array.from(int32s(t)),
  ),
  INT32: rule(
    6,
    4,
    (b) => copyAs(Int32Array, b),
    (t) => Int32Array.from(int32s(t)),
  ),
  INT64: rule(
    7,
    8,
    (b) => copyAs(BigInt64Array, b),
    (t) => BigInt64Array.from(bigInts(t.int64Data)),
  ),
  STRING: rule(
    8,
    0,
    () => [],
    (t) => (t.stringData ?? []).map((s) => utf8.decode(s)),
  ),
  BOOL: rule(
    9,
    1,
    (b) => copyAs(Uint8Array, b),
    (t) => Uint8Array.from(int32s(t)),
  ),
  FLOAT16: rule(
    10,
    2,
    (b) => copyAs(Uint16Array, b),
    (t) => Uint16Array.from(int32s(t)),
  ),
  DOUBLE: rule(
    11,
    8,
    (b) => copyAs(Float64Array, b),
    (t) => Float64Array.from(t.doubleData ?? []),
  ),
  UINT32: rule(
    12,
    4,
    (b) => copyAs(Uint32Array, b),
    (t) => Uint32Array.from(bigInts(t.uint64Data), Number),
  ),
  UINT64: rule(
    13,
    8,
    (b) => copyAs(BigUint64Array, b),
    (t) => BigUint64Array.from(bigInts(t.uint64Data)),
  ),
  BFLOAT16: rule(
    16,
    2,
    (b) => copyAs(Uint16Array, b),
    (t) => Uint16Array.from(int32s(t)),
  ),
};

function rule(code: number, size: number, raw: Rule['raw'], typed: Rule['typed']): Rule {
  return { code, size, raw, typed };
}

/** The number of an element type in the file. */
export const dataTypeCode = (type: OnnxDataType): number => rules[type].code;

/** The element type of a number in the file. */
export function dataTypeOf(code: number, what: string): OnnxDataType {
  for (const [name, { code: known }] of Object.entries(rules)) {
    if (known === code) return name as OnnxDataType;
  }
  throw new UnsupportedError(`onnx: ${what} has the element type ${code}`, {
    hint: 'Export the model with float32, integer or bool tensors.',
    where: what,
  });
}

/**
 * Decodes one tensor.
 * @throws BadInputError when its data does not match its shape, UnsupportedError for external data
 */
export function readTensor(source: Source, proto: onnx.ITensorProto): OnnxTensor {
  const name = proto.name ?? '';
  const what = `tensor '${name}'`;
  if (proto.dataLocation === 1 || (proto.externalData ?? []).length > 0) {
    throw new UnsupportedError(`onnx: the data of ${what} lies in another file`, {
      hint: 'Save the model as one file: onnx.save(model, path, save_as_external_data=False).',
      where: source.file,
    });
  }
  const dataType = dataTypeOf(proto.dataType ?? 0, what);
  const dims = ((proto.dims ?? []) as Longs).map((d) =>
    toSafe(source, d, `a dimension of ${what}`),
  );
  const { size, raw, typed } = rules[dataType];
  const rawData = proto.rawData ?? new Uint8Array(0);
  const count = elements(dims);
  const useRaw = rawData.length > 0;
  if (useRaw && rawData.length !== count * size) {
    const text = `${what} of shape [${dims}] needs ${count * size} bytes, got ${rawData.length}`;
    throw damaged(source, 0, text, 'The file is damaged; export the model again.');
  }
  const data = useRaw ? raw(rawData) : typed(proto);
  if (data.length !== count || dims.some((d) => d < 0)) {
    const text = `${what} of shape [${dims}] needs ${count} elements, got ${data.length}`;
    throw damaged(source, 0, text, 'The file is damaged; export the model again.');
  }
  return { name, dataType, dims, data } as OnnxTensor;
}

/** Encodes one tensor with raw_data, strings with string_data. */
export function writeTensor(tensor: OnnxTensor): onnx.ITensorProto {
  if (elements(tensor.dims) !== tensor.data.length) {
    throw new RangeError(
      `onnx: '${tensor.name}' of shape [${tensor.dims}] holds ${tensor.data.length}`,
    );
  }
  const head = {
    name: tensor.name,
    dataType: dataTypeCode(tensor.dataType),
    dims: tensor.dims.map((d) => toLong(d)),
  };
  if (tensor.dataType === 'STRING') {
    return { ...head, stringData: tensor.data.map((s) => new TextEncoder().encode(s)) };
  }
  return { ...head, rawData: bytesOf(tensor.data) };
}
