/**
 * Random one-node graphs of int16 activations and of 4-bit weights: those of fuzz-cases.ts, stored in
 * other types.
 */
import { buildGraph } from '../../host/ir/build-graph.js';
import {
  type Graph,
  getData,
  getValue,
  type Node,
  type Value,
  type ValueId,
} from '../../host/ir/graph.js';
import { type FuzzCase, fuzzCase } from './fuzz-cases.js';
import { type Choice, choices } from './fuzz-random.js';

export const typedKinds = ['s16', 's8w4', 's8s16', 's16s8'] as const;
export type TypedKind = (typeof typedKinds)[number];

/** Choices of a typed case that its plain case did not make. */
const ownChoices = (seed: number, index: number): Choice => choices(seed, index + 2 ** 20);

/** int16: anything, the ends, numbers near each other, or all the same. */
function elementsS16(c: Choice, count: number): Int16Array {
  const kind = c.int(0, 7);
  const any = () => c.int(-32768, 32767);
  const one = any();
  if (kind === 0) return Int16Array.from({ length: count }, () => c.pick([-32768, 32767]));
  if (kind === 1) return Int16Array.from({ length: count }, () => c.int(-3, 3));
  if (kind === 2) return new Int16Array(count).fill(one);
  return Int16Array.from({ length: count }, any);
}

/** A factor of a wide requantization is below this. */
const mostFactor = 2 ** 13;

/** The output's scale: large enough for the layer's factors. */
function outputScale(graph: Graph, node: Node): number {
  const y = getValue(graph, node.output);
  const scale = y.quant!.scale[0]!;
  if (node.op === 'softmax') return 1 / 32768;
  const [x, w] = node.inputs.map((id) => getValue(graph, id));
  if (w?.kind !== 'const') return scale;
  const product = x!.quant!.scale[0]! * Math.max(...w.quant!.scale);
  return Math.fround(Math.max(scale, product / mostFactor));
}

const symmetric = (scale: number) => ({
  scheme: 'tflite',
  scale: Float32Array.of(scale),
  zeroPoint: Int32Array.of(0),
});

/** Bounds of int8 in int16. */
function widened(node: Node): object {
  const { clamp } = node.attrs as { clamp?: readonly [number, number] };
  return clamp ? { ...node.attrs, clamp: [clamp[0] * 256, clamp[1] * 256 + 255] } : node.attrs;
}

/** Biases of 64 bits: 256 times as large, as products are, or less where that leaves int32. */
const widenedBias = (data: Int32Array): BigInt64Array =>
  BigInt64Array.from(data, (x) => BigInt(Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, x * 256))));

/** A case with int16 activations. */
function toS16({ seed, index, graph, inPlace }: FuzzCase): FuzzCase {
  const c = ownChoices(seed, index);
  const [node] = graph.nodes as [Node];
  const g = buildGraph({ name: graph.name, stage: 'int8' });
  const inputs: Int16Array[] = [];
  const logits = node.op === 'softmax' ? 1 / 256 : 1;
  const add = ({ id, kind, shape, dtype, quant }: Value): ValueId => {
    if (kind === 'input') {
      inputs.push(
        elementsS16(
          c,
          shape.reduce((n, d) => n * d, 1),
        ),
      );
      const scale = Math.fround(quant!.scale[0]! * logits);
      return g.input({ shape, dtype: 's16' }, { id, quant: symmetric(scale) });
    }
    const data = getData(graph, id);
    if (dtype !== 's32') return g.constant({ shape, dtype }, data, { id, ...(quant && { quant }) });
    return g.constant({ shape, dtype: 's64' }, widenedBias(data as Int32Array), { id });
  };
  const ids = new Map(node.inputs.map((id) => [id, add(getValue(graph, id))]));
  // A pool or a pad keeps its input's scale.
  const shared = ['maxPool2d', 'avgPool2d', 'pad', 'reshape'].includes(node.op);
  const scale = shared
    ? getValue(graph, node.inputs[0]!).quant!.scale[0]!
    : outputScale(graph, node);
  const operands = node.inputs.map((id) => ids.get(id)!);
  const y = g.add(node.op, operands, widened(node) as never, { quant: symmetric(scale) });
  return { seed, index, graph: g.finish([y]), inputs, inPlace };
}

/** A case with weights of 4 bits; undefined for an op without weights. */
function toS8w4(plain: FuzzCase): FuzzCase | undefined {
  const { graph } = plain;
  const [node] = graph.nodes as [Node];
  const w = node.inputs[1];
  if (w === undefined || getValue(graph, w).kind !== 'const') return undefined;
  const data = Int8Array.from(getData(graph, w) as Int8Array, (x) => x >> 4);
  return {
    ...plain,
    graph: {
      ...graph,
      values: new Map([...graph.values, [w, { ...getValue(graph, w), dtype: 's4' }]]),
      data: new Map([...graph.data, [w, data]]),
    },
  };
}

/** A change from 8 to 16 bits, or back. */
function toChange(from: 's8' | 's16', { seed, index }: FuzzCase): FuzzCase {
  const c = ownChoices(seed, index);
  const count = c.int(1, 300);
  const to = from === 's8' ? 's16' : 's8';
  const scale = c.scale(-12, 0);
  const factor = c.chance(0.8)
    ? from === 's8'
      ? c.scale(0, 9)
      : c.scale(-10, 0)
    : c.scale(-30, 14);
  const zero = { ...symmetric(1), zeroPoint: Int32Array.of(c.int(-128, 127)) };
  const quant = (dtype: 's8' | 's16', s: number) =>
    dtype === 's16' ? symmetric(s) : { ...zero, scale: Float32Array.of(s) };
  const g = buildGraph({ name: 'change', stage: 'int8' });
  const shape = [1, count];
  const x = g.input({ shape, dtype: from }, { quant: quant(from, scale) });
  const options = { quant: quant(to, Math.fround(scale / factor)) };
  const y = g.add('requantize', [x], { bits: to === 's16' ? 16 : 8 }, options);
  const data = from === 's8' ? c.bytes(count) : elementsS16(c, count);
  return { seed, index, graph: g.finish([y]), inputs: [data], inPlace: false };
}

/** The case of a seed and an index in other types; undefined where its op has no such form. */
export function typedCase(kind: TypedKind, seed: number, index: number): FuzzCase | undefined {
  if (kind === 's8s16' || kind === 's16s8') {
    return toChange(kind === 's8s16' ? 's8' : 's16', { seed, index } as FuzzCase);
  }
  const plain = fuzzCase(seed, index);
  // Lowering makes borders of int8 layers only.
  if ('border' in plain.graph.nodes[0]!.attrs) return undefined;
  return kind === 's16' ? toS16(plain) : toS8w4(plain);
}
