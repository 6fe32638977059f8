/**
 * Arithmetic of shapes in a .tflite. Where the batch is not fixed, converters compute the operand of
 * a RESHAPE: SHAPE gives the shape of a value, STRIDED_SLICE its batch, PACK puts that before the
 * other dimensions. The batch is 1 here, so all of it is known while the file is read.
 */
import { formatShape } from '../../core/shape.js';
import type { TfliteType } from '../../format/tflite/ops.js';
import {
  constantInts,
  describe,
  type ImportContext,
  type ImportOperator,
  inputTensor,
  unsupported,
  valueOptions,
} from './context.js';
import { optionsOf } from './options.js';

/** The types of numbers that dimensions have. */
const dimensions: readonly TfliteType[] = ['INT32', 'INT64'];

/** Numbers that an operator takes; it has no form for values. */
function numbersOf(ctx: ImportContext, operator: ImportOperator, i: number): number[] {
  const { name, type } = inputTensor(ctx, operator, i);
  if (dimensions.includes(type)) return constantInts(ctx, operator, i);
  throw unsupported(
    ctx,
    `${describe(ctx, operator)} takes '${name}' of type ${type}; of values it is not supported, only of shapes`,
    'Replace this layer.',
  );
}

/** SHAPE: the dimensions of a value. */
export function shape(ctx: ImportContext, operator: ImportOperator): void {
  const tensor = inputTensor(ctx, operator, 0);
  valueOptions(ctx, tensor); // a shape that is not fixed, but for the batch, is refused
  ctx.numbers.set(operator.outputs[0]!, tensor.shape);
}

/** STRIDED_SLICE of a list, or one number of it. */
export function stridedSlice(ctx: ImportContext, operator: ImportOperator): void {
  const options = optionsOf(ctx, operator, 'StridedSliceOptions');
  const list = numbersOf(ctx, operator, 0);
  const [first = 0, end = 0, step = 0] = [1, 2, 3].map((i) => numbersOf(ctx, operator, i)[0]);
  const { beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask, offset } = options;
  const axes = inputTensor(ctx, operator, 0).shape;
  if (ellipsisMask || newAxisMask || offset || step === 0 || axes.length !== 1) {
    throw unsupported(
      ctx,
      `${describe(ctx, operator)} has no simple slice of ${formatShape(axes)}`,
      'Convert the model with fixed shapes.',
    );
  }
  const count = list.length;
  const [low, high] = step > 0 ? [0, count] : [-1, count - 1];
  const inside = (at: number) => Math.min(Math.max(at < 0 ? at + count : at, low), high);
  const from = beginMask ? (step > 0 ? low : high) : inside(first);
  if (shrinkAxisMask) {
    ctx.numbers.set(operator.outputs[0]!, list.slice(from, from + 1));
    return;
  }
  const to = endMask ? (step > 0 ? high : low) : inside(end);
  const length = Math.max(0, Math.ceil((to - from) / step));
  const picked = Array.from({ length }, (_, i) => list[from + i * step]!);
  ctx.numbers.set(operator.outputs[0]!, picked);
}

/** PACK: numbers become a list. */
export function pack(ctx: ImportContext, operator: ImportOperator): void {
  const numbers = operator.inputs.flatMap((_, i) => numbersOf(ctx, operator, i));
  ctx.numbers.set(operator.outputs[0]!, numbers);
}
