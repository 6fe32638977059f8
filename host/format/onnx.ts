/**
 * .onnx (protobuf ModelProto), bytes <-> plain data, through npm onnx-proto. Kept: graph, nodes,
 * attributes, initializers, value infos, operator sets, metadata. Refused rather than dropped:
 * functions, sparse initializers, tensors in other files.
 * Source: onnx.proto of ONNX 1.10.
 */

import type { onnx } from 'onnx-proto';
import { BadInputError, EdgeNnError, UnsupportedError } from '../core/errors.js';
import { lazyPackage } from '../core/lazy-package.js';
import { damaged, openSource, type Source } from './bytes.js';
import {
  dataTypeCode,
  dataTypeOf,
  type Long,
  type OnnxDataType,
  type OnnxTensor,
  readTensor,
  toBigInt,
  toLong,
  toSafe,
  writeTensor,
} from './onnx-tensor.js';

const onnxProto = lazyPackage<typeof import('onnx-proto')>('onnx-proto');

/** An INT is a number where that is exact, else a bigint; a STRING is UTF-8 text. */
export type OnnxAttribute =
  | { readonly type: 'FLOAT'; readonly value: number }
  | { readonly type: 'INT'; readonly value: number | bigint }
  | { readonly type: 'STRING'; readonly value: string }
  | { readonly type: 'TENSOR'; readonly value: OnnxTensor }
  | { readonly type: 'GRAPH'; readonly value: OnnxGraph }
  | { readonly type: 'FLOATS'; readonly value: readonly number[] }
  | { readonly type: 'INTS'; readonly value: readonly (number | bigint)[] }
  | { readonly type: 'STRINGS'; readonly value: readonly string[] };

export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  /** Empty for the standard operators. */
  readonly domain: string;
  /** Names of values; an optional input that is left out is the empty string. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

export interface OnnxValueInfo {
  readonly name: string;
  readonly elemType: OnnxDataType;
  /** A dimension is a size, or the name of a symbolic one; undefined where the rank is unknown. */
  readonly shape: readonly (number | string)[] | undefined;
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly valueInfos: readonly OnnxValueInfo[];
}

export interface OnnxModel {
  readonly irVersion: number;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly graph: OnnxGraph;
}

const utf8 = new TextDecoder();
const hint = 'The file is damaged or not an .onnx file; export the model again.';

const exact = (value: number | Long): number | bigint => {
  const big = toBigInt(value);
  return Number.isSafeInteger(Number(big)) ? Number(big) : big;
};

type Ints = readonly (number | Long)[];

/** Numbers of AttributeProto.AttributeType. */
const attributeCodes = {
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  GRAPH: 5,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
} as const satisfies Record<OnnxAttribute['type'], number>;

const attributeReaders: {
  readonly [T in OnnxAttribute['type']]: (
    source: Source,
    a: onnx.IAttributeProto,
  ) => OnnxAttribute & { readonly type: T };
} = {
  FLOAT: (_, a) => ({ type: 'FLOAT', value: a.f ?? 0 }),
  INT: (_, a) => ({ type: 'INT', value: exact((a.i ?? 0) as number | Long) }),
  STRING: (_, a) => ({ type: 'STRING', value: utf8.decode(a.s ?? new Uint8Array(0)) }),
  TENSOR: (source, a) => ({ type: 'TENSOR', value: readTensor(source, a.t ?? {}) }),
  GRAPH: (source, a) => ({ type: 'GRAPH', value: readGraph(source, a.g ?? {}) }),
  FLOATS: (_, a) => ({ type: 'FLOATS', value: [...(a.floats ?? [])] }),
  INTS: (_, a) => ({ type: 'INTS', value: ((a.ints ?? []) as Ints).map(exact) }),
  STRINGS: (_, a) => ({ type: 'STRINGS', value: (a.strings ?? []).map((s) => utf8.decode(s)) }),
};

/** Files of the first IR versions carry no attribute type: the field that is there tells it. */
function attributeType(a: onnx.IAttributeProto): OnnxAttribute['type'] | undefined {
  const types = Object.keys(attributeCodes) as OnnxAttribute['type'][];
  if (a.type) return types.find((type) => attributeCodes[type] === a.type);
  const own = (key: keyof onnx.IAttributeProto) => Object.hasOwn(a, key);
  if (a.t) return 'TENSOR';
  if (a.g) return 'GRAPH';
  if (a.floats?.length) return 'FLOATS';
  if (a.ints?.length) return 'INTS';
  if (a.strings?.length) return 'STRINGS';
  return own('f') ? 'FLOAT' : own('s') ? 'STRING' : 'INT';
}

function readNode(source: Source, node: onnx.INodeProto): OnnxNode {
  const opType = node.opType ?? '';
  const attributes = new Map<string, OnnxAttribute>();
  for (const attribute of node.attribute ?? []) {
    const type = attributeType(attribute);
    if (!type) {
      throw new UnsupportedError(
        `onnx: attribute '${attribute.name}' of ${opType} '${node.name}' has type ${attribute.type}`,
        {
          hint: 'Export the model without sparse tensors and type attributes.',
          where: source.file,
        },
      );
    }
    attributes.set(attribute.name ?? '', attributeReaders[type](source, attribute));
  }
  return {
    name: node.name ?? '',
    opType,
    domain: node.domain ?? '',
    inputs: [...(node.input ?? [])],
    outputs: [...(node.output ?? [])],
    attributes,
  };
}

