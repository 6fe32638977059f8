/**
 * Reads the text form of graphs (see text.ts).
 */
import { type AnyArray, type DType, isDType } from '../core/dtype.js';
import { BadInputError } from '../core/errors.js';
import type { AttrValue } from './attributes.js';
import {
  type Graph,
  type LossName,
  lossNames,
  type Node,
  type Quantization,
  type StateEdge,
  type Value,
  type ValueId,
} from './graph.js';
import { type Stage, stages } from './op-spec.js';
import { isOpName, opSpec } from './ops.js';
import { textFormat } from './text.js';
import { verify } from './verify.js';

/** Finds the contents of a const or state by its SHA-256 (hex). */
export type DataLookup = (hash: string, id: ValueId, dtype: DType) => AnyArray | undefined;

interface Draft {
  readonly values: Map<ValueId, Value>;
  readonly nodes: Node[];
  readonly inputs: ValueId[];
  readonly states: StateEdge[];
  readonly data: Map<ValueId, AnyArray>;
  outputs: ValueId[];
}

type Fail = (message: string) => never;

const ids = (text: string): ValueId[] =>
  text.trim() === '' ? [] : text.split(',').map((id) => id.trim().slice(1));

const numbers = (text: string): number[] => (text.trim() === '' ? [] : text.split(',').map(Number));

function parseHead(line: string, fail: Fail) {
  const match = /^graph ("(?:[^"\\]|\\.)*"|\S+) stage=(\w+) format=(\d+)(.*)$/.exec(line);
  if (!match) fail('expected `graph NAME stage=... format=...`');
  const [, name, stage, format, rest] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
  ];
  if (!stages.includes(stage as Stage)) fail(`unknown stage ${stage}`);
  if (Number(format) !== textFormat) fail(`format ${format}, expected ${textFormat}`);
  const loss = / loss=(\w+)/.exec(rest)?.[1];
  if (loss && !lossNames.includes(loss as LossName)) fail(`unknown loss ${loss}`);
  const labels = / labels=(\[.*\])$/.exec(rest)?.[1];
  return {
    name: (name.startsWith('"') ? JSON.parse(name) : name) as string,
    stage: stage as Stage,
    ...(loss && { loss: loss as LossName }),
    ...(labels && { labels: JSON.parse(labels) as string[] }),
  };
}

function parseQuant(text: string, fail: Fail): Quantization {
  const match =
    /^(?:([a-z]\w*),)?(?:axis=(\d+),\[([^\]]*)\](?:,\[([^\]]*)\])?|([^,]+),([^,]+))$/.exec(text);
  if (!match) fail(`cannot read q(${text})`);
  const [, scheme = 'tflite', axis, scales, zeros, scale, zero] = match!;
  if (axis === undefined) {
    return {
      scheme,
      scale: Float32Array.of(Number(scale)),
      zeroPoint: Int32Array.of(Number(zero)),
    };
  }
  const list = numbers(scales!);
  const zeroPoint =
    zeros === undefined ? new Int32Array(list.length) : Int32Array.from(numbers(zeros));
  return { scheme, scale: Float32Array.from(list), zeroPoint, axis: Number(axis) };
}

function parseAttrValue(kind: string, text: string): AttrValue {
  if (text.startsWith('[')) return numbers(text.slice(1, -1));
  if (kind.startsWith('bool')) return text === 'true';
  return kind.startsWith('float') ? Math.fround(Number(text)) : Number(text);
}

function parseNode(output: ValueId, definition: string, fail: Fail): Node {
  const match = /^(\w+)\(([^)]*)\)(?: \{(.*)\})?$/.exec(definition);
  if (!match) fail(`cannot read ${definition}`);
  const [, op, operands, attrText = ''] = match as unknown as [string, string, string, string?];
  if (!isOpName(op)) fail(`unknown op ${op}`);
  const attrs: Record<string, AttrValue> = {};
  for (const [, name, text] of attrText.matchAll(/(\w+)=(\[[^\]]*\]|[^,\s]+)/g)) {
    const kind = opSpec(op as Node['op']).attrs[name!];
    if (!kind) fail(`${op} has no attribute ${name}`);
    attrs[name!] = parseAttrValue(kind!, text!);
  }
  return { op, inputs: ids(operands), output, attrs } as unknown as Node;
}

const valuePattern =
  /^([%@$])([\w.]+): (\w+)\[([\d,]*)\](?: q\(((?:[^()])*)\))? = (.*?)( trainable)?(?: update=[%@$]([\w.]+))?(?: channels=\[([\d,]*)\])?(?: name=(".*"))?$/;

function parseValue(draft: Draft, line: string, lookup: DataLookup, fail: Fail): void {
  const match = valuePattern.exec(line);
  if (!match) fail(`cannot read \`${line}\``);
  const [, , id, dtype, shape, quant, definition, trainable, update, channels, name] =
    match as unknown as string[];
  if (!isDType(dtype!)) fail(`unknown dtype ${dtype}`);
  const stored = /^(const|state) sha256:([0-9a-f]{64})$/.exec(definition!);
  const kind = (definition === 'input' ? 'input' : (stored?.[1] ?? 'temp')) as Value['kind'];
  draft.values.set(id!, {
    id: id!,
    name: name ? (JSON.parse(name) as string) : id!,
    shape: numbers(shape!),
    dtype: dtype as DType,
    kind,
    ...(quant && { quant: parseQuant(quant, fail) }),
    ...(channels && { channels: numbers(channels) }),
    ...(trainable && { trainable: true }),
  });
  if (kind === 'input') draft.inputs.push(id!);
  if (kind === 'temp') draft.nodes.push(parseNode(id!, definition!, fail));
  if (kind === 'state') draft.states.push({ value: id!, ...(update && { update }) });
  if (stored) {
    const data = lookup(stored[2]!, id!, dtype as DType);
    if (!data) fail(`no data for %${id} (sha256 ${stored[2]!.slice(0, 8)}...)`);
    draft.data.set(id!, data!);
  }
}

/**
 * Reads a graph from its text form.
 *
 * @param lookup finds the contents of consts and states
 * @throws BadInputError with the line number
 */
export function parse(text: string, lookup: DataLookup): Graph {
  const lines = text.split('\n');
  let number = 0;
  const fail: Fail = (message) => {
    throw new BadInputError(`graph text, line ${number}: ${message}`, {
      hint: 'The file was written by another version, or changed by hand; write it again.',
      where: `line ${number}`,
    });
  };
  const draft: Draft = {
    values: new Map(),
    nodes: [],
    inputs: [],
    states: [],
    data: new Map(),
    outputs: [],
  };
  number = 1;
  const head = parseHead(lines[0] ?? '', fail);
  for (const line of lines.slice(1)) {
    number++;
    if (line.startsWith('return ')) draft.outputs = ids(line.slice(7));
    else if (line !== '') parseValue(draft, line, lookup, fail);
  }
  return verify({ ...head, ...draft });
}
