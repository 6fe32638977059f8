/**
 * The accumulator proof: with these weights and these input ranges no partial sum of any step
 * leaves int32, in whatever order a kernel adds, and neither does the sum when its requantization
 * shifts it left.
 *
 * A term w (x - z) with x in [lo, hi], lo <= z <= hi, lies in an interval around 0; partial sums
 * therefore lie between the sum of the negative parts and the sum of the positive ones, and taps
 * that fall into the padding only leave terms out.
 *
 * Layers of int16 activations are requantized from 64 bits; where the bound of a channel leaves
 * int32, kernels add in 64 bits, too (select/select.ts).
 */
import { BadInputError } from '../core/errors.js';
import { elements } from '../core/shape.js';
import {
  type Graph,
  getValue,
  inputsOf,
  type Node,
  type NodeHead,
  type NodeOf,
  type Value,
  type ValueId,
} from '../ir/graph.js';
import {
  addLeftShift,
  addMultipliers,
  layerMultipliers,
  meanMultiplier,
  mulMultiplier,
  rescale,
  softmaxS16Scaling,
} from '../quant/interpret/params.js';
import { biasOf, perTensor, storedRange, weightRows } from '../quant/interpret/quant.js';
import type { LayerOp } from '../quant/quant-rules.js';
import type { StepProof } from './lowered.js';
import { isAliasOp, isStepOp, type StepOp } from './lowered-ops.js';

/** What no accumulator may exceed: int32, less room for the output's zero point. */
export const accumulatorLimit = 2 ** 31 - 256;
/** What no accumulator of 64 bits may exceed, so that its product with a multiplier fits. */
const wideLimit = 2 ** 47 - 1;
/** Largest magnitude of a stored number less its zero point. */
const span = ({ dtype }: Value): number => (dtype === 's16' ? 2 ** 15 : 255);
/** One term of a softmax's sum: exp(0) in Q12.19. */
const softmaxTerm = 2 ** 19;

type Range = readonly [number, number];
type Largest<O extends StepOp> = (
  graph: Graph,
  node: NodeOf<O>,
  rangeOf: (id: ValueId) => Range,
) => number[];
/** The largest magnitude per channel; `wide` tells whether they may have 64 bits. */
interface Rule<O extends StepOp> {
  readonly largest: Largest<O>;
  readonly wide?: (graph: Graph, node: NodeHead) => boolean;
}

/** A magnitude as a multiplier's shift to the left makes it. */
const shifted = (magnitude: number, shift: number): number => magnitude * 2 ** Math.max(shift, 0);

/** The biases of a channel: one per class of outputs. */
const biasesOf = (biases: Int32Array, channels: number, channel: number): number[] =>
  Array.from({ length: biases.length / channels }, (_, i) => biases[i * channels + channel]!);

/** Largest magnitude of a partial sum of one channel that begins with any of its biases. */
function channelBound(
  weights: Int8Array,
  biases: readonly number[],
  zero: number,
  range: Range,
): number {
  const low = Math.min(range[0], zero) - zero;
  const high = Math.max(range[1], zero) - zero;
  let least = Math.min(...biases, 0);
  let most = Math.max(...biases, 0);
  for (const w of weights) {
    least += Math.min(w * low, w * high);
    most += Math.max(w * low, w * high);
  }
  return Math.max(-least, most);
}

/** Whether a layer with weights has the accumulators of 64 bits that go with int16 activations. */
const isWide = (graph: Graph, node: NodeHead): boolean =>
  getValue(graph, node.output).dtype === 's16';

const layer: Rule<LayerOp> = {
  largest(graph, node, rangeOf) {
    const x = node.inputs[0]!;
    const channels = getValue(graph, node.output).shape.at(-1)!;
    const weights = weightRows(graph, node);
    const taps = weights.length / channels;
    const biases = biasOf(graph, node, channels);
    const { zero } = perTensor(getValue(graph, x));
    const wide = isWide(graph, node);
    const { shift } = layerMultipliers(graph, node);
    return Array.from({ length: channels }, (_, channel) => {
      const own = weights.subarray(channel * taps, (channel + 1) * taps);
      const bound = channelBound(own, biasesOf(biases, channels, channel), zero, rangeOf(x));
      return wide ? bound : shifted(bound, shift[shift.length === 1 ? 0 : channel]!);
    });
  },
  wide: isWide,
};

