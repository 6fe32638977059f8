/** `edge-nn info`: what is in a model file. */
import { extname, join } from 'node:path';
import { EdgeNnError, UnsupportedError } from '../../core/errors.js';
import { sha256 } from '../../core/hash.js';
import { elements, formatShape } from '../../core/shape.js';
import { isBuild } from '../../eval/open-device.js';
import { readOnnx } from '../../format/onnx.js';
import { readSafetensors } from '../../format/safetensors.js';
import { operatorName, readTflite } from '../../format/tflite/tflite.js';
import { importTflite } from '../../front/tflite/import-tflite.js';
import { type Graph, getValue, inputsOf } from '../../ir/graph.js';
import { opSpec } from '../../ir/ops.js';
import { loadCheckpoint } from '../../train/checkpoint.js';
import { command } from '../command.js';
import { readInputFile } from '../model-file.js';
import { read, requireTexts } from '../options.js';
import { facts, table } from '../table.js';

interface TensorInfo {
  readonly name: string;
  readonly type: string;
}

export interface Info {
  readonly file: string;
  readonly format: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly name?: string;
  readonly stage?: string;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** How often each op occurs. */
  readonly ops: Readonly<Record<string, number>>;
  readonly parameters?: number;
  readonly macs?: number;
  /** Why edge-nn cannot run it; absent when it can. */
  readonly unsupported?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

type Content = Omit<Info, 'file' | 'bytes' | 'sha256'>;

function tally(names: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Multiply-accumulates of one run of a graph. */
function graphMacs(graph: Graph): number {
  let sum = 0;
  for (const node of graph.nodes) {
    const output = getValue(graph, node.output);
    sum += opSpec(node.op).macs?.(inputsOf(graph, node), output, node.attrs as never) ?? 0;
  }
  return sum;
}

function describeGraph(graph: Graph, format: string): Content {
  const tensors = (ids: readonly string[]) =>
    ids.map((id) => {
      const { name, dtype, shape } = getValue(graph, id);
      return { name, type: `${dtype}${formatShape(shape)}` };
    });
  const consts = [...graph.values.values()].filter(({ kind }) => kind === 'const');
  return {
    format,
    name: graph.name,
    stage: graph.stage,
    inputs: tensors(graph.inputs),
    outputs: tensors(graph.outputs),
    ops: tally(graph.nodes.map(({ op }) => op)),
    parameters: consts.reduce((sum, { shape }) => sum + elements(shape), 0),
    macs: graphMacs(graph),
  };
}

function describeTflite(bytes: Uint8Array, file: string): Content {
  try {
    return describeGraph(importTflite(bytes, undefined, file), 'tflite');
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    const model = readTflite(bytes, file);
    const [main] = model.subgraphs;
    const tensors = (indices: readonly number[]) =>
      indices.map((index) => {
        const { name, type, shape } = main!.tensors[index]!;
        return { name, type: `${type}${formatShape(shape)}` };
      });
    return {
      format: 'tflite',
      name: main!.name,
      inputs: tensors(main!.inputs),
      outputs: tensors(main!.outputs),
      ops: tally(main!.operators.map((operator) => operatorName(model, operator))),
      unsupported: error.message,
    };
  }
}

function describeOnnx(bytes: Uint8Array, file: string): Content {
  const { graph } = readOnnx(bytes, file);
  const constants = new Set(graph.initializers.map(({ name }) => name));
  const tensors = (infos: typeof graph.inputs) =>
    infos
      .filter(({ name }) => !constants.has(name))
      .map(({ name, elemType, shape }) => ({
        name,
        type: `${elemType}[${shape?.join(',') ?? '?'}]`,
      }));
  return {
    format: 'onnx',
    name: graph.name,
    inputs: tensors(graph.inputs),
    outputs: tensors(graph.outputs),
    ops: tally(graph.nodes.map(({ opType }) => opType)),
    // The rest are shapes and axes.
    parameters: graph.initializers
      .filter(({ dataType }) => dataType === 'FLOAT')
      .reduce((sum, { data }) => sum + data.length, 0),
    unsupported: 'there is no importer for .onnx yet; edge-nn only writes it',
  };
}

function describeSafetensors(bytes: Uint8Array, file: string): Content {
  const { metadata, tensors } = readSafetensors(bytes, file);
  const plain = Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== 'graph'));
  try {
    return { ...describeGraph(loadCheckpoint(bytes, file).graph, 'safetensors'), metadata: plain };
  } catch (error) {
    if (!(error instanceof EdgeNnError)) throw error;
    return {
      format: 'safetensors',
      inputs: [],
      outputs: [],
      ops: {},
      parameters: [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0),
      metadata: plain,
      unsupported:
        'graph' in metadata ? error.message : 'it holds tensors, but no network of edge-nn',
    };
  }
}

const describers: Readonly<Record<string, (bytes: Uint8Array, file: string) => Content>> = {
  '.tflite': describeTflite,
  '.onnx': describeOnnx,
  '.safetensors': describeSafetensors,
};

/**
 * What is in a .tflite, .onnx or .safetensors file, or in the model of a build folder.
 *
 * @throws BadInputError for a damaged file, UnsupportedError for another kind of file
 */
export async function info(options: { readonly file: string }): Promise<Info> {
  requireTexts('info', options, 'file');
  const file = isBuild(options.file) ? join(options.file, 'model.tflite') : options.file;
  const bytes = readInputFile(file, 'model file');
  const suffix = extname(file).toLowerCase();
  const describer = describers[suffix];
  if (!describer) {
    throw new UnsupportedError(`${file}: nothing is known of ${suffix || 'files without suffix'}`, {
      hint: `Give one of ${Object.keys(describers).join(', ')}, or a build folder.`,
      where: file,
    });
  }
  return { file, bytes: bytes.length, sha256: sha256(bytes), ...describer(bytes, file) };
}

/** Metadata can be long; --json has all of it. */
const clipped = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}...` : text);

function render(result: Info): string {
  const list = (tensors: readonly TensorInfo[]) =>
    tensors.map(({ name, type }) => `${name}: ${type}`).join(', ');
  const head = facts([
    ['file', result.file],
    ['format', result.format],
    ['bytes', result.bytes],
    ['sha256', result.sha256],
    ['name', result.name],
    ['stage', result.stage],
    ['inputs', list(result.inputs)],
    ['outputs', list(result.outputs)],
    ['parameters', result.parameters],
    ['MACs', result.macs],
    ['cannot run', result.unsupported],
    ...Object.entries(result.metadata ?? {}).map(([key, text]) => [key, clipped(text)] as const),
  ]);
  const ops = Object.entries(result.ops);
  return ops.length === 0 ? head : `${head}\n\n${table(['op', 'count'], ops)}`;
}

export const infoCommand = command<Info>({
  verb: 'info',
  summary: 'What is in a model file',
  positionals: { file: { describe: '.tflite, .onnx, .safetensors or a build folder' } },
  options: {},
  examples: [['edge-nn info lenet5.tflite', 'Name, inputs, outputs, ops, parameters, MACs']],
  run: (flags) => info({ file: read.required(flags, 'file') }),
  render,
});
