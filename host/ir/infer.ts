/**
 * Shape rules that several ops share.
 */
import {
  broadcastShapes,
  formatShape,
  normalizeAxis,
  type Padding2d,
  type Pair,
  type Shape,
  sameShape,
  windowLength,
} from '../core/shape.js';
import { type Border, requireBorderBias } from './border.js';
import { demand, requireRank, type TensorType } from './op-spec.js';

export interface WindowAttrs {
  readonly stride: Pair;
  readonly pad: Padding2d;
  readonly dilation?: Pair;
}

/** [height, width] of a window op's output over x of shape [N, H, W, C]. */
function windowOutput(x: TensorType, kernel: Pair, attrs: WindowAttrs): Pair {
  const [, height, width] = x.shape as [number, number, number, number];
  const { stride, pad, dilation = [1, 1] } = attrs;
  demand(
    Math.min(...stride, ...dilation, ...kernel) >= 1,
    `kernel ${formatShape(kernel)}, stride ${formatShape(stride)}, dilation ${formatShape(dilation)}: all must be at least 1`,
    'Give positive sizes.',
  );
  demand(
    Math.min(...pad) >= 0,
    `padding ${formatShape(pad)} is negative`,
    'Give paddings of 0 or more.',
  );
  const h = windowLength(height, kernel[0], stride[0], pad[0] + pad[1], dilation[0]);
  const w = windowLength(width, kernel[1], stride[1], pad[2] + pad[3], dilation[1]);
  demand(
    h >= 1 && w >= 1,
    `a ${kernel.join('x')} window does not fit into ${height}x${width} with padding ${formatShape(pad)}`,
    "Use a smaller window, padding 'same', or a larger input.",
  );
  return [h, w];
}

/** The bias must be [channels], or absent. */
export function requireBias(bias: TensorType | undefined, channels: number): void {
  if (!bias) return;
  demand(
    sameShape(bias.shape, [channels]),
    `bias has shape ${formatShape(bias.shape)}, expected [${channels}]`,
    'Give one bias per output channel.',
  );
}

export function inferConv2d(
  [x, w, b]: readonly TensorType[],
  attrs: WindowAttrs & { readonly border?: Border },
): TensorType {
  requireRank('x', x!, 4);
  requireRank('w', w!, 4);
  const [outC, kh, kw, inC] = w!.shape as [number, number, number, number];
  demand(
    inC === x!.shape[3],
    `weights expect ${inC} input channels, x has ${x!.shape[3]}`,
    'Weights are [out, kernel height, kernel width, in].',
  );
  const [h, ww] = windowOutput(x!, [kh, kw], attrs);
  if (attrs.border) requireBorderBias(b, outC, attrs.border, [h, ww]);
  else requireBias(b, outC);
  return { shape: [x!.shape[0]!, h, ww, outC], dtype: x!.dtype };
}

export function inferDepthwise([x, w, b]: readonly TensorType[], attrs: WindowAttrs): TensorType {
  requireRank('x', x!, 4);
  requireRank('w', w!, 4);
  const [one, kh, kw, outC] = w!.shape as [number, number, number, number];
  const inC = x!.shape[3]!;
  demand(
    one === 1 && outC % inC === 0,
    `depthwise weights ${formatShape(w!.shape)} do not fit ${inC} channels`,
    'Weights are [1, kernel height, kernel width, channels * multiplier].',
  );
  requireBias(b, outC);
  const [h, ww] = windowOutput(x!, [kh, kw], attrs);
  return { shape: [x!.shape[0]!, h, ww, outC], dtype: x!.dtype };
}

export function inferPool2d(
  [x]: readonly TensorType[],
  attrs: WindowAttrs & { readonly size: Pair },
): TensorType {
  requireRank('x', x!, 4);
  const { size, pad } = attrs;
  demand(
    pad[0] < size[0] && pad[1] < size[0] && pad[2] < size[1] && pad[3] < size[1],
    `padding ${formatShape(pad)} reaches the pool size ${formatShape(size)}: a window would see no input`,
    'Use a padding smaller than the window.',
  );
  const [h, w] = windowOutput(x!, size, attrs);
  return { shape: [x!.shape[0]!, h, w, x!.shape[3]!], dtype: x!.dtype };
}

/** Element by element, with NumPy broadcasting. */
export function inferBroadcast([a, b]: readonly TensorType[]): TensorType {
  const shape = broadcastShapes(a!.shape, b!.shape);
  demand(
    shape !== undefined,
    `shapes ${formatShape(a!.shape)} and ${formatShape(b!.shape)} do not broadcast`,
    'Dimensions must be equal or 1.',
  );
  demand(
    a!.dtype === b!.dtype,
    `dtypes ${a!.dtype} and ${b!.dtype} differ`,
    'Convert one operand first.',
  );
  return { shape, dtype: a!.dtype };
}

