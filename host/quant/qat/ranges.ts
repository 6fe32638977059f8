/**
 * The scales and ranges of quantization-aware training: what they begin with, and the quantization
 * that they stand for. As tensors, by name (plan.ts):
 *
 *   learned  <name>.scale, <name>.factor (trained, begins at 1), of activations <name>.limits
 *   moving   <name>.min, <name>.max of int8 activations; <name>.max of int16: a magnitude
 *   inputs   <name>.scale, <name>.limits
 *
 * Scale times factor is the scale; a factor moves by a part of itself, whatever the units are.
 * Limits are those of the stored integers, less the zero point.
 */
import { BadInputError } from '../../core/errors.js';
import { getData, getValue, type Quantization, type ValueId } from '../../ir/graph.js';
import { perTensor, type Range, rangeOf } from '../../scheme/affine.js';
import type { Scheme } from '../../scheme/schemes.js';
import type { Tensors } from '../../train/checkpoint.js';
import { assignQuantization, type QuantizationOf, type Ranges } from '../assign.js';
import type { Step } from '../fuse.js';
import { gridName, gridUses, isFixed, type QatPlan, weightAxis, weightsName } from './plan.js';

const { fround } = Math;

/** Keeps the scale of nothing but zeros from being 0. */
export const tiny = 1e-30;

/** Whether a scheme's activations are stored around 0. */
export const isSymmetric = ({ types }: Scheme): boolean => types.activation === 's16';

const familyOf = (as: Scheme): string => as.probabilities.scheme;

/** Without a bound: the bias of a layer does not move the scale of its weights here. */
const noFloor = { empty: 1, least: () => 0 };

/** The tensors of a quantization of an activation. */
function startOf(plan: QatPlan, as: Scheme, given: boolean, quant: Quantization) {
  const [scale, zero] = [quant.scale[0]!, quant.zeroPoint[0]!];
  const { low, high } = as.activations;
  if (plan.setup.ranges === 'moving' && !given) {
    const max = Float32Array.of(scale * (high - zero));
    return isSymmetric(as) ? { max } : { min: Float32Array.of(scale * (low - zero)), max };
  }
  const fixed = { scale: Float32Array.of(scale), limits: Float32Array.of(low - zero, high - zero) };
  return given ? fixed : { ...fixed, factor: Float32Array.of(1) };
}

/** Ranges to begin with, from those of calibration. */
export function startRanges(plan: QatPlan, ranges: Ranges): Tensors {
  const { prepared, steps, schemeOf, setup } = plan;
  const quantOf = assignQuantization(prepared, steps, ranges, schemeOf);
  const out = new Map<string, Float32Array<ArrayBuffer>>();
  for (const { name, id, as, given } of gridUses(plan)) {
    const parts = Object.entries(startOf(plan, as, given, quantOf(id, as)));
    for (const [part, data] of parts) out.set(`${name}.${part}`, data);
  }
  for (const step of setup.ranges === 'learned' ? steps : []) {
    if (step.rule.kind !== 'layer') continue;
    const { scale } = calibratedWeights(plan, step);
    const name = weightsName(step.node);
    out.set(`${name}.scale`, Float32Array.from(scale));
    out.set(`${name}.factor`, new Float32Array(scale.length).fill(1));
  }
  return out;
}

function calibratedWeights(plan: QatPlan, step: Step): Quantization {
  const id = step.node.inputs[1]!;
  const { shape } = getValue(plan.prepared, id);
  const scheme = plan.schemeOf(step.output);
  const data = getData(plan.prepared, id) as Float32Array;
  return scheme.weight(data, shape, weightAxis(plan, step), noFloor);
}

/** Looks tensors up. @throws BadInputError where one is missing */
const reader =
  (ranges: Tensors) =>
  (name: string): Float32Array<ArrayBuffer> => {
    const data = ranges.get(name);
    if (data) return data;
    throw new BadInputError(`the checkpoint has no trained range '${name}'`, {
      hint: 'Give the checkpoint of `edge-nn train --qat`, or --recalibrate.',
      where: name,
    });
  };

function requirePositive(name: string, scale: Float32Array): Float32Array {
  const wrong = scale.find((s) => !(s > tiny && Number.isFinite(s)));
  if (wrong === undefined) return scale;
  throw new BadInputError(`the trained scale of ${name} became ${wrong}`, {
    hint: 'Train with a lower learning rate (--lr), or with --qat-ranges moving.',
    where: name,
  });
}

