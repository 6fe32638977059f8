/**
 * safetensors: 8 bytes little-endian header length, a JSON header
 * `{"__metadata__": {string: string}, name: {dtype, shape, data_offsets: [begin, end]}}`, then the
 * data; offsets count from the end of the header, the tensors cover the data without gap.
 * Source: https://huggingface.co/docs/safetensors (section "Format").
 *
 * Written tensors are sorted by name, so the same content gives the same bytes.
 */

import { elements } from '../core/shape.js';
import type { Source } from './bytes.js';
import { bytesOf, copyAs, damaged, need, openSource, textAt } from './bytes.js';

/** The element types; F16, BF16 and the 8-bit floats are kept as their bits. */
const arrays = {
  BOOL: Uint8Array,
  U8: Uint8Array,
  I8: Int8Array,
  F8_E5M2: Uint8Array,
  F8_E4M3: Uint8Array,
  U16: Uint16Array,
  I16: Int16Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  U32: Uint32Array,
  I32: Int32Array,
  F32: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
} as const;

export type SafetensorsDtype = keyof typeof arrays;

/** Row-major; `data` is the typed array of the dtype. */
export type Safetensor = {
  readonly [D in SafetensorsDtype]: {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: InstanceType<(typeof arrays)[D]>;
  };
}[SafetensorsDtype];

export interface Safetensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, Safetensor>;
}

const hint = 'The file is damaged or not a .safetensors file; write or download it again.';

/** The keys of the outermost object as they stand in the text: JSON.parse drops repeated ones. */
function outerKeys(json: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  const tokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;
  for (const [token, colon] of json.matchAll(tokens)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (colon && depth === 1) keys.push(JSON.parse(token.slice(0, -colon.length)));
  }
  return keys;
}

function readHeader(source: Source): { entries: Map<string, unknown>; start: number } {
  need(source, 0, 8, 'the header length');
  const length = Number(source.view.getBigUint64(0, true));
  const json = textAt(source, 8, length, 'the header');
  let header: unknown;
  try {
    header = JSON.parse(json);
  } catch (cause) {
    throw damaged(source, 8, `the header is not JSON (${(cause as Error).message})`, hint);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw damaged(source, 8, 'the header is not a JSON object', hint);
  }
  const keys = outerKeys(json);
  const twice = keys.find((key, i) => keys.indexOf(key) !== i);
  if (twice !== undefined) throw damaged(source, 8, `tensor '${twice}' occurs twice`, hint);
  return { entries: new Map(Object.entries(header)), start: 8 + length };
}

function readMetadata(source: Source, value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : undefined;
  if (!entries || Array.isArray(value) || entries.some(([, v]) => typeof v !== 'string')) {
    throw damaged(source, 8, '__metadata__ is not a map from string to string', hint);
  }
  return Object.fromEntries(entries);
}

interface Entry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const isSize = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function readEntry(source: Source, name: string, value: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(arrays, dtype)) {
    throw damaged(
      source,
      8,
      `tensor '${name}' has the unknown dtype ${JSON.stringify(dtype)}`,
      hint,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw damaged(source, 8, `tensor '${name}' has no valid shape`, hint);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw damaged(source, 8, `tensor '${name}' has no valid data_offsets`, hint);
  }
  const [begin, end] = offsets as [number, number];
  const known = dtype as SafetensorsDtype;
  const bytes = elements(shape) * arrays[known].BYTES_PER_ELEMENT;
  if (end - begin !== bytes) {
    const what = `tensor '${name}' ${dtype}[${shape}] needs ${bytes} bytes, its data_offsets give ${end - begin}`;
    throw damaged(source, 8, what, hint);
  }
  return { name, dtype: known, shape, begin, end };
}

function checkCover(source: Source, entries: readonly Entry[], start: number): void {
  let at = 0;
  let before = 'the header';
  for (const { name, begin, end } of [...entries].sort(
    (a, b) => a.begin - b.begin || a.end - b.end,
  )) {
    if (begin !== at) {
      const relation = begin < at ? 'overlaps' : 'leaves a gap after';
      const what = `tensor '${name}' at offset ${start + begin} ${relation} ${before}`;
      throw damaged(source, start + begin, what, hint);
    }
    need(source, start + begin, end - begin, `tensor '${name}'`);
    at = end;
    before = `tensor '${name}'`;
  }
  if (start + at !== source.bytes.length) {
    const what = `expected ${start + at} bytes, got ${source.bytes.length}`;
    throw damaged(source, start + at, what, hint);
  }
}

/**
 * Reads a .safetensors file. The tensors are copies, in order of name.
 * @param file name for the errors
 * @throws BadInputError naming the offset and the tensor
 */
export function readSafetensors(bytes: Uint8Array, file = 'safetensors data'): Safetensors {
  const source = openSource(bytes, 'safetensors', file);
  const { entries, start } = readHeader(source);
  const metadata = readMetadata(source, entries.get('__metadata__'));
  entries.delete('__metadata__');
  const list = [...entries].map(([name, value]) => readEntry(source, name, value)).sort(byName);
  checkCover(source, list, start);
  const tensors = new Map<string, Safetensor>();
  for (const { name, dtype, shape, begin, end } of list) {
    const data = copyAs<ArrayBufferView>(arrays[dtype], bytes.subarray(start + begin, start + end));
    tensors.set(name, { dtype, shape, data } as Safetensor);
  }
  return { metadata, tensors };
}

const byName = (a: { name: string }, b: { name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

/** The bytes of a .safetensors file: tensors and metadata by name, data 8-byte aligned at its start. */
export function writeSafetensors(content: Safetensors): Uint8Array {
  const list = [...content.tensors].map(([name, tensor]) => ({ name, tensor })).sort(byName);
  const header: [string, unknown][] = [];
  const metadata = Object.entries(content.metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (metadata.length > 0) header.push(['__metadata__', Object.fromEntries(metadata)]);
  let at = 0;
  for (const { name, tensor } of list) {
    const { dtype, shape, data } = tensor;
    if (name === '__metadata__' || elements(shape) !== data.length) {
      throw new RangeError(
        `safetensors: '${name}' of shape [${shape}] cannot hold ${data.length} elements`,
      );
    }
    header.push([name, { dtype, shape, data_offsets: [at, at + data.byteLength] }]);
    at += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const length = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + length + at).fill(0x20, 8, 8 + length);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.set(json, 8);
  at = 8 + length;
  for (const { tensor } of list) {
    out.set(bytesOf(tensor.data), at);
    at += tensor.data.byteLength;
  }
  return out;
}
