/**
 * The text form of graphs: one value a line, topological, attributes in op-table order, floats as
 * the shortest decimal that reads back, constants by hash. `parse(print(g), data)` equals `g`.
 *
 *     graph lenet5 stage=int8 format=1 loss=softmaxCrossEntropy labels=["0","1"]
 *     %image: s8[1,28,28,1] q(0.003921569,-128) = input
 *     @c1.w: s8[6,5,5,1] q(axis=0,[0.0031,...]) = const sha256:9c1e02ab...
 *     %c1: s8[1,28,28,6] q(0.0213,-128) = conv2d(%image, @c1.w) {stride=[1,1], ...}
 *     return %c1
 *
 * `@` marks consts, `$` states, `%` the rest. A state ends in ` update=%id`.
 */
import { bytesOf } from '../core/dtype.js';
import { formatFloat32 } from '../core/float32.js';
import { sha256 } from '../core/hash.js';
import { formatShape } from '../core/shape.js';
import type { AttrValue } from './attributes.js';
import {
  type Graph,
  getData,
  getValue,
  type Node,
  type Quantization,
  type Value,
} from './graph.js';
import { opSpec } from './ops.js';

export const textFormat = 1;

const sigils = { input: '%', temp: '%', const: '@', state: '$' } as const;

/** A value's id with its sigil. */
const printId = (value: Value): string => sigils[value.kind] + value.id;

function printQuant(quant: Quantization): string {
  const scales = [...quant.scale].map(formatFloat32);
  const zeros = quant.zeroPoint.every((z) => z === 0) ? '' : `,[${quant.zeroPoint.join(',')}]`;
  const scheme = quant.scheme === 'tflite' ? '' : `${quant.scheme},`;
  if (quant.axis === undefined) return ` q(${scheme}${scales[0]},${quant.zeroPoint[0]})`;
  return ` q(${scheme}axis=${quant.axis},[${scales.join(',')}]${zeros})`;
}

function printAttr(kind: string, value: AttrValue): string {
  if (Array.isArray(value)) return `[${value.join(',')}]`;
  return kind.startsWith('float') ? formatFloat32(value as number) : String(value);
}

function printAttrs(node: Node): string {
  const attrs = node.attrs as Readonly<Record<string, AttrValue | undefined>>;
  const parts = Object.entries(opSpec(node.op).attrs)
    .filter(([name]) => attrs[name] !== undefined)
    .map(([name, kind]) => `${name}=${printAttr(kind, attrs[name]!)}`);
  return parts.length === 0 ? '' : ` {${parts.join(', ')}}`;
}

function printValue(graph: Graph, value: Value, definition: string): string {
  const quant = value.quant ? printQuant(value.quant) : '';
  const name = value.name === value.id ? '' : ` name=${JSON.stringify(value.name)}`;
  const trainable = value.trainable ? ' trainable' : '';
  const edge = graph.states.find((state) => state.value === value.id);
  const update =
    edge?.update === undefined ? '' : ` update=${printId(getValue(graph, edge.update))}`;
  const channels = value.channels ? ` channels=[${value.channels.join(',')}]` : '';
  return `${printId(value)}: ${value.dtype}${formatShape(value.shape)}${quant} = ${definition}${trainable}${update}${channels}${name}`;
}

/** The hash by which the text form names contents. */
export const dataHash = (graph: Graph, id: string): string => sha256(bytesOf(getData(graph, id)));

/** The text form of a graph. Equal graphs give equal text. */
export function print(graph: Graph): string {
  const head = [
    `graph ${graph.name.includes(' ') ? JSON.stringify(graph.name) : graph.name}`,
    `stage=${graph.stage}`,
    `format=${textFormat}`,
    ...(graph.loss ? [`loss=${graph.loss}`] : []),
    ...(graph.labels ? [`labels=${JSON.stringify(graph.labels)}`] : []),
  ];
  const lines = [head.join(' ')];
  for (const id of graph.inputs) lines.push(printValue(graph, getValue(graph, id), 'input'));
  for (const value of graph.values.values()) {
    if (value.kind !== 'const' && value.kind !== 'state') continue;
    lines.push(printValue(graph, value, `${value.kind} sha256:${dataHash(graph, value.id)}`));
  }
  for (const node of graph.nodes) {
    const operands = node.inputs.map((id) => printId(getValue(graph, id))).join(', ');
    const definition = `${node.op}(${operands})${printAttrs(node)}`;
    lines.push(printValue(graph, getValue(graph, node.output), definition));
  }
  lines.push(`return ${graph.outputs.map((id) => printId(getValue(graph, id))).join(', ')}`);
  return `${lines.join('\n')}\n`;
}