/** Scale times factor, in float32 as the engine computes it. */
function learnedScale(get: ReturnType<typeof reader>, name: string): Float32Array {
  const factor = get(`${name}.factor`);
  return requirePositive(
    name,
    get(`${name}.scale`).map((s, c) => fround(s * factor[c]!)),
  );
}

/** The scale and zero point of a moving range, step by step as movingGrid (graph.ts) does. */
function movingQuantization(as: Scheme, { min, max }: Range): Quantization {
  const { low, high } = as.activations;
  if (isSymmetric(as)) return perTensor(familyOf(as), fround(fround(max + tiny) / high), 0);
  const least = Math.min(min, 0);
  const span = fround(fround(Math.max(max, 0) - least) + tiny);
  const scale = fround(span / (high - low));
  const below = Math.trunc(fround(fround(-least / scale) + 0.5));
  return perTensor(familyOf(as), scale, low + below);
}

function gridQuantization(plan: QatPlan, ranges: Tensors, id: ValueId, as: Scheme): Quantization {
  const get = reader(ranges);
  const name = gridName(plan, id, as);
  if (ranges.has(`${name}.max`)) {
    const max = get(`${name}.max`)[0]!;
    return movingQuantization(as, { min: isSymmetric(as) ? 0 : get(`${name}.min`)[0]!, max });
  }
  const [low] = get(`${name}.limits`);
  const scale = ranges.has(`${name}.factor`) ? learnedScale(get, name) : get(`${name}.scale`);
  return perTensor(familyOf(as), scale[0]!, as.activations.low - low!);
}

/** How training stores a model, for quantizeGraph. */
export interface TrainedQuantization {
  readonly quantOf: QuantizationOf;
  /** Of weights, by the value that their layer computes in the prepared graph. */
  readonly weights: ReadonlyMap<ValueId, Quantization>;
}

/**
 * The quantization of all values and weights that a model was trained with.
 *
 * @throws BadInputError (exit code 3) where a range is missing or became useless
 */
export function trainedQuantization(plan: QatPlan, ranges: Tensors): TrainedQuantization {
  const { prepared, steps, schemeOf } = plan;
  const named = new Set(gridUses(plan).map(({ name }) => name));
  const quantOf: QuantizationOf = (id, as = schemeOf(id)) => {
    if (isFixed(plan, id)) return as.probabilities;
    if (named.has(gridName(plan, id, as))) return gridQuantization(plan, ranges, id, as);
    return as.activation(rangeOf(getData(prepared, id) as Float32Array));
  };
  const get = reader(ranges);
  const weights = steps.flatMap((step): [ValueId, Quantization][] => {
    if (step.rule.kind !== 'layer') return [];
    const name = weightsName(step.node);
    if (plan.setup.ranges === 'learned') {
      return [[step.node.output, weightQuantization(plan, step, learnedScale(get, name))]];
    }
    return [[step.node.output, weightQuantization(plan, step, widestScale(plan, step))]];
  });
  return { quantOf, weights: new Map(weights) };
}

function weightQuantization(plan: QatPlan, step: Step, scale: Float32Array): Quantization {
  const axis = weightAxis(plan, step);
  const zeroPoint = new Int32Array(scale.length);
  const scheme = familyOf(plan.schemeOf(step.output));
  return {
    scheme,
    scale: Float32Array.from(scale),
    zeroPoint,
    ...(axis !== undefined && { axis }),
  };
}

/** The largest magnitude of each channel is the largest integer. */
function widestScale(plan: QatPlan, step: Step): Float32Array {
  const { prepared, schemeOf } = plan;
  const id = step.node.inputs[1]!;
  const { shape } = getValue(prepared, id);
  const axis = weightAxis(plan, step);
  const data = getData(prepared, id) as Float32Array;
  const inner = axis === undefined ? 1 : shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  const most = new Float32Array(axis === undefined ? 1 : shape[axis]!);
  data.forEach((w, i) => {
    const channel = Math.floor(i / inner) % most.length;
    most[channel] = Math.max(most[channel]!, Math.abs(w));
  });
  const { high } = schemeOf(step.output).weights;
  return most.map((m) => fround(fround(m + tiny) / high));
}
