/**
 * The training graph of quantization-aware training: each step of the integer graph in float, its
 * weights, bias, operands and result rounded to the integers that they will be stored as.
 *
 * A layer with a batch normalization has it folded into its weights, as on a device. In phase
 * `frozen` by the moving statistics. In phase `batch` the layer is run in float for the batch's
 * statistics; weights are still rounded as the moving statistics scale them, and the result is
 * brought from there to the batch's (Krishnamoorthi, "Quantizing deep convolutional networks for
 * efficient inference", 2018, section 3.2.2). A normalization that no layer takes in becomes a
 * product and a sum by the moving statistics, which it keeps.
 */
import { buildGraph } from '../../ir/build-graph.js';
import {
  type Graph,
  getData,
  getValue,
  type Node,
  type NodeOf,
  type ValueId,
} from '../../ir/graph.js';
import type { Scheme } from '../../scheme/schemes.js';
import type { Tensors } from '../../train/checkpoint.js';
import type { QatPhase } from '../../train/qat-setup.js';
import { sameActivations } from '../assign.js';
import type { Step } from '../fuse.js';
import { gridName, isFixed, type QatPlan, weightAxis, weightsName } from './plan.js';
import type { TrainedQuantization } from './ranges.js';
import {
  constantGrid,
  contentsGrid,
  type Grid,
  gridOf,
  learnedScale,
  moveRanges,
  numbers,
  observe,
  type QatDraft,
  widestScale,
} from './scales.js';

interface Draft extends QatDraft {
  /** The nodes of the model, by output. */
  readonly sources: ReadonlyMap<ValueId, Node>;
  /** Rounded values of the prepared graph, by type and id. */
  readonly values: Map<string, ValueId>;
  /** Dropouts that are there already, by their place in the model and operand. */
  readonly dropouts: Map<string, ValueId>;
  /** Whether a softmax is rounded too, as the device's is; the loss needs its logits. */
  readonly probabilities: boolean;
  readonly device: TrainedQuantization | undefined;
}

/** Decay of the moving statistics of layers that name none, as in forTraining. */
const momentum = 0.9;

/** Keeps halves of float32 on the side to which integers round them. */
const nudge = 1 + 2 ** -21;
/** The same for averages, in parts of the stored integer. */
const averageNudge = 2 ** -17;

/** Biases and products are stored in integers so wide that they never saturate. */
const wide = 2 ** 31;

const round = ({ builder }: Draft, x: ValueId, { scale, limits }: Grid, axis?: number): ValueId =>
  builder.add('fakeQuantize', [x, scale, limits], axis === undefined ? {} : { axis });

/** The operand behind the dropouts through which the model reads it. */
function throughDropout(draft: Draft, read: ValueId | undefined, value: ValueId): ValueId {
  const node = read === undefined ? undefined : draft.sources.get(read);
  if (node?.op !== 'dropout') return value;
  const inner = throughDropout(draft, node.inputs[0], value);
  const key = `${node.output} ${inner}`;
  const known = draft.dropouts.get(key);
  if (known !== undefined) return known;
  const added = draft.builder.add('dropout', [inner], node.attrs, { id: node.output });
  draft.dropouts.set(key, added);
  return added;
}

/** What the model's own node of a step reads: the layer's or normalization's where it was folded. */
function modelReads({ plan, sources }: Draft, { inputs, output }: Node): readonly ValueId[] {
  const made = inputs[1] === undefined ? undefined : plan.folded.get(inputs[1]);
  if (made?.part === 'shift') return [];
  return (made?.layer ?? made?.norm ?? sources.get(output))?.inputs ?? [];
}

/** gamma / sqrt(variance + epsilon) by the moving statistics, and 1 / sqrt(variance + epsilon). */
function movingScale({ builder }: Draft, { inputs, attrs }: NodeOf<'batchNorm'>) {
  const [, gamma, , , variance] = inputs as readonly [string, string, string, string, string];
  const r = builder.add('rsqrt', [variance], { epsilon: attrs.epsilon });
  return { r, scale: builder.add('mul', [gamma, r], {}) };
}

