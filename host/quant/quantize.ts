/**
 * Float graph -> int8 graph.
 *
 * 1. The graph is prepared: inference form, batch normalization folded.
 * 2. Bounds (relu, relu6) become clamps of the node before them (fuse.ts).
 * 3. Activations get scales (assign.ts), layers integer weights and biases (layer.ts).
 * 4. The nodes are written again; where a joined input has another scale than its output,
 *    a requantize stands between them, and so it does between layers of different schemes.
 *
 * Values keep the ids of the float graph, so that both can be compared layer by layer.
 */
import { type DType, dtypes, storedRanges } from '../core/dtype.js';
import { UnsupportedError } from '../core/errors.js';
import { activationRange } from '../format/tflite/activation.js';
import { buildGraph, type GraphBuilder } from '../ir/build-graph.js';
import { type Graph, getData, getValue, type Quantization, type ValueId } from '../ir/graph.js';
import { foldBatchNorm } from '../rewrite/fold-batch-norm.js';
import { forInference } from '../rewrite/for-inference.js';
import { quantizeAs } from '../scheme/affine.js';
import { type Scheme, type SchemeName, schemes } from '../scheme/schemes.js';
import {
  assignQuantization,
  assignSchemes,
  type QuantizationOf,
  type Ranges,
  type SchemeOf,
  sameActivations,
  sameQuantization,
} from './assign.js';
import { fuseBounds, type Step } from './fuse.js';
import { quantizeLayer } from './layer.js';
import type { TrainedQuantization } from './qat/ranges.js';

export interface QuantizeOptions {
  readonly scheme?: SchemeName;
  /**
   * Other schemes for some layers, by the values that these compute (or by an input of the model):
   * where types change, a requantize is put between them.
   */
  readonly layers?: ReadonlyMap<ValueId, SchemeName>;
  /** One scale per output of a dense layer; older TFLite interpreters know only one per layer. */
  readonly perAxisDense?: boolean;
  /** What training chose, in place of ranges; the schemes must be those it was trained for. */
  readonly trained?: TrainedQuantization | undefined;
}

/** The float graph that calibration, quantization and diagnosis work on. Applying it twice changes nothing. */
export const prepareForQuantization = (graph: Graph): Graph => foldBatchNorm(forInference(graph));

/** A quantized graph under construction. */
interface Draft {
  readonly graph: Graph;
  readonly schemeOf: SchemeOf;
  readonly perAxisDense: boolean;
  readonly builder: GraphBuilder;
  /** Values of the new graph by those of the float graph. */
  readonly ids: Map<ValueId, ValueId>;
  /** Those in another type than their own, by type and value. */
  readonly converted: Map<string, ValueId>;
  readonly quantOf: QuantizationOf;
  readonly trained: TrainedQuantization | undefined;
}

function requireFloat(graph: Graph): void {
  const [state] = graph.states;
  if (state) {
    throw new UnsupportedError(`%${state.value}: a state that runs update has no int8 form`, {
      hint: 'Quantize a model without streaming states.',
      where: `%${state.value}`,
    });
  }
  for (const id of graph.inputs) {
    const { dtype } = getValue(graph, id);
    if (dtype === 'f32') continue;
    throw new UnsupportedError(`input %${id} is ${dtype}, expected f32`, {
      hint: 'Only float models can be quantized; this one may be quantized already.',
      where: `%${id}`,
    });
  }
}

/** The stored form of an activation: computed before, or a constant that is added now. */
function own(draft: Draft, id: ValueId): ValueId {
  const known = draft.ids.get(id);
  if (known !== undefined) return known;
  const { shape, name } = getValue(draft.graph, id);
  const quant = draft.quantOf(id);
  const dtype = draft.schemeOf(id).types.activation;
  const data = quantizeAs(dtype, getData(draft.graph, id) as Float32Array, quant, shape);
  const added = draft.builder.constant({ shape, dtype }, data, { id, name, quant });
  draft.ids.set(id, added);
  return added;
}

/** An activation in the type of a scheme. */
function operand(draft: Draft, id: ValueId, as: Scheme): ValueId {
  const source = own(draft, id);
  if (sameActivations(draft.schemeOf(id), as)) return source;
  const dtype = as.types.activation;
  const key = `${dtype} ${id}`;
  const known = draft.converted.get(key);
  if (known !== undefined) return known;
  const options = { id: `${id}.${dtype}`, quant: draft.quantOf(id, as) };
  const added = draft.builder.add('requantize', [source], { bits: dtypes[dtype].bits }, options);
  draft.converted.set(key, added);
  return added;
}