function readValueInfo(source: Source, info: onnx.IValueInfoProto): OnnxValueInfo {
  const name = info.name ?? '';
  const tensor = info.type?.tensorType;
  if (!tensor) {
    throw new UnsupportedError(`onnx: value '${name}' is not a tensor`, {
      hint: 'Export the model with tensors as inputs and outputs only.',
      where: source.file,
    });
  }
  const shape = tensor.shape?.dim?.map((dim, i) =>
    dim.dimParam || dim.dimValue === undefined || dim.dimValue === null
      ? (dim.dimParam ?? '')
      : toSafe(source, dim.dimValue as number | Long, `dimension ${i} of '${name}'`),
  );
  return { name, elemType: dataTypeOf(tensor.elemType ?? 0, `value '${name}'`), shape };
}

function readGraph(source: Source, graph: onnx.IGraphProto): OnnxGraph {
  if ((graph.sparseInitializer ?? []).length > 0) {
    throw new UnsupportedError('onnx: sparse initializers are not supported', {
      hint: 'Export the model with dense weights.',
      where: source.file,
    });
  }
  // Shape inference leaves value infos of unknown type behind: they say nothing.
  const typed = (graph.valueInfo ?? []).filter((info) => info.type?.tensorType?.elemType);
  return {
    name: graph.name ?? '',
    nodes: (graph.node ?? []).map((node) => readNode(source, node)),
    initializers: (graph.initializer ?? []).map((tensor) => readTensor(source, tensor)),
    inputs: (graph.input ?? []).map((info) => readValueInfo(source, info)),
    outputs: (graph.output ?? []).map((info) => readValueInfo(source, info)),
    valueInfos: typed.map((info) => readValueInfo(source, info)),
  };
}

function convert(source: Source, model: onnx.IModelProto): OnnxModel {
  if (!model.graph || (model.graph.output ?? []).length === 0) {
    throw damaged(source, 0, 'no graph with outputs', hint);
  }
  if ((model.functions ?? []).length > 0) {
    throw new UnsupportedError('onnx: model-local functions are not supported', {
      hint: 'Inline them first: onnx.inliner.inline_local_functions(model).',
      where: source.file,
    });
  }
  return {
    irVersion: toSafe(source, (model.irVersion ?? 0) as number | Long, 'ir_version'),
    producerName: model.producerName ?? '',
    producerVersion: model.producerVersion ?? '',
    opsets: (model.opsetImport ?? []).map(({ domain, version }) => ({
      domain: domain ?? '',
      version: toSafe(source, (version ?? 0) as number | Long, 'an operator set version'),
    })),
    metadata: Object.fromEntries(
      (model.metadataProps ?? []).map(({ key, value }) => [key ?? '', value ?? '']),
    ),
    graph: readGraph(source, model.graph),
  };
}

/**
 * Reads an .onnx file.
 * @param file name for the errors
 * @throws BadInputError for a damaged file, UnsupportedError for what this reader would have to drop
 */
export function readOnnx(bytes: Uint8Array, file = 'onnx data'): OnnxModel {
  const source = openSource(bytes, 'onnx', file);
  try {
    return convert(source, onnxProto().onnx.ModelProto.decode(bytes));
  } catch (cause) {
    if (cause instanceof EdgeNnError) throw cause;
    const reason = (cause as Error).message;
    throw new BadInputError(`onnx: not a valid model (${reason})`, { hint, where: file, cause });
  }
}

function writeAttribute(name: string, attribute: OnnxAttribute): onnx.IAttributeProto {
  const head = { name, type: attributeCodes[attribute.type] as number };
  const encode = (text: string) => new TextEncoder().encode(text);
  switch (attribute.type) {
    case 'FLOAT':
      return { ...head, f: attribute.value };
    case 'INT':
      return { ...head, i: toLong(attribute.value) };
    case 'STRING':
      return { ...head, s: encode(attribute.value) };
    case 'TENSOR':
      return { ...head, t: writeTensor(attribute.value) };
    case 'GRAPH':
      return { ...head, g: writeGraph(attribute.value) };
    case 'FLOATS':
      return { ...head, floats: [...attribute.value] };
    case 'INTS':
      return { ...head, ints: attribute.value.map((i) => toLong(i)) };
    case 'STRINGS':
      return { ...head, strings: attribute.value.map(encode) };
  }
}

function writeValueInfo({ name, elemType, shape }: OnnxValueInfo): onnx.IValueInfoProto {
  const dim = shape?.map((d) =>
    typeof d === 'string' ? { dimParam: d } : { dimValue: toLong(d) },
  );
  const tensorType = { elemType: dataTypeCode(elemType), ...(dim ? { shape: { dim } } : {}) };
  return { name, type: { tensorType } };
}

function writeGraph(graph: OnnxGraph): onnx.IGraphProto {
  return {
    name: graph.name,
    node: graph.nodes.map((node) => ({
      name: node.name,
      opType: node.opType,
      domain: node.domain,
      input: [...node.inputs],
      output: [...node.outputs],
      attribute: [...node.attributes].map(([name, value]) => writeAttribute(name, value)),
    })),
    initializer: graph.initializers.map(writeTensor),
    input: graph.inputs.map(writeValueInfo),
    output: graph.outputs.map(writeValueInfo),
    valueInfo: graph.valueInfos.map(writeValueInfo),
  };
}

/** The bytes of an .onnx file; the same model gives the same bytes. */
export function writeOnnx(model: OnnxModel): Uint8Array {
  const metadata = Object.entries(model.metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const proto: onnx.IModelProto = {
    irVersion: toLong(model.irVersion),
    producerName: model.producerName,
    producerVersion: model.producerVersion,
    opsetImport: model.opsets.map(({ domain, version }) => ({ domain, version: toLong(version) })),
    graph: writeGraph(model.graph),
    metadataProps: metadata.map(([key, value]) => ({ key, value })),
  };
  return onnxProto().onnx.ModelProto.encode(proto).finish().slice();
}
