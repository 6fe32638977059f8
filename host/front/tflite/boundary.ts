/**
 * The boundary of an integer .tflite: converters put a QUANTIZE behind a float (or uint8) input and
 * a DEQUANTIZE before such an output. Both only change how numbers are written down, so the graph
 * begins and ends with the integers instead.
 */

import type { TfliteType } from '../../format/tflite/ops.js';
import { operatorName, type TfliteModel, type TfliteOperator } from '../../format/tflite/tflite.js';

export interface Boundary {
  /** Tensors that the graph begins and ends with. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly operators: readonly TfliteOperator[];
  /** One line about what was taken off. */
  readonly notes: readonly string[];
}

/** The integers of activations. */
const inside: readonly TfliteType[] = ['INT8', 'INT16'];
/** How numbers are written outside. */
const outside: readonly TfliteType[] = ['FLOAT32', 'UINT8'];

const conversions = ['QUANTIZE', 'DEQUANTIZE'];

/** Takes conversions off the inputs and outputs of a model's main subgraph. */
export function stripBoundary(model: TfliteModel): Boundary {
  const { inputs, outputs, operators, tensors } = model.subgraphs[0]!;
  const typeOf = (index: number): TfliteType | undefined => tensors[index]?.type;
  const readers = (index: number) => operators.filter((one) => one.inputs.includes(index));
  const isConversion = (one: TfliteOperator): boolean =>
    conversions.includes(operatorName(model, one));
  const taken = new Set<TfliteOperator>();
  const notes: string[] = [];

  const take = (conversion: TfliteOperator, from: number, to: number, what: string): number => {
    taken.add(conversion);
    const [outer, inner] = [tensors[from]!, tensors[to]!];
    const { scale = [], zeroPoint = [] } = inner.quantization ?? {};
    notes.push(
      `${operatorName(model, conversion)} at the ${what} '${outer.name}' is left out: it is ${inner.type.toLowerCase()} now, scale ${scale[0]}, zero point ${zeroPoint[0] ?? 0}`,
    );
    return to;
  };
  const inner = inputs.map((index) => {
    const [conversion, ...others] = readers(index);
    const to = conversion?.outputs[0] ?? -1;
    const fits = outside.includes(typeOf(index)!) && inside.includes(typeOf(to)!);
    if (!conversion || others.length > 0 || !isConversion(conversion) || !fits) return index;
    return outputs.includes(index) ? index : take(conversion, index, to, 'input');
  });
  const last = outputs.map((index) => {
    const conversion = operators.find((one) => one.outputs.includes(index));
    const from = conversion?.inputs[0] ?? -1;
    const fits = outside.includes(typeOf(index)!) && inside.includes(typeOf(from)!);
    if (!conversion || !isConversion(conversion) || !fits) return index;
    return readers(index).length > 0 ? index : take(conversion, index, from, 'output');
  });
  return {
    inputs: inner,
    outputs: last,
    operators: operators.filter((one) => !taken.has(one)),
    notes,
  };
}
