/**
 * An int8 graph -> .tflite, readable by any TFLite interpreter. Explicit padding becomes SAME or
 * VALID (or a PAD before a convolution), a clamp the fused activation that it stands for. Name,
 * loss and labels travel along, so that reading the file gives the same graph.
 */
import { UnsupportedError } from '../../core/errors.js';
import { exportedBy, metadataName, writeNotes } from '../../format/tflite/notes.js';
import { writeTflite } from '../../format/tflite/tflite.js';
import type { Graph } from '../../ir/graph.js';
import { type ExportContext, startExport, tensorOf } from './context.js';
import { exportRules } from './rules.js';

function requireExportable(graph: Graph): void {
  if (graph.stage !== 'int8') {
    throw new UnsupportedError(`tflite: graph ${graph.name} is at stage ${graph.stage}, not int8`, {
      hint: 'Quantize the model first; a float model can be exported as .onnx.',
      where: graph.name,
    });
  }
  const [state] = graph.states;
  if (!state) return;
  throw new UnsupportedError(`tflite: graph ${graph.name} has the state %${state.value}`, {
    hint: 'Export a model without streaming state.',
    where: `%${state.value}`,
  });
}

/**
 * The .tflite file of a graph; the same graph gives the same bytes.
 *
 * @throws UnsupportedError (exit code 4) naming the op and value that TFLite cannot express
 */
export function exportTflite(graph: Graph): Uint8Array {
  requireExportable(graph);
  const ctx = startExport(graph);
  const inputs = graph.inputs.map((id) => tensorOf(ctx, id));
  for (const node of graph.nodes) {
    (exportRules[node.op] as unknown as (ctx: ExportContext, n: typeof node) => void)(ctx, node);
  }
  const outputs = graph.outputs.map((id) => tensorOf(ctx, id));
  const { loss, labels, name } = graph;
  const notes = writeNotes({ ...(loss && { loss }), ...(labels && { labels }) });
  const buffers = [...ctx.buffers, notes];
  const { tensors, operators } = ctx;
  return writeTflite({
    version: 3,
    description: exportedBy,
    operatorCodes: ctx.codes,
    subgraphs: [{ name, tensors, inputs, outputs, operators }],
    buffers,
    metadata: [{ name: metadataName, buffer: buffers.length - 1 }],
  });
}
