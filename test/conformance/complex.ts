/** Complex operands and results of worked examples. */
import { complex } from '../../host/front/arrays.js';
import type { Tensor as Value } from '../../host/front/tensor.js';
import {
  compare,
  type Example,
  type Json,
  partNames,
  pick,
  plainName,
  type Tensor,
  toTensor,
} from './example.js';
import { outputOf } from './networks.js';

/** A part of the result as its parts are called: re, yRe, y_real. */
const partOfResult = (expect: Json, part: keyof typeof partNames): unknown =>
  Object.entries(expect).find(([key]) => {
    const name = plainName(key);
    return partNames[part].some((end) => name === end || name === `y${end}`);
  })?.[1];

/** Whether the operand of a transform is complex already: by what the case expects of it. */
function isComplex(x: Tensor, expect: Json, axes: number): boolean {
  const parts = partOfResult(expect, 're') ?? pick(expect, 'abs', 'magnitude', 'amplitude');
  const whole = toTensor(pick(expect, 'y', 'output') ?? parts ?? outputOf(expect));
  if (x.shape.length <= axes) return false;
  const isPart = pick(expect, 'y', 'output') === undefined;
  const rank = whole.shape.length + (isPart ? 1 : 0);
  if (x.shape.at(-1) !== 2 || rank > x.shape.length) return false;
  return rank === x.shape.length || whole.shape.length === x.shape.length - 1;
}

/** The operands of a transform as one complex value. */
export function complexOperand(
  values: readonly Value[],
  operands: readonly [string, Tensor][],
  expect: Json,
  axes: number,
) {
  if (values.length === 2) return [complex(values[0]!, values[1]!)];
  return isComplex(operands[0]![1], expect, axes) ? [values[0]!] : [complex(values[0]!)];
}

/** Every second number of a complex result. */
const partOf = ({ shape, data }: Tensor, part: number): Tensor => ({
  shape: shape.slice(0, -1),
  data: data.filter((_, i) => i % 2 === part),
});

const sizesOf = (found: Tensor): Tensor => {
  const [re, im] = [partOf(found, 0), partOf(found, 1)];
  return { ...re, data: re.data.map((v, i) => Math.hypot(v, im.data[i]!)) };
};

export function compareComplex(found: Tensor, example: Example): void {
  const expect = example.expect as Json;
  const [re, im] = [partOfResult(expect, 're'), partOfResult(expect, 'im')];
  if (re) compare(partOf(found, 0), toTensor(re), example, 're');
  if (im) compare(partOf(found, 1), toTensor(im), example, 'im');
  const size = pick(expect, 'abs', 'magnitude', 'amplitude');
  if (size) compare(sizesOf(found), toTensor(size), example, 'abs');
  if (re || im || size) return;
  const want = outputOf(expect);
  compare(want.shape.length < found.shape.length ? partOf(found, 0) : found, want, example, 'y');
}
