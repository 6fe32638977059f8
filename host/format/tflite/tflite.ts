/**
 * .tflite (FlatBuffer schema version 3), bytes <-> plain data. Fields keep the schema's names in
 * camel case; operators are named, buffers are byte arrays, and every index is checked, so that a
 * consumer may follow them without looking.
 */
import { UnsupportedError } from '../../core/errors.js';
import { damaged, damagedHint, need, openSource, type Source } from '../bytes.js';
import { type Decoded, type Encodable, readFlatbuffer, writeFlatbuffer } from './flatbuffer.js';
import { builtinOperators, placeholderCode } from './ops.js';
import type { tensorSpec } from './schema.js';
import { modelSpec, type operatorSpec, type subgraphSpec } from './schema.js';

export interface TfliteOperatorCode {
  /** The builtin's name, `CUSTOM`, or `BUILTIN_<code>` for one that is newer than the table. */
  readonly op: string;
  /** The name of a CUSTOM operator, else empty. */
  readonly customCode: string;
  readonly version: number;
}

export type TfliteTensor = Decoded<typeof tensorSpec>;
export type TfliteOperator = Decoded<typeof operatorSpec>;
export type TfliteSubgraph = Decoded<typeof subgraphSpec>;
export type TfliteBuiltinOptions = NonNullable<TfliteOperator['builtinOptions']>;

type Root = Decoded<typeof modelSpec>;

/** A whole file. Index 0 of `buffers` is the empty buffer, index 0 of `subgraphs` the main one. */
export interface TfliteModel extends Omit<Root, 'operatorCodes' | 'buffers'> {
  readonly operatorCodes: readonly TfliteOperatorCode[];
  readonly buffers: readonly Uint8Array[];
}

type RootInput = Encodable<typeof modelSpec>;

/** What writing takes: fields that are left out have the schema's default. */
export interface TfliteModelInput extends Omit<RootInput, 'operatorCodes' | 'buffers'> {
  readonly operatorCodes: readonly TfliteOperatorCode[];
  readonly buffers: readonly Uint8Array[];
}

const identifier = 'TFL3';

function operatorCode(code: Root['operatorCodes'][number]): TfliteOperatorCode {
  // Files older than the 32-bit field carry the code only in the 8-bit one.
  const builtin = Math.max(code.deprecatedBuiltinCode, code.builtinCode);
  const op = builtinOperators[builtin] ?? `BUILTIN_${builtin}`;
  return { op, customCode: code.customCode, version: code.version };
}

function bufferData(source: Source, buffer: Root['buffers'][number], index: number): Uint8Array {
  if (buffer.offset <= 1) return buffer.data;
  need(source, buffer.offset, buffer.size, `buffer ${index}`);
  return source.bytes.slice(buffer.offset, buffer.offset + buffer.size);
}

type Check = (kind: string, index: number, count: number, lowest?: number) => void;

function checkSubgraph(check: Check, graph: TfliteSubgraph, model: Root): void {
  const tensors = graph.tensors.length;
  for (const tensor of graph.tensors) {
    check(`buffer of tensor '${tensor.name}'`, tensor.buffer, model.buffers.length);
  }
  for (const index of [...graph.inputs, ...graph.outputs])
    check('graph tensor', index, tensors, -1);
  for (const [i, op] of graph.operators.entries()) {
    check(`code of operator ${i}`, op.opcodeIndex, model.operatorCodes.length);
    for (const index of [...op.inputs, ...op.outputs, ...op.intermediates]) {
      check(`tensor of operator ${i}`, index, tensors, -1);
    }
  }
}

function checkIndices(source: Source, model: Root): void {
  const check: Check = (kind, index, count, lowest = 0) => {
    if (index >= lowest && index < count) return;
    throw damaged(source, 0, `${kind} has the index ${index}, there are ${count}`, damagedHint);
  };
  for (const graph of model.subgraphs) checkSubgraph(check, graph, model);
  for (const { name, buffer } of model.metadata) {
    check(`buffer of metadata '${name}'`, buffer, model.buffers.length);
  }
  for (const signature of model.signatureDefs) {
    check('subgraph of a signature', signature.subgraphIndex, model.subgraphs.length);
    const { tensors } = model.subgraphs[signature.subgraphIndex]!;
    for (const { name, tensorIndex } of [...signature.inputs, ...signature.outputs]) {
      check(`tensor of signature '${name}'`, tensorIndex, tensors.length);
    }
  }
}

/**
 * Reads a .tflite file. An optional operator input that is left out has the index -1.
 * @param file name for the errors
 * @throws BadInputError for a file that is damaged or not a .tflite file
 */
export function readTflite(bytes: Uint8Array, file = 'tflite data'): TfliteModel {
  const source = openSource(bytes, 'tflite', file);
  const root = readFlatbuffer(source, modelSpec, identifier);
  if (root.version !== 3) {
    const what = `schema version ${root.version}, expected 3`;
    throw damaged(source, 0, what, 'Convert the model again with a current TFLite converter.');
  }
  if (root.subgraphs.length === 0) throw damaged(source, 0, 'no subgraph', damagedHint);
  checkIndices(source, root);
  return {
    ...root,
    operatorCodes: root.operatorCodes.map(operatorCode),
    buffers: root.buffers.map((buffer, i) => bufferData(source, buffer, i)),
  };
}

function encodeOperatorCode({ op, customCode, version }: TfliteOperatorCode) {
  const builtinCode = builtinOperators.indexOf(op);
  if (builtinCode < 0) {
    throw new UnsupportedError(`tflite: operator '${op}' has no builtin code`, {
      hint: 'Use a builtin operator of TFLite, or CUSTOM with a customCode.',
    });
  }
  const deprecatedBuiltinCode = Math.min(builtinCode, placeholderCode);
  return { deprecatedBuiltinCode, customCode, version, builtinCode };
}

/**
 * The bytes of a .tflite file; the same model gives the same bytes, buffers are 16-byte aligned.
 * @throws UnsupportedError for an operator that the schema does not name
 */
export function writeTflite(model: TfliteModelInput): Uint8Array {
  return writeFlatbuffer(modelSpec, identifier, {
    ...model,
    operatorCodes: model.operatorCodes.map(encodeOperatorCode),
    buffers: model.buffers.map((data) => ({ data })),
  });
}

/** The name of an operator as a reader knows it: the builtin's, or the custom code. */
export function operatorName(model: TfliteModel, operator: TfliteOperator): string {
  const { op, customCode } = model.operatorCodes[operator.opcodeIndex]!;
  return op === 'CUSTOM' ? `CUSTOM(${customCode})` : op;
}