/** A scale per output channel in the shape of weights. */
function alongWeights({ builder }: Draft, scale: ValueId, w: ValueId, axis: number): ValueId {
  const rank = builder.values.get(w)!.shape.length;
  if (axis === rank - 1) return scale;
  return builder.add('reshape', [scale], { shape: new Array<number>(rank - 1).fill(1) });
}

/** A constant of the prepared graph: the model's own, or what folding makes of the model's. */
function parameter(draft: Draft, id: ValueId, axis = 0): ValueId {
  const { plan, builder } = draft;
  const made = plan.folded.get(id);
  if (!made) return id;
  const { norm, layer, part } = made;
  const { scale } = movingScale(draft, norm);
  const [, , beta, mean] = norm.inputs as readonly [string, string, string, string];
  if (part === 'scale') return scale;
  if (part === 'weights') {
    const w = layer!.inputs[1]!;
    return builder.add('mul', [w, alongWeights(draft, scale, w, axis)], {});
  }
  const shift = builder.add('sub', [beta, builder.add('mul', [mean, scale], {})], {});
  const bias = layer?.inputs[2];
  if (bias === undefined) return shift;
  return builder.add('add', [shift, builder.add('mul', [bias, scale], {})], {});
}

/** The rounded form of a value of the prepared graph that is a constant. */
function constant(draft: Draft, id: ValueId, as: Scheme): ValueId {
  const { plan, builder, ranges } = draft;
  const x = parameter(draft, id);
  if (
    ranges.has(`${gridName(plan, id, as)}.max`) ||
    ranges.has(`${gridName(plan, id, as)}.limits`)
  ) {
    return round(draft, x, gridOf(draft, id, as));
  }
  return round(draft, x, contentsGrid(builder, as, x));
}

/** The rounded form of an activation in the type of a scheme. */
function rounded(draft: Draft, id: ValueId, as: Scheme): ValueId {
  const { plan, values } = draft;
  const key = `${as.types.activation} ${id}`;
  const known = values.get(key);
  if (known !== undefined) return known;
  const isConstant = getValue(plan.prepared, id).kind === 'const';
  const source = isConstant ? undefined : values.get(`${plan.schemeOf(id).types.activation} ${id}`);
  const value =
    source === undefined ? constant(draft, id, as) : round(draft, source, gridOf(draft, id, as));
  values.set(key, value);
  return value;
}

/** The operands of a step that is no layer. */
function operands(draft: Draft, { node, rule, output }: Step): ValueId[] {
  const { plan } = draft;
  const as = plan.schemeOf(output);
  const reads = modelReads(draft, node);
  const shares = rule.kind === 'join' || rule.kind === 'same';
  return node.inputs.map((id, i) => {
    const value = rounded(draft, id, as);
    const alike =
      plan.groups.root(id) === plan.groups.root(output) && sameActivations(plan.schemeOf(id), as);
    const same = !shares || alike || isFixed(plan, output);
    return throughDropout(
      draft,
      reads[i],
      same ? value : round(draft, value, gridOf(draft, output, as)),
    );
  });
}

/** Rounded weights and their scale. */
function weights(draft: Draft, step: Step, w: ValueId): { value: ValueId; scale: ValueId } {
  const { plan, builder } = draft;
  const scheme = plan.schemeOf(step.output);
  const axis = weightAxis(plan, step);
  const { low, high } = scheme.weights;
  const { shape } = builder.values.get(w)!;
  const count = shape.reduce((n, d, i) => (i === axis ? n : n * d), 1);
  const name = weightsName(step.node);
  const learned = { name, shape: axis === undefined ? [] : [shape[axis]!], count, high };
  const scale =
    plan.setup.ranges === 'learned'
      ? learnedScale(draft, learned)
      : widestScale(builder, scheme, w, axis);
  return { value: round(draft, w, { scale, limits: numbers(builder, low, high) }, axis), scale };
}

/** A bias in steps of the products that it is added to. */
function roundedBias(draft: Draft, bias: ValueId, x: Grid, scale: ValueId): ValueId {
  const { builder } = draft;
  const product = builder.add('mul', [scale, x.scale], {});
  const axis = builder.values.get(product)!.shape.length > 0 ? 0 : undefined;
  return round(draft, bias, { scale: product, limits: numbers(builder, -wide, wide) }, axis);
}