/** The operand at the scale and in the type of the output. */
function operandAt(draft: Draft, id: ValueId, as: Scheme, quant: Quantization): ValueId {
  const source = own(draft, id);
  const alike = sameActivations(draft.schemeOf(id), as);
  if (alike && sameQuantization(draft.quantOf(id), quant)) return source;
  const options = { id: `${id}.requantized`, quant };
  const attrs = alike ? {} : { bits: dtypes[as.types.activation].bits };
  return draft.builder.add('requantize', [source], attrs, options);
}

/** Input, weights and bias of a layer. */
function layerOperands(draft: Draft, step: Step, axis: number | undefined): ValueId[] {
  const { graph, builder } = draft;
  const scheme = draft.schemeOf(step.output);
  const [x] = step.node.inputs as readonly [ValueId];
  const [from, to] = [draft.quantOf(x, scheme), draft.quantOf(step.output)];
  const trained = draft.trained?.weights.get(step.node.output);
  const { weights, bias } = quantizeLayer(graph, step.node, scheme, axis, from, to, trained);
  const add = (part: typeof weights | NonNullable<typeof bias>, dtype: DType): ValueId => {
    const { shape, id, name } = part.source;
    return builder.constant({ shape, dtype }, part.data, { id, name, quant: part.quant });
  };
  const parameters = [add(weights, scheme.types.weight)];
  if (bias) parameters.push(add(bias, scheme.types.bias));
  return [operand(draft, x, scheme), ...parameters];
}

function operandsOf(draft: Draft, step: Step): ValueId[] {
  const { rule, node } = step;
  if (rule.kind === 'layer') {
    const perAxis = rule.perAxis === 'always' || draft.perAxisDense;
    return layerOperands(draft, step, perAxis ? rule.axis : undefined);
  }
  const scheme = draft.schemeOf(step.output);
  if (rule.kind !== 'join' && rule.kind !== 'same') {
    return node.inputs.map((id) => operand(draft, id, scheme));
  }
  const quant = draft.quantOf(step.output);
  return node.inputs.map((id) => operandAt(draft, id, scheme, quant));
}

function addStep(draft: Draft, step: Step): void {
  const operands = operandsOf(draft, step);
  const quant = draft.quantOf(step.output);
  const stored = storedRanges[draft.schemeOf(step.output).types.activation];
  const clamp = activationRange(step.activation, quant.scale[0]!, quant.zeroPoint[0]!, stored);
  const attrs = step.clamps ? { ...step.node.attrs, clamp } : step.node.attrs;
  const { id, name } = getValue(draft.graph, step.output);
  const added = draft.builder.add(step.node.op, operands, attrs as never, { id, name, quant });
  draft.ids.set(step.output, added);
}

/**
 * Quantizes a float graph.
 *
 * @param source stage float, batch 1
 * @param ranges of the inputs and temp values of `prepareForQuantization(source)`; none where
 *   training chose the quantization
 * @returns stage int8, batch 1
 * @throws UnsupportedError (exit code 4) naming an op without int8 form and what to use instead
 */
export function quantizeGraph(source: Graph, ranges: Ranges, options: QuantizeOptions = {}): Graph {
  const graph = prepareForQuantization(source);
  const steps = fuseBounds(graph);
  requireFloat(graph);
  const overrides = [...(options.layers ?? [])].map(
    ([id, scheme]) => [id, schemes[scheme]] as const,
  );
  const scheme = schemes[options.scheme ?? 'int8'];
  const schemeOf = assignSchemes(steps, scheme, new Map<ValueId, Scheme>(overrides));
  const { name, loss, labels } = graph;
  const draft: Draft = {
    graph,
    schemeOf,
    perAxisDense: options.perAxisDense ?? false,
    builder: buildGraph({ name, stage: 'int8', loss, labels }),
    ids: new Map(),
    converted: new Map(),
    quantOf: options.trained?.quantOf ?? assignQuantization(graph, steps, ranges, schemeOf),
    trained: options.trained,
  };
  for (const id of graph.inputs) {
    const { shape, name: inputName } = getValue(graph, id);
    const options = { id, name: inputName, quant: draft.quantOf(id) };
    const dtype = schemeOf(id).types.activation;
    draft.ids.set(id, draft.builder.input({ shape, dtype }, options));
  }
  for (const step of steps) addStep(draft, step);
  return draft.builder.finish(graph.outputs.map((id) => own(draft, id)));
}
