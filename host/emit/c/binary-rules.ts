/**
 * Calls of add and mul.
 */
import { elements } from '../../core/shape.js';
import type { Graph, NodeOf } from '../../ir/graph.js';
import type { Kernel, ReducedLevels } from '../../lower/lowered.js';
import type { StepNode } from '../../lower/lowered-ops.js';
import { isHalf } from '../../lower/pack/pack.js';
import type { Plane } from '../../lower/pack/plane.js';
import { addMultipliers, clampOf, mulMultiplier } from '../../quant/interpret/params.js';
import { perTensor } from '../../quant/interpret/quant.js';
import { broadcastFields } from './axes.js';
import { type Argument, type Call, constant, read, write } from './call.js';
import { clamping, type EmitRule, inputOf, outputOf, scaling } from './rule.js';

/** What add and mul share: how broadcast operands are read, zero points, clamp. */
function binaryFields(graph: Graph, node: NodeOf<'add'> | NodeOf<'mul'>) {
  const [a, b, y] = [inputOf(graph, node), inputOf(graph, node, 1), outputOf(graph, node)];
  return {
    ...broadcastFields(a, b, y),
    ...{ a_zero: perTensor(a).zero, b_zero: perTensor(b).zero, out_zero: perTensor(y).zero },
    ...clamping(clampOf(graph, node)),
  };
}

const binaryArgs = ({ inputs, output }: StepNode): readonly Argument[] => [
  read('a', inputs[0]!),
  read('b', inputs[1]!),
  write(output),
];

/** Operands of one shape; first the one that is only halved (kernels/c/enn_s8_add_dsp.h). */
const addSame: EmitRule<'add'> = (graph, node, kernel) => {
  const { a, b, out } = addMultipliers(graph, node);
  const order = isHalf(a) ? [0, 1] : [1, 0];
  const scaled = isHalf(a) ? b : a;
  const [first, second] = order.map((i) => inputOf(graph, node, i));
  const y = outputOf(graph, node);
  const fields = {
    count: elements(y.shape),
    ...{ a_zero: perTensor(first!).zero, b_zero: perTensor(second!).zero },
    out_zero: perTensor(y).zero,
    ...scaling(isHalf(scaled) ? { multiplier: 0, shift: -1 } : scaled, 'b_'),
    ...scaling(out, 'out_'),
    ...clamping(clampOf(graph, node)),
  };
  const args = [read('a', first!.id), read('b', second!.id), write(y.id)];
  return [{ kernel: kernel.name, type: 'enn_add_same_s8', fields, args }];
};

/** Operands whose sum is a plane (kernels/c/enn_s8_add_m0.h), of one shape or row by row. */
function addPlane(graph: Graph, node: NodeOf<'add'>, kernel: Kernel, plane: Plane): Call[] {
  const { aFactor: a_mult, bFactor: b_mult, offset } = plane;
  const [a, b, y] = [inputOf(graph, node), inputOf(graph, node, 1), outputOf(graph, node)];
  const byRows = kernel.form === 'rows';
  const shape = byRows ? broadcastFields(a, b, y) : { count: elements(y.shape) };
  const { low } = plane;
  const below = low && { a_low: low.a, b_low: low.b, offset_low: low.offset };
  const fields = { ...shape, a_mult, b_mult, offset, ...below, ...clamping(clampOf(graph, node)) };
  const form = low ? (byRows ? 'finerows' : 'fine') : byRows ? 'rows' : 'plane';
  return [{ kernel: kernel.name, type: `enn_add_${form}_s8`, fields, args: binaryArgs(node) }];
}

export const add: EmitRule<'add'> = (graph, node, kernel) => {
  if (kernel.plane) return addPlane(graph, node, kernel, kernel.plane);
  if (kernel.form === 'same') return addSame(graph, node, kernel);
  const { a, b, out } = addMultipliers(graph, node);
  const fields = {
    ...binaryFields(graph, node),
    ...scaling(a, 'a_'),
    ...scaling(b, 'b_'),
    ...scaling(out, 'out_'),
  };
  return [{ kernel: kernel.name, type: 'enn_add_s8', fields, args: binaryArgs(node) }];
};

/** A product that has a line of levels (kernels/c/enn_s8_mul_m0.h). */
function mulLine(graph: Graph, node: NodeOf<'mul'>, kernel: string, levels: ReducedLevels): Call[] {
  const { out_zero: _, ...common } = binaryFields(graph, node);
  const [a, b, y] = binaryArgs(node) as [Argument, Argument, Argument];
  const args = [a, b, constant('levels', `${node.output}.levels`, levels.words), y];
  const fields = { ...common, origin: levels.origin };
  return [{ kernel, type: 'enn_mul_line_s8', fields, args }];
}

export const mul: EmitRule<'mul'> = (graph, node, kernel) => {
  if (kernel.levels) return mulLine(graph, node, kernel.name, kernel.levels);
  const fields = { ...binaryFields(graph, node), ...scaling(mulMultiplier(graph, node)) };
  return [{ kernel: kernel.name, type: 'enn_mul_s8', fields, args: binaryArgs(node) }];
};
