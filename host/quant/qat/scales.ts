/**
 * Scales and limits in a graph of quantization-aware training, as nodes: learned, moving, given, or
 * taken from a tensor's contents. All arithmetic is exact or rounded once per node, so that
 * ranges.ts can repeat it.
 */
import { elements } from '../../core/shape.js';
import type { GraphBuilder } from '../../ir/build-graph.js';
import { getValue, type Quantization, type ValueId } from '../../ir/graph.js';
import type { Scheme } from '../../scheme/schemes.js';
import type { Tensors } from '../../train/checkpoint.js';
import { rangeId } from '../../train/qat.js';
import type { QatPhase } from '../../train/qat-setup.js';
import { gridName, type QatPlan } from './plan.js';
import { isSymmetric, tiny } from './ranges.js';

/** The operands of fakeQuantize beside x. */
export interface Grid {
  /** [] or [channels] */
  readonly scale: ValueId;
  /** [2] */
  readonly limits: ValueId;
}

/** A graph under construction. */
export interface QatDraft {
  readonly plan: QatPlan;
  readonly ranges: Tensors;
  readonly phase: QatPhase;
  readonly builder: GraphBuilder;
  /** Grids by name. */
  readonly grids: Map<string, Grid>;
  /** Values that moving ranges follow, by the name of the range. */
  readonly seen: Map<string, { readonly as: Scheme; readonly values: ValueId[] }>;
}

/** What part of a moving range one batch leaves. */
const rangeDecay = 0.99;

const vector = (length: number) => ({ shape: [length], dtype: 'f32' }) as const;
const scalar = { shape: [], dtype: 'f32' } as const;

/** A constant of one list of numbers. */
export const numbers = (builder: GraphBuilder, ...list: readonly number[]): ValueId =>
  builder.constant(vector(list.length), Float32Array.from(list));

const allAxes = (builder: GraphBuilder, id: ValueId): number[] =>
  builder.values.get(id)!.shape.map((_, i) => i);

const negative = (builder: GraphBuilder, id: ValueId): ValueId =>
  builder.add('scale', [id], { factor: -1 });

/** One number of a list of one. */
const single = (builder: GraphBuilder, id: ValueId): ValueId =>
  builder.add('sum', [id], { axes: [0], keepDims: false });

/** |x| */
function magnitude(builder: GraphBuilder, x: ValueId): ValueId {
  const below = builder.add('relu', [negative(builder, x)], {});
  return builder.add('add', [builder.add('relu', [x], {}), below], {});
}

/** (span + tiny) / steps */
function stepOf(builder: GraphBuilder, span: ValueId, steps: number): ValueId {
  const positive = builder.add('add', [span, numbers(builder, tiny)], {});
  return builder.add('div', [positive, numbers(builder, steps)], {});
}

/**
 * Where learned scales of `count` numbers each lie in the gradient: the factor's gradient is that of
 * the scale times 1 / (scale sqrt(count high)), so that a step of gradient descent changes the scale
 * as Esser et al. have it (section 2.2), whatever the optimizer does to small numbers.
 */
function gradientFactor(
  scale: Float32Array,
  count: number,
  high: number,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(scale, (s) => 1 / (s * s * Math.sqrt(count * high)));
}

interface Learned {
  readonly name: string;
  /** [] or [channels] */
  readonly shape: readonly number[];
  /** Numbers that share a scale. */
  readonly count: number;
  readonly high: number;
}

/** scale * factor, the factor trained. */
export function learnedScale(draft: QatDraft, { name, shape, count, high }: Learned): ValueId {
  const { builder, ranges } = draft;
  const start = ranges.get(`${name}.scale`)!;
  const type = { shape, dtype: 'f32' } as const;
  const part = (what: string) => ({ id: rangeId(`${name}.${what}`) });
  const scale = builder.constant(type, start, part('scale'));
  const factor = builder.constant(type, ranges.get(`${name}.factor`)!, {
    ...part('factor'),
    trainable: true,
  });
  const gain = builder.constant(type, gradientFactor(start, count, high));
  return builder.add('mul', [scale, builder.add('gradientScale', [factor, gain], {})], {});
}

/** The grid of a quantization that is known. */
export function constantGrid(
  builder: GraphBuilder,
  { scale, zeroPoint }: Quantization,
  { activations: { low, high } }: Scheme,
): Grid {
  const zero = zeroPoint[0]!;
  return {
    scale: builder.constant(scalar, Float32Array.from(scale)),
    limits: numbers(builder, low - zero, high - zero),
  };
}

/** The grid of a range, [1] each; of symmetric schemes the magnitude is `max`. */
function rangeGrid(builder: GraphBuilder, as: Scheme, max: ValueId, min?: ValueId): Grid {
  const { low, high } = as.activations;
  if (min === undefined) {
    const scale = single(builder, stepOf(builder, max, high));
    return { scale, limits: numbers(builder, low, high) };
  }
  // -min(min, 0), and how many steps that is.
  const least = builder.add('relu', [negative(builder, min)], {});
  const span = builder.add('add', [builder.add('relu', [max], {}), least], {});
  const scale = stepOf(builder, span, high - low);
  const steps = builder.add('div', [least, scale], {});
  const half = builder.add('add', [steps, numbers(builder, 0.5)], {});
  const below = builder.add('truncate', [half], {});
  const above = builder.add('sub', [numbers(builder, high - low), below], {});
  const limits = builder.add('concat', [negative(builder, below), above], { axis: 0 });
  return { scale: single(builder, scale), limits };
}