/** The layer of a step with rounded weights and bias; the input of the step is x. */
function addLayer(draft: Draft, step: Step, axis: number): ValueId {
  const { plan, builder } = draft;
  const { node, output } = step;
  const scheme = plan.schemeOf(output);
  const [read, w, b] = node.inputs as readonly [ValueId, ValueId, ValueId?];
  const x = throughDropout(draft, modelReads(draft, node)[0], rounded(draft, read, scheme));
  const { value, scale } = weights(draft, step, parameter(draft, w, axis));
  const made = plan.folded.get(w);
  if (made && draft.phase === 'batch') {
    return addNormalized(draft, step, made.norm, made.layer!, { x, w: value });
  }
  const grid = isFixed(plan, read)
    ? constantGrid(builder, scheme.probabilities, scheme)
    : gridOf(draft, read, scheme);
  const bias = b === undefined ? [] : [roundedBias(draft, parameter(draft, b), grid, scale)];
  const sum = builder.add(node.op, [x, value, ...bias], node.attrs as never, { id: node.output });
  return roundedSum(draft, step, sum);
}

/**
 * The first of two roundings: integer kernels multiply a sum by a factor of [1/2, 1), round, divide
 * by a power of two and round again (TFLite's MultiplyByQuantizedMultiplier). So sums are rounded
 * to steps of the output's scale times the power of two above the whole factor. With weights of few
 * bits there are few such steps to one of the output, and many a sum lies halfway between two: those
 * go away from 0.
 */
function roundedSum(draft: Draft, { node, output }: Step, sum: ValueId): ValueId {
  const { plan, builder, device } = draft;
  const as = plan.schemeOf(output);
  if (!device || as.types.activation !== 's8') return sum;
  const x = device.quantOf(node.inputs[0]!, as).scale[0]!;
  const y = device.quantOf(output).scale[0]!;
  const factors = [...device.weights.get(node.output)!.scale].map((w) => (w * x) / y);
  const steps = Float32Array.from(
    factors,
    (f) => nudge * y * 2 ** Math.min(0, Math.floor(Math.log2(f)) + 1),
  );
  if (factors.every((f) => f >= 0.5)) return sum;
  const shape = builder.values.get(sum)!.shape;
  const axis = steps.length > 1 ? shape.length - 1 : undefined;
  const type = { shape: axis === undefined ? [] : [steps.length], dtype: 'f32' } as const;
  const scale = builder.constant(type, steps);
  return round(draft, sum, { scale, limits: numbers(builder, -wide, wide) }, axis);
}

/** The layer with rounded weights, normalized by the statistics of the batch. */
function addNormalized(
  draft: Draft,
  { node }: Step,
  norm: NodeOf<'batchNorm'>,
  layer: Node,
  { x, w }: { readonly x: ValueId; readonly w: ValueId },
): ValueId {
  const { builder } = draft;
  const [, gamma, beta, mean, variance] = norm.inputs as readonly [
    ...[string, string, string, string, string],
  ];
  const [, ...own] = layer.inputs;
  const exact = builder.add(node.op, [x, ...own], node.attrs as never);
  const axes = builder.values
    .get(exact)!
    .shape.slice(1)
    .map((_, i) => i);
  const batchMean = builder.add('mean', [exact], { axes, keepDims: false });
  const batchVariance = builder.add('variance', [exact], { axes, keepDims: false });
  const decay = norm.attrs.momentum ?? momentum;
  for (const [state, value] of [
    [mean, batchMean],
    [variance, batchVariance],
  ] as const) {
    if (builder.values.get(state)?.kind !== 'state') continue;
    builder.update(state, builder.add('ema', [state, value], { decay }));
  }
  const moving = movingScale(draft, norm);
  const r = builder.add('rsqrt', [batchVariance], { epsilon: norm.attrs.epsilon });
  const bias = own[1];
  const centre = bias === undefined ? batchMean : builder.add('sub', [batchMean, bias], {});
  const scale = builder.add('mul', [gamma, r], {});
  const shift = builder.add('sub', [beta, builder.add('mul', [centre, scale], {})], {});
  const product = builder.add(node.op, [x, w], node.attrs as never);
  const scaled = builder.add('mul', [product, builder.add('div', [r, moving.r], {})], {});
  return builder.add('add', [scaled, shift], {}, { id: node.output });
}

