/**
 * Where a device and the oracle part: the first step, and the first element of its result.
 *
 * The device's trace holds a CRC of every step's window; the oracle runs the lowered graph, so that
 * each step has its counterpart. Only the first step whose CRC differs is read back.
 */
import { crc32 } from 'node:zlib';
import { type AnyArray, bytesOf, viewAs } from '../core/dtype.js';
import { LinkError } from '../core/errors.js';
import type { Shape } from '../core/shape.js';
import { strides } from '../core/shape.js';
import { type Graph, inputsOf, type Value } from '../ir/graph.js';
import type { Session } from '../link/session.js';
import type { Oracle } from '../quant/interpret/interpret.js';

export interface Difference {
  /** Number of the example in the dataset. */
  readonly example: number;
  readonly step: number;
  /** The value that the step computes, as it is called in the model. */
  readonly layer: string;
  readonly op: string;
  /**
   * Where the step is the first layers row by row: how many, of which this is the last. Those between
   * cannot be read back; a build without `--ram` can tell which of them differs.
   */
  readonly rows?: number;
  /** The weights that the step uses, as they are called in the model; empty where it has none. */
  readonly weights: readonly string[];
  /** Coordinates of the first element that differs, in the model's value. */
  readonly element: readonly number[];
  readonly expected: number;
  readonly got: number;
  /** How many elements of this value differ. */
  readonly differing: number;
  readonly elements: number;
}

/** What a device is compared with. */
export interface Reference {
  /** The lowered graph; its values have the names of the device's steps. */
  readonly graph: Graph;
  readonly oracle: Oracle;
}

function coordinates(index: number, shape: Shape): number[] {
  let rest = index;
  return strides(shape).map((stride) => {
    const at = Math.floor(rest / stride);
    rest -= at * stride;
    return at;
  });
}

type Place = Pick<Difference, 'element' | 'expected' | 'got' | 'differing' | 'elements'>;

function compare(value: Value, expected: AnyArray, bytes: Uint8Array): Place | undefined {
  const got = viewAs(value.dtype, bytes);
  const wrong = [...expected.keys()].filter((i) => expected[i] !== got[i]);
  const first = wrong[0];
  if (first === undefined) return undefined;
  const element = coordinates(first, value.shape);
  const channel = element.pop() ?? 0;
  return {
    element: [...element, value.channels?.[channel] ?? channel],
    expected: Number(expected[first]),
    got: Number(got[first]),
    differing: wrong.length,
    elements: expected.length,
  };
}

function stepValue(reference: Reference, id: string): Value {
  const value = reference.graph.values.get(id);
  if (value) return value;
  throw new LinkError(`the device computes %${id}, which this model does not have when lowered`, {
    hint: 'The build was made by another version of edge-nn: compile and flash it again.',
    where: `%${id}`,
  });
}

/** What a step is called: its value, its op, and the weights of the layer that it stands for. */
function describeStep(graph: Graph, value: Value): Pick<Difference, 'layer' | 'op' | 'weights'> {
  const node = graph.nodes.find(({ output }) => output === value.id);
  const operands = node ? inputsOf(graph, node) : [];
  const weights = operands.filter(({ kind }) => kind === 'const').map(({ name }) => name);
  return { layer: value.name, op: node?.op ?? 'input', weights };
}

/**
 * Runs one example on both and finds the first difference, layer by layer.
 *
 * @param inputs one per model input, as stored in the model's types
 * @returns undefined when every layer is equal
 */
export async function firstDifference(
  session: Session,
  reference: Reference,
  inputs: readonly AnyArray[],
  example: number,
): Promise<Difference | undefined> {
  const bytes = inputs.map(bytesOf);
  const steps = await session.steps();
  const crcs = await session.trace(bytes);
  const expected = reference.oracle.runAll(inputs);
  for (const { step, crc } of crcs) {
    const value = stepValue(reference, steps[step]!.value);
    const data = expected.get(value.id)!;
    if (crc32(bytesOf(data)) === crc) continue;
    const place = compare(value, data, await session.readLayer(bytes, step));
    if (place) return { example, step, ...describeStep(reference.graph, value), ...place };
    throw new LinkError(
      `step ${step} (%${value.id}) differed in the trace and not when read back`,
      {
        hint: 'The device does not compute the same twice: check its power supply and clock.',
        where: value.name,
      },
    );
  }
  return undefined;
}
