/**
 * .tflite -> graph: integer models (int8 or int16 activations) as stage `int8`, float32 models as
 * stage `float`. SAME and VALID become explicit padding, a fused activation a clamp (int8) or a node
 * of its own (float). Float models with int8 weights (dynamic range quantization) get the float32
 * numbers of these weights; rounding the activations, as such a model's interpreter does, is no part
 * of the graph.
 */
import type { DType } from '../../core/dtype.js';
import { BadInputError } from '../../core/errors.js';
import { formatShape } from '../../core/shape.js';
import { exportedBy, metadataName, readNotes } from '../../format/tflite/notes.js';
import {
  operatorName,
  readTflite,
  type TfliteModel,
  type TfliteOperator,
} from '../../format/tflite/tflite.js';
import { buildGraph } from '../../ir/build-graph.js';
import { type Graph, type LossName, lossNames } from '../../ir/graph.js';
import { stripBoundary } from './boundary.js';
import {
  badModel,
  describe,
  type ImportContext,
  type Permuted,
  tensorDtype,
  transposed,
  unsupported,
  valueOptions,
} from './context.js';
import { importRules } from './rules.js';

/** int8 or float, by the type of the first input. */
function stageOf(model: TfliteModel, inputs: readonly number[], file: string): 'float' | 'int8' {
  const tensor = model.subgraphs[0]?.tensors[inputs[0] ?? -1];
  if (tensor) return tensor.type === 'FLOAT32' ? 'float' : 'int8';
  throw new BadInputError('tflite: the model has no input', {
    hint: 'Convert a model with at least one input.',
    where: file,
  });
}

function addInputs(ctx: ImportContext, inputs: readonly number[]): void {
  const wanted: readonly DType[] = ctx.stage === 'int8' ? ['s8', 's16'] : ['f32'];
  for (const index of inputs) {
    const tensor = ctx.tensors[index];
    if (!tensor) throw badModel(ctx, 'an input is no tensor');
    const dtype = tensorDtype(ctx, tensor);
    if (!wanted.includes(dtype)) {
      const what = `input '${tensor.name}' has the type ${tensor.type}`;
      throw unsupported(ctx, what, 'Convert the model with int8, int16 or float32 inputs.');
    }
    const options = valueOptions(ctx, tensor);
    if (tensor.shape[0] !== 1) {
      const what = `input '${tensor.name}' has the shape ${formatShape(tensor.shape)}`;
      throw unsupported(ctx, what, 'Convert the model with a first dimension (batch) of 1.');
    }
    ctx.ids.set(index, ctx.builder.input({ shape: tensor.shape, dtype }, options));
  }
}

function addOperators(ctx: ImportContext, operators: readonly TfliteOperator[]): void {
  for (const operator of operators) {
    const named = { ...operator, name: operatorName(ctx.model, operator) };
    const rule = importRules.get(named.name);
    if (!rule) {
      const supported = [...importRules.keys()].join(', ');
      throw unsupported(
        ctx,
        `${describe(ctx, named)} is not supported`,
        `Supported are ${supported}.`,
      );
    }
    rule(ctx, named);
  }
}

interface Notes {
  readonly loss?: LossName;
  readonly labels?: readonly string[];
}

/** Loss and labels that the exporter left in the metadata; what is malformed counts as absent. */
function notesOf(model: TfliteModel): Notes {
  const entry = model.metadata.find(({ name }) => name === metadataName);
  const notes = entry ? readNotes(model.buffers[entry.buffer]!) : {};
  const { loss, labels } = notes;
  return {
    ...(lossNames.includes(loss as LossName) && { loss: loss as LossName }),
    ...(labels && { labels }),
  };
}

/** A model of edge-nn keeps its name; of others only a name that says something counts. */
function nameOf(model: TfliteModel, given: string | undefined): string {
  const own = model.subgraphs[0]!.name;
  if (own && model.description === exportedBy) return own;
  return given ?? (own && own !== 'main' ? own : 'model');
}

/**
 * Reads a .tflite model.
 *
 * @param name of the graph, unless the file was written by edge-nn and knows its own
 * @param file for the errors
 * @param note hears a line about every conversion at the boundary that is left out
 * @throws BadInputError (exit code 3) for a damaged file, UnsupportedError (4) naming the operator
 *   and tensor that the graph cannot express
 */
export function importTflite(
  bytes: Uint8Array,
  name?: string,
  file = name ?? 'tflite data',
  note: (line: string) => void = () => {},
): Graph {
  const model = readTflite(bytes, file);
  const [main] = model.subgraphs;
  const boundary = stripBoundary(model);
  for (const line of boundary.notes) note(line);
  const stage = stageOf(model, boundary.inputs, file);
  const builder = buildGraph({ name: nameOf(model, name), stage, ...notesOf(model) });
  const ids = new Map<number, string>();
  const permuted = new Map<number, Permuted>();
  const numbers = new Map<number, readonly number[]>();
  const { tensors } = main!;
  const ctx: ImportContext = { model, tensors, builder, stage, file, ids, permuted, numbers };
  addInputs(ctx, boundary.inputs);
  addOperators(ctx, boundary.operators);
  const outputs = boundary.outputs.map((index) => {
    const id = ids.get(index) ?? transposed(ctx, index);
    if (id !== undefined) return id;
    throw badModel(ctx, `output '${ctx.tensors[index]?.name ?? ''}' is computed by no operator`);
  });
  return builder.finish(outputs);
}
