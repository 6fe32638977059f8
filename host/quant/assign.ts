/**
 * Chooses scale and zero point of every activation. Values whose bytes pass from one to the other
 * form a group with one quantization; a group covers the ranges of all values that are computed
 * into it.
 */
import { BadInputError } from '../core/errors.js';
import { createGroups, type Groups } from '../core/groups.js';
import {
  consumers,
  type Graph,
  getData,
  getValue,
  type Quantization,
  type ValueId,
} from '../ir/graph.js';
import { joinRanges, type Range, rangeOf } from '../scheme/affine.js';
import type { Scheme } from '../scheme/schemes.js';
import type { Step } from './fuse.js';

/** Ranges of activations by value, from calibration. */
export type Ranges = ReadonlyMap<ValueId, Range>;

export const sameQuantization = (a: Quantization, b: Quantization): boolean =>
  a.axis === b.axis && `${a.scale}` === `${b.scale}` && `${a.zeroPoint}` === `${b.zeroPoint}`;

/** The calibrated range of a value, or that of its contents. */
function rangeFor(graph: Graph, ranges: Ranges, id: ValueId): Range {
  if (getValue(graph, id).kind === 'const') return rangeOf(getData(graph, id) as Float32Array);
  const range = ranges.get(id);
  if (range && Number.isFinite(range.min) && Number.isFinite(range.max) && range.min <= range.max) {
    return range;
  }
  const got = range ? `the range ${range.min} to ${range.max}` : 'no range';
  throw new BadInputError(`calibration gave ${got} for %${id}`, {
    hint: 'Calibrate with data that reaches every layer and holds no NaN or infinity.',
    where: `%${id}`,
  });
}

/** Which scheme a value is stored by. */
export type SchemeOf = (id: ValueId) => Scheme;

/**
 * The scheme of every value: a step's own where `overrides` names its output (or an input of the
 * model), that of the operand where bytes only pass through, else the model's.
 */
export function assignSchemes(
  steps: readonly Step[],
  scheme: Scheme,
  overrides: ReadonlyMap<ValueId, Scheme>,
): SchemeOf {
  const chosen = new Map<ValueId, Scheme>(overrides);
  const schemeOf = (id: ValueId): Scheme => chosen.get(id) ?? scheme;
  for (const { node, rule, output } of steps) {
    // A layer may be named before its activation.
    const named = chosen.get(output) ?? chosen.get(node.output);
    const follows = rule.kind === 'same' || rule.kind === 'bound';
    const own = named ?? (follows ? schemeOf(node.inputs[0]!) : undefined);
    if (own) chosen.set(output, own);
  }
  return schemeOf;
}

/** Whether two schemes store activations alike. */
export const sameActivations = (a: Scheme, b: Scheme): boolean =>
  a.types.activation === b.types.activation;

/** Inputs of a join keep their own scale where others read them too, or where it is given. */
function joinInputs(
  graph: Graph,
  steps: readonly Step[],
  groups: Groups<ValueId>,
  given: ReadonlySet<ValueId>,
  schemeOf: SchemeOf,
): void {
  const readers = consumers(graph);
  const isGiven = (id: ValueId): boolean =>
    [...given].some((g) => groups.root(g) === groups.root(id));
  for (const { node, rule, output } of steps) {
    if (rule.kind !== 'join') continue;
    for (const id of node.inputs) {
      const alike = sameActivations(schemeOf(id), schemeOf(output));
      if (alike && readers.get(id)!.length === 1 && !isGiven(id)) groups.join(id, output);
    }
  }
}

/**
 * The quantization of a value that is no parameter of a layer: its own, or the one by which another
 * scheme stores the same numbers.
 */
export type QuantizationOf = (id: ValueId, as?: Scheme) => Quantization;

/** Values that share a quantization. */
export interface ValueGroups {
  /** The value that stands for the group of a value. */
  readonly root: (id: ValueId) => ValueId;
  /** Groups whose quantization is that of probabilities. */
  readonly fixed: ReadonlySet<ValueId>;
  /** The values whose ranges make those of their groups; inputs of the model apart. */
  readonly computed: readonly ValueId[];
}

/** Puts the values that share a quantization into groups. */
export function groupValues(graph: Graph, steps: readonly Step[], schemeOf: SchemeOf): ValueGroups {
  const groups = createGroups<ValueId>();
  // A group of a softmax's output or a model's input: its quantization is given, not shared out.
  const probabilities = steps.filter(({ rule }) => rule.kind === 'probabilities');
  const given = new Set([...graph.inputs, ...probabilities.map(({ output }) => output)]);
  for (const { node, rule, output } of steps) {
    const [x] = node.inputs as readonly [ValueId];
    if (rule.kind === 'same' && sameActivations(schemeOf(x), schemeOf(output))) {
      groups.join(output, x);
    }
  }
  joinInputs(graph, steps, groups, given, schemeOf);

  const fixed = new Set(probabilities.map(({ output }) => groups.root(output)));
  const computed = steps
    .filter(({ rule, output }) => rule.kind !== 'same' || groups.root(output) === output)
    .map(({ output }) => output);
  return { root: groups.root, fixed, computed };
}

/**
 * Chooses the quantization of every value.
 *
 * @param ranges of the inputs and of what each step computes
 * @throws BadInputError naming a value without a usable range
 */
export function assignQuantization(
  graph: Graph,
  steps: readonly Step[],
  ranges: Ranges,
  schemeOf: SchemeOf,
): QuantizationOf {
  const groups = groupValues(graph, steps, schemeOf);
  const { fixed, computed } = groups;
  const covered = new Map<ValueId, Range>();
  for (const id of [...graph.inputs, ...computed]) {
    const root = groups.root(id);
    if (fixed.has(root)) continue;
    const range = rangeFor(graph, ranges, id);
    const before = covered.get(root);
    covered.set(root, before ? joinRanges(before, range) : range);
  }
  const chosen = new Map<string, Quantization>();
  return (id, as = schemeOf(id)) => {
    const root = groups.root(id);
    if (fixed.has(root)) return as.probabilities;
    const key = `${as.types.activation} ${root}`;
    const known = chosen.get(key);
    if (known) return known;
    const quant = as.activation(covered.get(root) ?? rangeFor(graph, ranges, id));
    chosen.set(key, quant);
    return quant;
  };
}
