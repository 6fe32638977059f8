/**
 * Float graph -> int8 graph.
 *
 * 1. The graph is prepared: inference form, batch normalization folded.
 * 2. Bounds (relu, relu6) become clamps of the node before them (fuse.ts).
 * 3. Activations get scales (assign.ts), layers integer weights and biases (layer.ts).
 * 4. The nodes are written again; where a joined input has another scale than its output,
 *    a requantize stands between them.
 *
 * Values keep the ids of the float graph, so that both can be compared layer by layer.
 */
import { UnsupportedError } from '../core/errors.js';
import { int8ActivationRange } from '../format/tflite-activation.js';
import { buildGraph, type GraphBuilder } from '../ir/build-graph.js';
import { type Graph, getData, getValue, type Quantization, type ValueId } from '../ir/graph.js';
import { foldBatchNorm } from '../rewrite/fold-batch-norm.js';
import { forInference } from '../rewrite/for-inference.js';
import { quantizeS8 } from '../scheme/affine.js';
import { type Scheme, type SchemeName, schemes } from '../scheme/schemes.js';
import { assignQuantization, type Ranges, sameQuantization } from './assign.js';
import { fuseBounds, type Step } from './fuse.js';
import { quantizeLayer } from './layer.js';

export interface QuantizeOptions {
  readonly scheme?: SchemeName;
  /** One scale per output of a dense layer; older TFLite interpreters know only one per layer. */
  readonly perAxisDense?: boolean;
}

/** The float graph that calibration, quantization and diagnosis work on. Applying it twice changes nothing. */
export const prepareForQuantization = (graph: Graph): Graph => foldBatchNorm(forInference(graph));

/** A quantized graph under construction. */
interface Draft {
  readonly graph: Graph;
  readonly scheme: Scheme;
  readonly perAxisDense: boolean;
  readonly builder: GraphBuilder;
  /** Values of the new graph by those of the float graph. */
  readonly ids: Map<ValueId, ValueId>;
  quantOf(id: ValueId): Quantization;
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

/** The s8 form of an activation: computed before, or a constant that is added now. */
function operand(draft: Draft, id: ValueId): ValueId {
  const known = draft.ids.get(id);
  if (known !== undefined) return known;
  const { shape, name } = getValue(draft.graph, id);
  const quant = draft.quantOf(id);
  const data = quantizeS8(getData(draft.graph, id) as Float32Array, quant, shape);
  const added = draft.builder.constant({ shape, dtype: 's8' }, data, { id, name, quant });
  draft.ids.set(id, added);
  return added;
}

/** The operand at the scale of the output. */
function operandAt(draft: Draft, id: ValueId, quant: Quantization): ValueId {
  const source = operand(draft, id);
  if (sameQuantization(draft.quantOf(id), quant)) return source;
  return draft.builder.add('requantize', [source], {}, { id: `${id}.requantized`, quant });
}

/** Input, weights and bias of a layer. */
function layerOperands(draft: Draft, step: Step, axis: number | undefined): ValueId[] {
  const { graph, scheme, builder } = draft;
  const [x] = step.node.inputs as readonly [ValueId];
  const y = draft.quantOf(step.output);
  const { weights, bias } = quantizeLayer(graph, step.node, scheme, axis, draft.quantOf(x), y);
  const add = (part: typeof weights | NonNullable<typeof bias>, dtype: 's8' | 's32'): ValueId => {
    const { shape, id, name } = part.source;
    return builder.constant({ shape, dtype }, part.data, { id, name, quant: part.quant });
  };
  const parameters = [add(weights, 's8')];
  if (bias) parameters.push(add(bias, 's32'));
  return [operand(draft, x), ...parameters];
}

function operandsOf(draft: Draft, step: Step): ValueId[] {
  const { rule, node } = step;
  if (rule.kind === 'layer') {
    const perAxis = rule.perAxis === 'always' || draft.perAxisDense;
    return layerOperands(draft, step, perAxis ? rule.axis : undefined);
  }
  if (rule.kind !== 'join') return node.inputs.map((id) => operand(draft, id));
  const quant = draft.quantOf(step.output);
  return node.inputs.map((id) => operandAt(draft, id, quant));
}

function addStep(draft: Draft, step: Step): void {
  const operands = operandsOf(draft, step);
  const quant = draft.quantOf(step.output);
  const clamp = int8ActivationRange(step.activation, quant.scale[0]!, quant.zeroPoint[0]!);
  const attrs = step.clamps ? { ...step.node.attrs, clamp } : step.node.attrs;
  const { id, name } = getValue(draft.graph, step.output);
  const added = draft.builder.add(step.node.op, operands, attrs as never, { id, name, quant });
  draft.ids.set(step.output, added);
}

/**
 * Quantizes a float graph.
 *
 * @param source stage float, batch 1
 * @param ranges of the inputs and temp values of `prepareForQuantization(source)`
 * @returns stage int8, batch 1
 * @throws UnsupportedError (exit code 4) naming an op without int8 form and what to use instead
 */
export function quantizeGraph(source: Graph, ranges: Ranges, options: QuantizeOptions = {}): Graph {
  const graph = prepareForQuantization(source);
  const steps = fuseBounds(graph);
  requireFloat(graph);
  const scheme = schemes[options.scheme ?? 'tflite'];
  const { name, loss, labels } = graph;
  const draft: Draft = {
    graph,
    scheme,
    perAxisDense: options.perAxisDense ?? false,
    builder: buildGraph({ name, stage: 'int8', loss, labels }),
    ids: new Map(),
    quantOf: assignQuantization(graph, steps, ranges, scheme),
  };
  for (const id of graph.inputs) {
    const { shape, name: inputName } = getValue(graph, id);
    const options = { id, name: inputName, quant: draft.quantOf(id) };
    draft.ids.set(id, draft.builder.input({ shape, dtype: 's8' }, options));
  }
  for (const step of steps) addStep(draft, step);
  return draft.builder.finish(graph.outputs.map((id) => operand(draft, id)));
}
