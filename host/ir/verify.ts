/**
 * The verifier: what every pass may rely on. It runs at the end of each pass.
 */
import { byteSize, dtypes, isStoredType, storedRanges } from '../core/dtype.js';
import { BadInputError, EdgeNnError, UnsupportedError } from '../core/errors.js';
import { elements, formatShape, sameShape } from '../core/shape.js';
import { attrProblem } from './attributes.js';
import type { Graph, Node, Value, ValueId } from './graph.js';
import { isOpName, opSpec } from './ops.js';

function fail(graph: Graph, where: string, message: string, hint: string): never {
  throw new BadInputError(`graph ${graph.name}, ${where}: ${message}`, { hint, where });
}

const reportHint =
  'A model file that yields this is damaged; if the graph came from edge-nn, please report it.';

function checkArity(graph: Graph, node: Node): void {
  const { inputs } = opSpec(node.op);
  const variadic = inputs.at(-1)?.endsWith('...') ?? false;
  const least = inputs.filter((name) => !name.endsWith('?')).length;
  const most = variadic ? Number.POSITIVE_INFINITY : inputs.length;
  if (node.inputs.length < least || node.inputs.length > most) {
    fail(
      graph,
      `%${node.output}`,
      `${node.op} takes (${inputs.join(', ')}), got ${node.inputs.length} inputs`,
      reportHint,
    );
  }
}

function checkAttrs(graph: Graph, node: Node): void {
  const { attrs: schema } = opSpec(node.op);
  const attrs = node.attrs as Readonly<Record<string, unknown>>;
  for (const [name, kind] of Object.entries(schema)) {
    const problem = attrProblem(kind, attrs[name]);
    if (problem)
      fail(graph, `%${node.output}`, `${node.op}: attribute ${name} ${problem}`, reportHint);
  }
  const { loweredAttrs = [] } = opSpec(node.op);
  const early = loweredAttrs.find((name) => name in attrs && graph.stage !== 'lowered');
  if (early)
    fail(graph, `%${node.output}`, `${node.op}: ${early} exists only when lowered`, reportHint);
  const extra = Object.keys(attrs).find((name) => !(name in schema));
  if (extra) fail(graph, `%${node.output}`, `${node.op} has no attribute ${extra}`, reportHint);
}

function checkStage(graph: Graph, node: Node): void {
  if (opSpec(node.op).stages.includes(graph.stage)) return;
  throw new UnsupportedError(`${node.op} (%${node.output}) has no form at stage ${graph.stage}`, {
    hint: 'Replace this layer, or keep the model in float.',
    where: `%${node.output}`,
  });
}

function checkType(graph: Graph, node: Node): void {
  const types = node.inputs.map((id) => graph.values.get(id)!);
  const output = graph.values.get(node.output)!;
  try {
    const { shape } = opSpec(node.op).infer(types, node.attrs as never);
    if (!sameShape(shape, output.shape)) {
      fail(
        graph,
        `%${node.output}`,
        `${node.op} gives ${formatShape(shape)}, the value says ${formatShape(output.shape)}`,
        reportHint,
      );
    }
  } catch (error) {
    if (!(error instanceof EdgeNnError) || error.where) throw error;
    fail(graph, `%${node.output}`, `${node.op}: ${error.message}`, error.hint);
  }
}

function checkNodes(graph: Graph): void {
  const defined = new Set<ValueId>();
  for (const value of graph.values.values()) if (value.kind !== 'temp') defined.add(value.id);
  for (const node of graph.nodes) {
    if (!isOpName(node.op)) fail(graph, `%${node.output}`, `unknown op ${node.op}`, reportHint);
    for (const id of node.inputs) {
      if (!defined.has(id))
        fail(
          graph,
          `%${node.output}`,
          `${node.op} reads %${id}, which is not defined before it`,
          reportHint,
        );
    }
    if (graph.values.get(node.output)?.kind !== 'temp' || defined.has(node.output)) {
      fail(graph, `%${node.output}`, 'is defined twice, or is no temp value', reportHint);
    }
    defined.add(node.output);
    checkArity(graph, node);
    checkAttrs(graph, node);
    checkStage(graph, node);
    checkType(graph, node);
  }
  for (const value of graph.values.values()) {
    if (!defined.has(value.id)) fail(graph, `%${value.id}`, 'is computed by no node', reportHint);
  }
}

