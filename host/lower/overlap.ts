/**
 * How far a step's output may overlap its input, from the kernel's reading order.
 *
 * Writing output byte k must not destroy an input byte that is still to be read. With r(k) the
 * lowest input byte that is read after k was written, that is out + k < in + r(k) for every k, so
 * in - out >= max(k - r(k)) + 1.
 */
import { byteSize } from '../core/dtype.js';
import { elements, sameShape } from '../core/shape.js';
import { type Graph, getValue, type NodeOf, type Value, type ValueId } from '../ir/graph.js';
import type { WindowAttrs } from '../ir/infer.js';
import { pixelsPerBlock, type ReadingOrder } from './lowered.js';
import type { StepNode, StepOp } from './lowered-ops.js';

export interface Overlap {
  readonly input: ValueId;
  /** inputOffset - outputOffset must be at least this many bytes. */
  readonly minDistance: number;
}

type Dims4 = readonly [number, number, number, number];

/** Bytes of an element. */
const sizeOf = ({ dtype }: Value): number => byteSize(dtype, 1);

/** Distance, in elements, of a kernel that writes pixel by pixel, or so many at a time. */
function pixelDistance(x: Value, y: Value, { stride, pad }: WindowAttrs, block: number): number {
  const [, , width, inC] = x.shape as Dims4;
  const [, outH, outW, outC] = y.shape as Dims4;
  let lowestLater = Number.POSITIVE_INFINITY;
  let distance = Number.NEGATIVE_INFINITY;
  for (let p = outH * outW - 1; p >= 0; p--) {
    const row = Math.max(0, Math.floor(p / outW) * stride[0] - pad[0]);
    const column = Math.max(0, (p % outW) * stride[1] - pad[2]);
    const first = (p + 1) * outC - 1;
    if ((p + 1) % block === 0) distance = Math.max(distance, first - lowestLater);
    lowestLater = Math.min(lowestLater, (row * width + column) * inC);
    // Before the pixel's last channel is written its window is read again.
    if (outC > 1 && block === 1) distance = Math.max(distance, first - 1 - lowestLater);
  }
  return distance === Number.NEGATIVE_INFINITY ? -x.shape.reduce((n, d) => n * d, 1) : distance + 1;
}

/**
 * Whether a window op of one channel may write output pixels in ascending order over its input: no
 * output lies behind the first input pixel that is read after it was written.
 */
export function runsInPlace(x: Value, y: Value, attrs: WindowAttrs): boolean {
  const plane = (value: Value): Value => ({ ...value, shape: [...value.shape.slice(0, 3), 1] });
  return pixelDistance(plane(x), plane(y), attrs, 1) <= 0;
}

/**
 * Whether a depthwise op may write output rows over its input when it has read the rows of their windows,
 * and keeps what later windows see of them: no output row reaches into rows that are still to be read.
 */
export function linesInPlace(
  x: Value,
  y: Value,
  kernelHeight: number,
  { stride, pad, dilation }: Required<WindowAttrs>,
): boolean {
  const [, inH, inW] = x.shape as Dims4;
  const [, outH, outW] = y.shape as Dims4;
  const reach = (kernelHeight - 1) * dilation[0] + 1;
  return Array.from({ length: outH }, (_, row) => {
    const unread = Math.max(0, row * stride[0] + reach - pad[0]);
    return unread >= inH || (row + 1) * outW <= unread * inW;
  }).every((fits) => fits);
}

/** The distance, in elements, of a kernel that works pixel by pixel; in blocks of so many. */
type PixelRule<O extends StepOp> = (x: Value, y: Value, node: NodeOf<O>, block: number) => number;
type WindowOp = 'conv2d' | 'depthwiseConv2d' | 'maxPool2d' | 'avgPool2d';

const windows: PixelRule<WindowOp> = (x, y, { attrs }, block) => pixelDistance(x, y, attrs, block);

/** What has no pixels has no kernel of that order. */
const pixelRules: { readonly [O in StepOp]: PixelRule<O> | null } = {
  conv2d: windows,
  depthwiseConv2d: windows,
  maxPool2d: windows,
  avgPool2d: windows,
  // One pixel that sees everything.
  dense: (x, y) => Math.max(y.shape[1]! - 1, 1 - x.shape[1]!),
  mean: null,
  add: null,
  mul: null,
  relu: null,
  relu6: null,
  softmax: null,
  concat: null,
  pad: null,
  requantize: null,
};

function pixelOverlap(graph: Graph, node: StepNode, block: number): Overlap[] {
  const [x, y] = [getValue(graph, node.inputs[0]!), getValue(graph, node.output)];
  const rule = pixelRules[node.op] as PixelRule<StepOp> | null;
  if (!rule) throw new Error(`${node.op} has no pixels`);
  // Input and output of such an op have one type.
  const distance = rule(x, y, node as NodeOf<StepOp>, block);
  return [{ input: x.id, minDistance: distance * sizeOf(y) }];
}

/**
 * Element k of the output lies below the operand's elements from k + 1 on, which are still to be
 * read: that takes room where the output's elements are the larger ones.
 */
const elementDistance = (x: Value, y: Value): number =>
  Math.max(0, (elements(y.shape) - 1) * (sizeOf(y) - sizeOf(x)));

/** Which operands of a step may share memory with its output. */
export function overlapsOf(graph: Graph, node: StepNode, order: ReadingOrder): readonly Overlap[] {
  if (order === 'any') return [];
  if (order !== 'elements') return pixelOverlap(graph, node, pixelsPerBlock[order]);
  const y = getValue(graph, node.output);
  return node.inputs
    .map((id) => getValue(graph, id))
    .filter(({ shape }) => sameShape(shape, y.shape))
    .map((x) => ({ input: x.id, minDistance: elementDistance(x, y) }));
}
