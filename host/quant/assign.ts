/**
 * Chooses scale and zero point of every activation. Values whose bytes pass from one to the other
 * form a group with one quantization; a group covers the ranges of all values that are computed
 * into it.
 */
import { BadInputError } from '../core/errors.js';
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

/** Union-find over values. */
interface Groups {
  root(id: ValueId): ValueId;
  join(a: ValueId, b: ValueId): void;
}

function createGroups(): Groups {
  const parent = new Map<ValueId, ValueId>();
  const root = (id: ValueId): ValueId => {
    const up = parent.get(id);
    return up === undefined ? id : root(up);
  };
  return {
    root,
    join(a, b) {
      const [ra, rb] = [root(a), root(b)];
      if (ra !== rb) parent.set(ra, rb);
    },
  };
}

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

/** Inputs of a join keep their own scale where others read them too, or where it is given. */
function joinInputs(
  graph: Graph,
  steps: readonly Step[],
  groups: Groups,
  given: ReadonlySet<ValueId>,
): void {
  const readers = consumers(graph);
  const isGiven = (id: ValueId): boolean =>
    [...given].some((g) => groups.root(g) === groups.root(id));
  for (const { node, rule, output } of steps) {
    if (rule.kind !== 'join') continue;
    for (const id of node.inputs) {
      if (readers.get(id)!.length === 1 && !isGiven(id)) groups.join(id, output);
    }
  }
}

/**
 * The quantization of every value that is no parameter of a layer.
 *
 * @param ranges of the inputs and of what each step computes
 * @throws BadInputError naming a value without a usable range
 */
export function assignQuantization(
  graph: Graph,
  steps: readonly Step[],
  ranges: Ranges,
  scheme: Scheme,
): (id: ValueId) => Quantization {
  const groups = createGroups();
  // A group of a softmax's output or a model's input: its quantization is given, not shared out.
  const probabilities = steps.filter(({ rule }) => rule.kind === 'probabilities');
  const given = new Set([...graph.inputs, ...probabilities.map(({ output }) => output)]);
  for (const { node, rule, output } of steps) {
    if (rule.kind === 'same') groups.join(output, node.inputs[0]!);
  }
  joinInputs(graph, steps, groups, given);

  const fixed = new Map(
    probabilities.map(({ output }) => [groups.root(output), scheme.probabilities]),
  );
  const computed = steps.filter(({ rule }) => rule.kind !== 'same').map(({ output }) => output);
  const covered = new Map<ValueId, Range>();
  for (const id of [...graph.inputs, ...computed]) {
    const root = groups.root(id);
    if (fixed.has(root)) continue;
    const range = rangeFor(graph, ranges, id);
    const before = covered.get(root);
    covered.set(root, before ? joinRanges(before, range) : range);
  }
  const chosen = new Map<ValueId, Quantization>();
  return (id) => {
    const root = groups.root(id);
    const known = chosen.get(root) ?? fixed.get(root);
    if (known) return known;
    const quant = scheme.activation(covered.get(root) ?? rangeFor(graph, ranges, id));
    chosen.set(root, quant);
    return quant;
  };
}