function checkValue(graph: Graph, value: Value): void {
  const where = `%${value.id}`;
  if (value.shape.some((d) => !Number.isInteger(d) || d < 1)) {
    fail(
      graph,
      where,
      `shape ${formatShape(value.shape)} is not static and positive`,
      'Give every dimension a fixed size.',
    );
  }
  const data = graph.data.get(value.id);
  const needsData = value.kind === 'const' || value.kind === 'state';
  if (needsData !== (data !== undefined))
    fail(graph, where, `a ${value.kind} ${needsData ? 'without' : 'with'} data`, reportHint);
  if (
    data &&
    (data.length !== elements(value.shape) || !(data instanceof dtypes[value.dtype].array))
  ) {
    fail(
      graph,
      where,
      `${value.dtype}${formatShape(value.shape)} needs ${byteSize(value.dtype, elements(value.shape))} bytes, has ${data.byteLength}`,
      reportHint,
    );
  }
  checkQuantization(graph, value);
  const { channels } = value;
  if (channels && (graph.stage !== 'lowered' || channels.length !== value.shape.at(-1)))
    fail(graph, where, `${channels.length} channels of another value`, reportHint);
}

function checkQuantization(graph: Graph, value: Value): void {
  const { quant } = value;
  if (!quant) return;
  const where = `%${value.id}`;
  const count = quant.axis === undefined ? 1 : value.shape[quant.axis];
  if (quant.scale.length !== count || quant.zeroPoint.length !== count) {
    fail(
      graph,
      where,
      `${quant.scale.length} scales and ${quant.zeroPoint.length} zero points, expected ${count}`,
      reportHint,
    );
  }
  if (!quant.scale.every((s) => Number.isFinite(s) && s > 0)) {
    fail(
      graph,
      where,
      'a scale is not positive and finite',
      'Calibrate with data that reaches this layer, or mend the model file.',
    );
  }
  checkZeroPoints(graph, value, quant.zeroPoint);
}

/** A zero point is a number that the type holds: kernels write it where an image is padded. */
function checkZeroPoints(graph: Graph, { id, dtype }: Value, zeroPoints: Int32Array): void {
  if (!isStoredType(dtype)) return;
  const [least, most] = storedRanges[dtype];
  const outside = zeroPoints.find((zero) => zero < least || zero > most);
  if (outside === undefined) return;
  const what = `the zero point ${outside} is no ${dtype}, which is ${least} to ${most}`;
  fail(graph, `%${id}`, what, 'Mend the model file: convert the model again.');
}

/** An integer graph has a scale on every 8- or 16-bit value. */
function checkInteger(graph: Graph, value: Value): void {
  if (graph.stage !== 'int8' && graph.stage !== 'lowered') return;
  if (['s8', 's4', 's16', 'u8'].includes(value.dtype) && !value.quant) {
    fail(graph, `%${value.id}`, `${value.dtype} without scale and zero point`, reportHint);
  }
  if (value.dtype === 'f32') {
    throw new UnsupportedError(`graph ${graph.name}, %${value.id}: f32 in an integer graph`, {
      hint: 'Quantize the whole model, inputs and outputs included.',
      where: `%${value.id}`,
    });
  }
}

/**
 * Checks a graph: definitions before uses, arity, attributes, ops of its stage, shapes, data and
 * quantization. Returns the same graph.
 *
 * @throws BadInputError (exit code 3) or UnsupportedError (4), naming the value
 */
export function verify(graph: Graph): Graph {
  for (const value of graph.values.values()) {
    checkValue(graph, value);
    checkInteger(graph, value);
  }
  checkNodes(graph);
  for (const id of [...graph.inputs, ...graph.outputs]) {
    if (!graph.values.has(id))
      fail(graph, `%${id}`, 'is an input or output that does not exist', reportHint);
  }
  if (graph.outputs.length === 0)
    fail(graph, 'return', 'no output', 'Return a value from the model.');
  for (const { value, update } of graph.states) {
    const from = update === undefined ? undefined : graph.values.get(update);
    const to = graph.values.get(value);
    if (to?.kind !== 'state')
      fail(graph, `%${value}`, 'is listed as a state and is none', reportHint);
    if (
      update !== undefined &&
      !(from && sameShape(from.shape, to.shape) && from.dtype === to.dtype)
    ) {
      fail(graph, `%${value}`, `its update %${update} has another type`, reportHint);
    }
  }
  return graph;
}