/** One element of each input, less its zero point, in the output's scale. */
const rescaled = (graph: Graph, node: Node): number[] => {
  const y = getValue(graph, node.output);
  return [Math.max(...inputsOf(graph, node).map((x) => shifted(span(x), rescale(x, y).shift)))];
};

const mean: Largest<'mean'> = (graph, node) => {
  const [x, y] = [getValue(graph, node.inputs[0]!), getValue(graph, node.output)];
  const count = elements(x.shape) / elements(y.shape);
  return [shifted(span(x) * count, meanMultiplier(x, y, count).shift)];
};

/** Terms of the sum; int16: steps of the table too. */
const softmax: Largest<'softmax'> = (graph, node) => {
  const [x, y] = [getValue(graph, node.inputs[0]!), getValue(graph, node.output)];
  const classes = y.shape.at(-1)!;
  if (y.dtype !== 's16') return [classes * softmaxTerm];
  return [Math.max(classes * 2 ** 15, shifted(2 ** 16, softmaxS16Scaling(x, y).shift))];
};

const avgPool2d: Largest<'avgPool2d'> = (graph, { attrs, output }) => [
  span(getValue(graph, output)) * attrs.size[0] * attrs.size[1],
];

/** Both operands are scaled by at most 1/2 first, so their sum is no larger than one of them. */
const add: Largest<'add'> = (graph, node) => {
  const y = getValue(graph, node.output);
  return [shifted(span(y) * 2 ** addLeftShift(y), addMultipliers(graph, node).out.shift)];
};

const mul: Largest<'mul'> = (graph, node) => [
  shifted(span(getValue(graph, node.output)) ** 2, mulMultiplier(graph, node).shift),
];

const rules: { readonly [O in StepOp]: Rule<O> | null } = {
  conv2d: layer,
  depthwiseConv2d: layer,
  dense: layer,
  avgPool2d: { largest: avgPool2d },
  mean: { largest: mean },
  softmax: { largest: softmax },
  add: { largest: add },
  mul: { largest: mul },
  relu: { largest: rescaled },
  relu6: { largest: rescaled },
  requantize: { largest: rescaled },
  concat: { largest: rescaled },
  // These only move bytes.
  maxPool2d: null,
  pad: null,
};

/** The bytes that a value can hold, as far as clamps tell. */
function ranges(graph: Graph): (id: ValueId) => Range {
  const known = new Map<ValueId, Range>();
  const rangeOf = (id: ValueId): Range => known.get(id) ?? storedRange(getValue(graph, id));
  for (const node of graph.nodes) {
    if ('clamp' in node.attrs && node.attrs.clamp) known.set(node.output, node.attrs.clamp);
    else if (isAliasOp(node.op)) known.set(node.output, rangeOf(node.inputs[0]!));
  }
  return rangeOf;
}

function check(graph: Graph, wide: boolean, proof: StepProof): StepProof {
  const [bits, limit] = wide ? [64, wideLimit] : [32, accumulatorLimit];
  const channel = proof.largest.findIndex((magnitude) => magnitude > limit);
  if (channel < 0) return proof;
  throw new BadInputError(
    `graph ${graph.name}: channel ${channel} of %${proof.value} could overflow its ${bits}-bit accumulator: ${proof.largest[channel]} is possible, ${limit} is the limit`,
    {
      hint: 'Quantize with another scale for this layer, use fewer inputs per output, or check the file for damage.',
      where: `%${proof.value}`,
    },
  );
}

/**
 * Proves every step of a graph (stage `int8` or `lowered`).
 *
 * @throws BadInputError naming the value and channel that could overflow
 */
export function proveAccumulators(graph: Graph): StepProof[] {
  const rangeOf = ranges(graph);
  const proofs: StepProof[] = [];
  for (const node of graph.nodes) {
    const rule = (isStepOp(node.op) ? rules[node.op] : null) as Rule<StepOp> | null;
    if (!rule) continue;
    const largest = rule.largest(graph, node as NodeOf<StepOp>, rangeOf);
    const wide = rule.wide?.(graph, node) ?? false;
    proofs.push(check(graph, wide, { value: node.output, largest }));
  }
  return proofs;
}