function addStep(draft: Draft, step: Step): void {
  const { plan, builder, sources, values } = draft;
  const { node, rule, output } = step;
  const as = plan.schemeOf(output);
  const computed =
    rule.kind === 'layer'
      ? addLayer(draft, step, rule.axis)
      : builder.add(node.op, operands(draft, step), node.attrs as never, { id: node.output });
  const bounded = bound(draft, step, computed, sources.get(output));
  const key = `${as.types.activation} ${output}`;
  if (isFixed(plan, output)) {
    const grid = constantGrid(builder, as.probabilities, as);
    values.set(key, draft.probabilities ? round(draft, bounded, grid) : bounded);
    return;
  }
  if (plan.groups.computed.includes(output)) observe(draft, output, as, bounded);
  const onGrid = rule.kind === 'join' || (rule.kind === 'same' && rule.exact);
  const exact = rule.kind === 'same' ? averaged(draft, step, bounded) : bounded;
  values.set(key, onGrid ? bounded : round(draft, exact, gridOf(draft, output, as)));
}

/** Averages halfway between two integers go away from the integer 0, not from the number 0. */
function averaged({ plan, builder, device }: Draft, { output }: Step, value: ValueId): ValueId {
  if (!device) return value;
  const { scale, zeroPoint } = device.quantOf(output, plan.schemeOf(output));
  const away = builder.add('scale', [value], { factor: 1 + averageNudge });
  const shift = numbers(builder, averageNudge * scale[0]! * zeroPoint[0]!);
  return builder.add('add', [away, shift], {});
}

/** The bound that the step takes in. */
function bound(draft: Draft, { node, output }: Step, value: ValueId, source?: Node): ValueId {
  if (output === node.output || !source) return value;
  const x = throughDropout(draft, source.inputs[0], value);
  return draft.builder.add(source.op, [x], source.attrs as never, { id: output });
}

function addParameters({ builder, plan: { model } }: Draft): void {
  for (const id of model.inputs) builder.input(getValue(model, id), getValue(model, id));
  for (const value of model.values.values()) {
    if (value.kind !== 'const' && value.kind !== 'state') continue;
    const add = value.kind === 'state' ? builder.state : builder.constant;
    add(value, getData(model, value.id), value);
  }
}

export interface QatGraphOptions {
  readonly phase: QatPhase;
  /**
   * For the graph that a device computes: sums of layers are rounded twice, as integer kernels do;
   * absent in training, which this would only slow down.
   */
  readonly device?: TrainedQuantization;
  /** Round a softmax at the end as the device does; default false: the loss reads its logits. */
  readonly probabilities?: boolean;
}

/**
 * The graph that trains a model for its integers.
 *
 * @param ranges of startRanges, or of a checkpoint
 * @returns stage train, batch 1; constants that training changes are marked as such
 */
export function qatGraph(plan: QatPlan, ranges: Tensors, options: QatGraphOptions): Graph {
  const { name, loss, labels, inputs, nodes } = plan.model;
  const draft: Draft = {
    plan,
    ranges,
    phase: options.phase,
    builder: buildGraph({ name, stage: 'train', loss, labels }),
    grids: new Map(),
    seen: new Map(),
    sources: new Map(nodes.map((node) => [node.output, node])),
    values: new Map(),
    dropouts: new Map(),
    probabilities: options.probabilities ?? false,
    device: options.device,
  };
  addParameters(draft);
  for (const id of inputs) {
    const as = plan.schemeOf(id);
    draft.values.set(`${as.types.activation} ${id}`, round(draft, id, gridOf(draft, id, as)));
  }
  for (const step of plan.steps) addStep(draft, step);
  moveRanges(draft);
  const outputs = plan.prepared.outputs.map((id) => rounded(draft, id, plan.schemeOf(id)));
  return draft.builder.finish(outputs);
}