/** As a list of one. */
const listed = (builder: GraphBuilder, id: ValueId): ValueId =>
  builder.add('broadcastTo', [id], { shape: [1] });

/** The largest and least number of a value. */
function extremesOf(
  builder: GraphBuilder,
  as: Scheme,
  x: ValueId,
): { max: ValueId; min?: ValueId } {
  const over = { axes: allAxes(builder, x), keepDims: false };
  const top = (id: ValueId) => listed(builder, builder.add('max', [id], over));
  if (isSymmetric(as)) return { max: top(magnitude(builder, x)) };
  return { max: top(x), min: listed(builder, builder.add('min', [x], over)) };
}

/** The grid of a tensor's own contents, which training changes. */
export function contentsGrid(builder: GraphBuilder, as: Scheme, x: ValueId): Grid {
  const held = builder.add('gradientScale', [x], {});
  const { max, min } = extremesOf(builder, as, held);
  return rangeGrid(builder, as, max, min);
}

/** The scale of weights whose largest magnitude is the largest integer. */
export function widestScale(
  builder: GraphBuilder,
  { weights }: Scheme,
  w: ValueId,
  axis: number | undefined,
): ValueId {
  const held = builder.add('gradientScale', [w], {});
  const axes = allAxes(builder, w).filter((i) => i !== axis);
  const most = builder.add('max', [magnitude(builder, held)], { axes, keepDims: false });
  if (axis !== undefined) return stepOf(builder, most, weights.high);
  return single(builder, stepOf(builder, listed(builder, most), weights.high));
}

/** The grid of an activation in the type of a scheme. */
export function gridOf(draft: QatDraft, id: ValueId, as: Scheme): Grid {
  const name = gridName(draft.plan, id, as);
  const known = draft.grids.get(name);
  if (known) return known;
  const grid = makeGrid(draft, name, id, as);
  draft.grids.set(name, grid);
  return grid;
}

function makeGrid(draft: QatDraft, name: string, id: ValueId, as: Scheme): Grid {
  const { builder, ranges, plan } = draft;
  const max = ranges.get(`${name}.max`);
  if (max) {
    const state = (part: string, data: Float32Array<ArrayBuffer>) =>
      builder.state(vector(1), data, { id: rangeId(`${name}.${part}`) });
    const min = ranges.get(`${name}.min`);
    const states = [state('max', max), min && state('min', min)] as const;
    return rangeGrid(builder, as, ...states);
  }
  const given = ranges.get(`${name}.limits`)!;
  const limits = builder.constant(vector(2), given, { id: rangeId(`${name}.limits`) });
  if (ranges.has(`${name}.factor`)) {
    const count = elements(getValue(plan.prepared, id).shape);
    // Where nothing is positive, the upper limit is 0.
    const high = Math.max(-given[0]!, given[1]!);
    const scale = learnedScale(draft, { name, shape: [], count, high });
    return { scale, limits };
  }
  const options = { id: rangeId(`${name}.scale`) };
  return { scale: builder.constant(scalar, ranges.get(`${name}.scale`)!, options), limits };
}

/** Remembers a value that the moving range of its group follows. */
export function observe(draft: QatDraft, id: ValueId, as: Scheme, value: ValueId): void {
  const name = gridName(draft.plan, id, as);
  if (draft.phase === 'frozen' || !draft.ranges.has(`${name}.max`)) return;
  const entry = draft.seen.get(name) ?? { as, values: [] };
  entry.values.push(value);
  draft.seen.set(name, entry);
}

/** Moves all ranges that were observed by the extremes of the batch. */
export function moveRanges({ builder, seen }: QatDraft): void {
  const larger = (a: ValueId, b: ValueId): ValueId =>
    builder.add('add', [a, builder.add('relu', [builder.add('sub', [b, a], {})], {})], {});
  const smaller = (a: ValueId, b: ValueId): ValueId =>
    builder.add('sub', [a, builder.add('relu', [builder.add('sub', [a, b], {})], {})], {});
  const move = (name: string, to: ValueId): void => {
    const state = rangeId(name);
    builder.update(state, builder.add('ema', [state, to], { decay: rangeDecay }));
  };
  for (const [name, { as, values }] of seen) {
    const all = values.map((value) => extremesOf(builder, as, value));
    move(
      `${name}.max`,
      all.map(({ max }) => max).reduce((a, b) => larger(a, b)),
    );
    const least = all.flatMap(({ min }) => (min === undefined ? [] : [min]));
    if (least.length > 0)
      move(
        `${name}.min`,
        least.reduce((a, b) => smaller(a, b)),
      );
  }
}
