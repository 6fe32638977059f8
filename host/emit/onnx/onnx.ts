/**
 * A float graph -> .onnx (operator set 13). Inputs and outputs stay NHWC as in the graph; inside,
 * convolutions and pools run NCHW between Transposes. Loss and labels become metadata.
 */
import { UnsupportedError } from '../../core/errors.js';
import { packageVersion } from '../../core/package.js';
import type { Shape } from '../../core/shape.js';
import { type OnnxValueInfo, writeOnnx } from '../../format/onnx.js';
import { type Graph, getValue, type ValueId } from '../../ir/graph.js';
import { batchIsFree } from './batch.js';
import { addNode, inLayout, type OnnxContext } from './context.js';
import { onnxRules } from './rules.js';

const opset = 13;
/** The IR version that came with operator set 13. */
const irVersion = 7;

function valueInfo(name: string, shape: Shape, freeBatch: boolean): OnnxValueInfo {
  const dims = freeBatch && shape.length > 0 ? ['N', ...shape.slice(1)] : shape;
  return { name, elemType: 'FLOAT', shape: dims };
}

function requireInference(graph: Graph): void {
  const streaming = graph.states.find(({ update }) => update !== undefined);
  if (streaming) {
    throw new UnsupportedError(`onnx: graph ${graph.name} has the state %${streaming.value}`, {
      hint: 'Export a model without streaming state.',
      where: `%${streaming.value}`,
    });
  }
  if (graph.stage === 'float') return;
  const written = graph.stage === 'train' ? 'the inference graph' : 'it as .tflite';
  throw new UnsupportedError(`onnx: graph ${graph.name} is at stage ${graph.stage}, not float`, {
    hint: `Export ${written} instead.`,
    where: graph.name,
  });
}

/** An output that is an input or a constant needs a node of its own to carry its name. */
function outputInfo(ctx: OnnxContext, id: ValueId, i: number, freeBatch: boolean): OnnxValueInfo {
  const { kind, shape } = getValue(ctx.graph, id);
  const name = inLayout(ctx, id);
  const first = ctx.graph.outputs.indexOf(id) === i;
  const own = kind === 'temp' && first ? name : addNode(ctx, 'Identity', [name], `${id}:out${i}`);
  return valueInfo(own, shape, freeBatch && kind !== 'const' && kind !== 'state');
}

/**
 * The .onnx file of a float inference graph; the same graph gives the same bytes. Names of inputs
 * and outputs are the ids of the graph's values; the batch is symbolic (`N`) where no node works
 * across it.
 *
 * @throws UnsupportedError (exit code 4) naming the op and value that has no form
 */
export function exportOnnx(graph: Graph): Uint8Array {
  requireInference(graph);
  const ctx: OnnxContext = { graph, nodes: [], initializers: [], names: new Map() };
  const freeBatch = batchIsFree(graph);
  const inputs = graph.inputs.map((id) => {
    ctx.names.set(id, { nhwc: id });
    return valueInfo(id, getValue(graph, id).shape, freeBatch);
  });
  for (const node of graph.nodes) {
    (onnxRules[node.op] as unknown as (ctx: OnnxContext, n: typeof node) => void)(ctx, node);
  }
  const outputs = graph.outputs.map((id, i) => outputInfo(ctx, id, i, freeBatch));
  const { nodes, initializers } = ctx;
  const { name, loss, labels } = graph;
  return writeOnnx({
    irVersion,
    producerName: 'edge-nn',
    producerVersion: packageVersion,
    opsets: [{ domain: '', version: opset }],
    metadata: { ...(loss && { loss }), ...(labels && { labels: JSON.stringify(labels) }) },
    graph: { name, nodes, initializers, inputs, outputs, valueInfos: [] },
  });
}
