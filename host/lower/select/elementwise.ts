/**
 * Kernels of add, mul and mean, which the cores share but for their names.
 */
import { elements, sameShape } from '../../core/shape.js';
import { type Graph, getValue, type Node, type Value } from '../../ir/graph.js';
import { addMultipliers, meanMultiplier, mulMultiplier } from '../../quant/interpret/params.js';
import { perTensor } from '../../quant/interpret/quant.js';
import type { Kernel, ReducedLevels } from '../lowered.js';
import { type Interval, levelsOf } from '../pack/levels.js';
import { levelWords } from '../pack/m0.js';
import { accumulatorRoom, isShort } from '../pack/pack.js';
import { planeOf, planeReach } from '../pack/plane.js';
import type { Choice } from './choice.js';

/** The kernels of add of a core. */
interface AddKernels {
  readonly suffix: 'dsp' | 'mve' | 'm0';
  /** The header for operands of one shape. */
  readonly header: string;
  /** What the sums of its planes stay below. */
  readonly room: number;
}

/** add as a plane, where one is exact: of one shape, or row by row. */
export const planeAdd =
  ({ suffix, header, room }: AddKernels): Choice<'add'> =>
  ({ graph, node }): Kernel | undefined => {
    const [a, b, y] = [...node.inputs, node.output].map((id) => getValue(graph, id));
    const zeros = [perTensor(a!).zero, perTensor(b!).zero, perTensor(y!).zero] as const;
    const plane = planeOf({ ...addMultipliers(graph, node as Node), zeros });
    if (!plane || planeReach(plane) >= room) return undefined;
    const common = { order: 'elements', plane } as const;
    if (sameShape(a!.shape, b!.shape)) {
      return { ...common, name: `enn_add_s8_${plane.low ? 'fine' : 'plane'}__${suffix}`, header };
    }
    const name = `enn_add_s8_${plane.low ? 'finerows' : 'rows'}__${suffix}`;
    return { ...common, name, header: `enn_s8_add_rows_${suffix}.h`, form: 'rows' };
  };

/** mul with the short requantization. */
export const shortMul =
  (suffix: 'dsp' | 'mve'): Choice<'mul'> =>
  ({ graph, node }) =>
    isShort(mulMultiplier(graph, node as Node))
      ? { name: `enn_mul_s8__${suffix}`, header: `enn_s8_mul_${suffix}.h`, order: 'elements' }
      : undefined;

const operandsOf = (graph: Graph, node: Node): [x: Value, y: Value, count: number] => {
  const [x, y] = [getValue(graph, node.inputs[0]!), getValue(graph, node.output)];
  return [x, y, elements(x.shape) / elements(y.shape)];
};

/** mean with the short requantization. */
export const shortMean =
  (suffix: 'dsp' | 'mve'): Choice<'mean'> =>
  ({ graph, node, bounds }) => {
    if (bounds === undefined || Math.max(...bounds) >= accumulatorRoom) return undefined;
    return isShort(meanMultiplier(...operandsOf(graph, node as Node)))
      ? { name: `enn_mean_s8__${suffix}`, header: `enn_s8_mean_${suffix}.h`, order: 'any' }
      : undefined;
  };

/** What an element can be, less its zero point. */
function spanOf(value: Value): Interval {
  const { zero } = perTensor(value);
  return { least: -128 - zero, most: 127 - zero };
}

type Factor = Parameters<typeof levelsOf>[0][number];

function reducedLevels(factor: Factor, y: Value, reach: Interval): ReducedLevels | undefined {
  const levels = levelsOf([factor], perTensor(y).zero, [reach]);
  return levels && { words: levelWords(levels), origin: levels.lines[0]!.origin };
}

/** mul by a line of levels. */
export const levelMul: Choice<'mul'> = ({ graph, node, bounds }) => {
  if (bounds === undefined) return undefined;
  const [a, b, y] = [...node.inputs, node.output].map((id) => getValue(graph, id));
  const [one, other] = [spanOf(a!), spanOf(b!)];
  const ends = [one.least, one.most].flatMap((n) => [n * other.least, n * other.most]);
  const reach = { least: Math.min(...ends), most: Math.max(...ends) };
  const levels = reducedLevels(mulMultiplier(graph, node as Node), y!, reach);
  return levels && { name: 'enn_mul_s8__m0', header: 'enn_s8_mul_m0.h', order: 'elements', levels };
};

/** mean by a line of levels. */
export const levelMean: Choice<'mean'> = ({ graph, node, bounds }) => {
  if (bounds === undefined) return undefined;
  const [x, y, count] = operandsOf(graph, node as Node);
  const { least, most } = spanOf(x);
  const reach = { least: least * count, most: most * count };
  const levels = reducedLevels(meanMultiplier(x, y, count), y, reach);
  return levels && { name: 'enn_mean_s8__m0', header: 'enn_s8_mean_m0.h', order: 'any', levels };
};
