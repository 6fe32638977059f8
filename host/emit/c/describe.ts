/**
 * The description of a model that its C carries: struct enn_model with its inputs, outputs and
 * steps (device/enn_model.h).
 */
import { byteSize, type DType } from '../../core/dtype.js';
import { UnsupportedError } from '../../core/errors.js';
import { elements } from '../../core/shape.js';
import { type Graph, getValue, type ValueId } from '../../ir/graph.js';
import type { Lowered } from '../../lower/lowered.js';
import { cHex, cString, initializer } from './text.js';

/** 16 bytes each. */
export interface Hashes {
  readonly modelHash: Uint8Array;
  readonly buildHash: Uint8Array;
}

/** ENN_MAX_RANK */
const maxRank = 6;
const most = 2 ** 32 - 1;

const dtypeNames: Partial<Record<DType, string>> = { s8: 'S8', u8: 'U8', s16: 'S16', s32: 'S32' };

function dtypeName(id: ValueId, dtype: DType): string {
  const name = dtypeNames[dtype];
  if (name !== undefined) return `ENN_DTYPE_${name}`;
  throw new UnsupportedError(`%${id} is ${dtype}, which a device cannot exchange`, {
    hint: 'Quantize inputs and outputs to int8.',
    where: `%${id}`,
  });
}

/** The bits of a float32. */
const floatBits = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]!;

/** Const strings: on AVR a literal would lie in another address space than the pointers to it. */
const strings = (prefix: string, texts: readonly string[]): string =>
  texts
    .map((text, i) => `static const ENN_CONST char ${prefix}_name_${i}[] = ${cString(text)};\n`)
    .join('');

function tensorFields(lowered: Lowered, id: ValueId, name: string) {
  const { shape, dtype, quant } = getValue(lowered.graph, id);
  if (shape.length > maxRank) {
    throw new UnsupportedError(`%${id} has rank ${shape.length}, a device knows ${maxRank}`, {
      hint: 'Reshape inputs and outputs to fewer axes.',
      where: `%${id}`,
    });
  }
  // What is streamed is larger than its window.
  const bytes = byteSize(dtype, elements(shape));
  return {
    name,
    shape: [...shape, ...new Array<number>(maxRank - shape.length).fill(1)],
    rank: shape.length,
    dtype: dtypeName(id, dtype),
    offset: lowered.windows.get(id)!.offset,
    bytes,
    scale_bits: cHex(floatBits(quant?.scale[0] ?? 1)),
    zero_point: quant?.zeroPoint[0] ?? 0,
  };
}

/** An array of structs; C has no empty ones. */
function list(type: string, name: string, entries: readonly string[]): string {
  if (entries.length === 0) return '';
  const items = entries.map((entry) => `    ${entry},\n`).join('');
  return `static const ENN_CONST struct ${type} ${name}[${entries.length}] = {\n${items}};\n`;
}

function tensors(lowered: Lowered, name: string, ids: readonly ValueId[]): string {
  const prefix = `enn_${name}`;
  const entries = ids.map((id, i) =>
    initializer(tensorFields(lowered, id, `${prefix}_name_${i}`), '        '),
  );
  const texts = ids.map((id) => getValue(lowered.graph, id).name);
  return strings(prefix, texts) + list('enn_tensor', prefix, entries);
}

function stepList(lowered: Lowered): string {
  const entries = lowered.steps.map(({ window, macs }, i) =>
    initializer(
      {
        value: `enn_steps_name_${i}`,
        offset: window.offset,
        bytes: window.bytes,
        macs: `${Math.min(macs, most)}u`,
      },
      '        ',
    ),
  );
  const texts = lowered.steps.map(({ node }) => node.output);
  return strings('enn_steps', texts) + list('enn_step', 'enn_steps', entries);
}

/** Of fixed width, so that another hash changes one line. */
function printHash(name: string, bytes: Uint8Array): string {
  if (bytes.length !== 16) throw new RangeError(`${name} has ${bytes.length} bytes, expected 16`);
  return `{0x${Buffer.from(bytes).toString('hex').match(/../g)!.join(',0x')}}`;
}

/** The kinds of layers, as in `tflite-int8` or `tflite-int16x8+int8`. */
function schemeText(graph: Graph): string {
  const kinds = graph.nodes.flatMap((node) => {
    const dtype = getValue(graph, node.output).dtype;
    const fewBits = node.inputs.some((id) => getValue(graph, id).dtype === 's4');
    return fewBits ? 'int8w4' : dtype === 's16' ? 'int16x8' : 'int8';
  });
  const found = new Set(kinds.length > 0 ? kinds : ['int8']);
  // Beside layers of 4-bit weights, ops without weights are nothing of their own.
  if (found.has('int8w4') && !layersOfInt8(graph)) found.delete('int8');
  return `tflite-${[...found].sort().join('+')}`;
}

/** Whether a layer has int8 activations and int8 weights. */
const layersOfInt8 = (graph: Graph): boolean =>
  graph.nodes.some(({ inputs: [x, w] }) => {
    const weights = w === undefined ? undefined : getValue(graph, w);
    return (
      weights?.kind === 'const' && weights.dtype === 's8' && getValue(graph, x!).dtype === 's8'
    );
  });

/** The text of the description. */
export function describeModel(lowered: Lowered, { modelHash, buildHash }: Hashes): string {
  const { graph, steps } = lowered;
  const model = initializer({
    abi: 'ENN_MODEL_ABI',
    model_hash: printHash('modelHash', modelHash),
    build_hash: printHash('buildHash', buildHash),
    name: 'enn_model_name_0',
    scheme: 'enn_model_name_1',
    arena_bytes: 'ENN_ARENA_BYTES',
    arena_align: 'ENN_ARENA_ALIGN',
    state_bytes: 'ENN_STATE_BYTES',
    input_count: 'ENN_INPUTS',
    output_count: 'ENN_OUTPUTS',
    step_count: 'ENN_STEPS',
    inputs: graph.inputs.length > 0 ? 'enn_inputs' : '0',
    outputs: 'enn_outputs',
    steps: steps.length > 0 ? 'enn_steps' : '0',
  });
  return [
    tensors(lowered, 'inputs', graph.inputs),
    tensors(lowered, 'outputs', graph.outputs),
    stepList(lowered),
    strings('enn_model', [graph.name, schemeText(graph)]),
    `const ENN_CONST struct enn_model enn_model = ${model};\n`,
  ].join('\n');
}
