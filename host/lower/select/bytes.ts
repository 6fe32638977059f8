/**
 * Kernels of ops that take one int8 at a time (lower/pack/byte-map.ts), for every core that has its own:
 * requantize, relu, relu6 and the parts of a concat.
 */
import { elements } from '../../core/shape.js';
import { getValue, type Value } from '../../ir/graph.js';
import { clampOf } from '../../quant/interpret/params.js';
import type { ByteKernel, Kernel, ReadingOrder } from '../lowered.js';
import { byteLine, byteTable, keepsBytes } from '../pack/byte-map.js';
import type { Case, Choices } from './choice.js';

type UnaryOp = 'relu' | 'relu6' | 'requantize';
type Clamp = readonly [least: number, most: number];

/** Elements from which on a table of 256 bytes is worth its place. */
const leastElements = 64;

/** How a core takes bytes. */
interface Core {
  readonly header: string;
  readonly suffix: 'dsp' | 'mve' | 'm0';
  /** It multiplies and adds in one instruction: a line then costs no more than a table. */
  readonly lines: boolean;
}

/** The kernel of one operand; undefined where there are too few elements for it. */
function byteKernel(core: Core, x: Value, y: Value, clamp: Clamp): ByteKernel | undefined {
  const { suffix } = core;
  if (elements(x.shape) < leastElements) return undefined;
  const table = byteTable(x, y, clamp);
  if (keepsBytes(table)) return { name: `enn_concat_s8_copy__${suffix}`, kind: 'copy' };
  const line = core.lines ? byteLine(x, y, clamp) : undefined;
  if (line) return { name: `enn_requantize_s8_line__${suffix}`, kind: 'line', line, clamp };
  return { name: `enn_requantize_s8_table__${suffix}`, kind: 'table', table };
}

const kernelOf = (
  { header }: Core,
  order: ReadingOrder,
  bytes: readonly (ByteKernel | undefined)[],
): Kernel | undefined => {
  const all = bytes.filter((each) => each !== undefined);
  if (all.length < bytes.length) return undefined;
  return { name: all[0]!.name, header, order, bytes: all };
};

const unary =
  (core: Core) =>
  ({ graph, node }: Case<UnaryOp>): Kernel | undefined => {
    const [x, y] = [node.inputs[0]!, node.output].map((id) => getValue(graph, id));
    return kernelOf(core, 'elements', [byteKernel(core, x!, y!, clampOf(graph, node))]);
  };

const concat =
  (core: Core) =>
  ({ graph, node }: Case<'concat'>): Kernel | undefined => {
    const y = getValue(graph, node.output);
    const clamp = clampOf(graph, node);
    const parts = node.inputs.map((id) => byteKernel(core, getValue(graph, id), y, clamp));
    return kernelOf(core, 'any', parts);
  };

/** The kernels of a core for ops that take one int8 at a time. */
export const byteKernels = (core: Core) =>
  ({
    relu: unary(core),
    relu6: unary(core),
    requantize: unary(core),
    concat: concat(core),
  }) satisfies Choices;