/** All inputs have one shape and dtype, and so has the output. */
export function inferSame(inputs: readonly TensorType[]): TensorType {
  const first = inputs[0]!;
  for (const other of inputs) {
    demand(
      sameShape(first.shape, other.shape),
      `shapes ${formatShape(first.shape)} and ${formatShape(other.shape)} differ`,
      'This op works element by element, without broadcasting.',
    );
  }
  return { shape: first.shape, dtype: first.dtype };
}

/** The output is like the first input, whatever the others are. */
export const inferFirst = (inputs: readonly TensorType[]): TensorType => ({
  shape: inputs[0]!.shape,
  dtype: inputs[0]!.dtype,
});

/** Axes from the front; raises BadInputError when one lies outside the rank. */
export function requireAxes(axes: readonly number[], rank: number): number[] {
  const counted = axes.map((axis) => normalizeAxis(axis, rank));
  demand(
    counted.every((axis) => axis >= 0 && axis < rank),
    `axes ${formatShape(axes)} lie outside rank ${rank}`,
    'Axes count from 0; negative ones from the back.',
  );
  return counted;
}

/** One axis goes. */
export function inferOverAxis(
  [x]: readonly TensorType[],
  { axis }: { readonly axis: number },
): TensorType {
  const [gone] = requireAxes([axis], x!.shape.length);
  return inferTo(
    x!.shape.filter((_, i) => i !== gone),
    x!,
  );
}

/** [..., m, k] and [..., k, n], each with its last two axes turned if transposed: [..., m, n]. */
export function inferMatmul(
  [a, b]: readonly TensorType[],
  attrs: { readonly transposeA: boolean; readonly transposeB: boolean },
): TensorType {
  const outer = (type: TensorType) => type.shape.slice(0, -2);
  demand(
    a!.shape.length >= 2 && sameShape(outer(a!), outer(b!)) && b!.shape.length >= 2,
    `${formatShape(a!.shape)} and ${formatShape(b!.shape)} are no matrices of one batch`,
    'All axes but the last two must be equal.',
  );
  const matrix = ({ shape }: TensorType, turned: boolean) =>
    turned ? [shape.at(-1)!, shape.at(-2)!] : [shape.at(-2)!, shape.at(-1)!];
  const [m, k] = matrix(a!, attrs.transposeA);
  const [k2, n] = matrix(b!, attrs.transposeB);
  demand(k === k2, `inner dimensions ${k} and ${k2} differ`, 'Transpose one operand.');
  return { shape: [...outer(a!), m!, n!], dtype: a!.dtype };
}

export function inferReduce(
  [x]: readonly TensorType[],
  attrs: { readonly axes: readonly number[]; readonly keepDims: boolean },
): TensorType {
  const axes = requireAxes(attrs.axes, x!.shape.length);
  const shape = x!.shape.map((d, i) => (axes.includes(i) ? 1 : d));
  return {
    shape: attrs.keepDims ? shape : shape.filter((_, i) => !axes.includes(i)),
    dtype: x!.dtype,
  };
}

export function inferConcat(
  inputs: readonly TensorType[],
  attrs: { readonly axis: number },
): TensorType {
  const [first] = inputs;
  demand(first !== undefined, 'there is nothing to join', 'Give at least one operand.');
  const axis = normalizeAxis(attrs.axis, first.shape.length);
  demand(
    axis >= 0 && axis < first.shape.length,
    `axis ${attrs.axis} lies outside rank ${first.shape.length}`,
    'Axes count from 0; negative ones from the back.',
  );
  const others = (shape: Shape) => shape.filter((_, i) => i !== axis);
  let length = 0;
  for (const { shape, dtype } of inputs) {
    demand(
      shape.length === first.shape.length && sameShape(others(shape), others(first.shape)),
      `shapes ${formatShape(first.shape)} and ${formatShape(shape)} differ off axis ${axis}`,
      'Only the concatenated axis may differ.',
    );
    demand(
      dtype === first.dtype,
      `dtypes ${first.dtype} and ${dtype} differ`,
      'Convert one operand first.',
    );
    length += shape[axis]!;
  }
  return { shape: first.shape.map((d, i) => (i === axis ? length : d)), dtype: first.dtype };
}

/** The shape given by an attribute; the number of elements must not change. */
export function inferTo(shape: Shape, x: TensorType): TensorType {
  return { shape, dtype: x.dtype };
}
