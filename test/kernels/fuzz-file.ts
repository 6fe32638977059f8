/**
 * Fuzz cases as the file that s8_driver.c reads, and what it must answer. The kernel calls are those
 * that the C emitter writes for the same node, so that its parameters are tested too.
 */
import { readFileSync } from 'node:fs';
import { bytesOf, type NumericArray } from '../../host/core/dtype.js';
import { BadInputError } from '../../host/core/errors.js';
import {
  expOnNegativeValues,
  multiplyByQuantizedMultiplier,
  oneOverOnePlusX,
  roundingDivideByPot,
  saturatingRoundingDoublingHighMul,
  saturatingShiftLeft,
} from '../../host/core/fixed-point.js';
import { packageFile } from '../../host/core/package.js';
import { elements } from '../../host/core/shape.js';
import type { Call } from '../../host/emit/c/call.js';
import { callsOf } from '../../host/emit/c/rules.js';
import { type Graph, getValue, type Node } from '../../host/ir/graph.js';
import { type Arch, type Kernel, portableTarget } from '../../host/lower/lowered.js';
import type { StepNode } from '../../host/lower/lowered-ops.js';
import { proveAccumulators } from '../../host/lower/proof.js';
import { selectKernel } from '../../host/lower/select/select.js';
import { createOracle } from '../../host/quant/interpret/interpret.js';
import { driverSource, kernelHeaders } from './fuzz-build.js';
import type { FuzzCase } from './fuzz-cases.js';
import { type Choice, choices } from './fuzz-random.js';

/** The fields of a parameter struct in order, with the length of each; from the header's text. */
function structFields(header: string, type: string): { name: string; length: number }[] {
  const body = new RegExp(`struct ${type} \\{([^}]*)\\}`).exec(header)?.[1];
  if (body === undefined) throw new Error(`no struct ${type} in the kernel headers`);
  const declarations = body.replace(/\/\*.*?\*\//gs, '').split(';');
  return declarations
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .flatMap((text) => {
      const names = /^int32_t (.*)$/s.exec(text)?.[1];
      if (names === undefined) throw new Error(`struct ${type}: '${text}' is not int32_t`);
      return names.split(',').map((item) => {
        const [, name, length] = /^\s*(\w+)(?:\[(\d+)\])?\s*$/.exec(item)!;
        return { name: name!, length: Number(length ?? 1) };
      });
    });
}

/** The words of a struct; every field must be given, and nothing else. */
function structWords(header: string, { type, fields }: Call): number[] {
  const order = structFields(header, type);
  const unknown = Object.keys(fields).find((name) => !order.some((field) => field.name === name));
  if (unknown) throw new Error(`struct ${type} has no field ${unknown}`);
  return order.flatMap(({ name, length }) => {
    const values = [fields[name] ?? []].flat();
    if (values.length !== length) throw new Error(`struct ${type}: ${name} needs ${length} values`);
    return values as number[];
  });
}

/** A reshape takes no step in a lowered graph; its kernel serves targets that cannot alias. */
/** Of the accumulators, where none can overflow: a kernel that relies on them is not chosen else. */
function boundsOf(graph: Graph): readonly number[] | undefined {
  try {
    return proveAccumulators(graph)[0]?.largest;
  } catch (error) {
    if (error instanceof BadInputError) return undefined;
    throw error;
  }
}

/** The kernel of a case; every third takes the one for less memory, where there is one. */
function kernelOf({ graph, index }: FuzzCase, node: StepNode, arch: Arch): Kernel {
  const kernel = selectKernel(graph, node, { ...portableTarget, arch }, boundsOf(graph));
  return index % 3 === 0 && kernel.smaller ? kernel.smaller : kernel;
}

interface NodeCalls {
  readonly calls: readonly Call[];
  readonly scratchBytes: number;
  /** The kernel may write over its first operand. */
  readonly inPlace: boolean;
}

function callsOfCase(fuzz: FuzzCase, arch: Arch): NodeCalls {
  const { graph } = fuzz;
  const node = graph.nodes[0] as Node;
  if (node.op === 'reshape') {
    const count = elements(getValue(graph, node.output).shape);
    const x = { name: 'x', operand: { kind: 'read', value: node.inputs[0]! } } as const;
    const y = { name: 'y', operand: { kind: 'write', value: node.output } } as const;
    const { dtype } = getValue(graph, node.output);
    const call = { kernel: `enn_reshape_${dtype}__ref`, type: 'enn_reshape_s8' };
    return {
      calls: [{ ...call, fields: { count }, args: [x, y] }],
      scratchBytes: 0,
      inPlace: false,
    };
  }
  const step = node as StepNode;
  const kernel = kernelOf(fuzz, step, arch);
  const { scratchBytes = 0, inPlace = false } = kernel;
  return { calls: callsOf(graph, step, kernel), scratchBytes, inPlace };
}

/** What lies in scratch memory before a kernel uses it. */
const garbage = 0xa5;

/** Contents of the arguments of a call, without the output. */
function buffersOf(fuzz: FuzzCase, call: Call, scratchBytes: number): Uint8Array[] {
  return call.args.flatMap(({ operand }) => {
    if (operand.kind === 'write') return [];
    if (operand.kind === 'scratch') return [new Uint8Array(scratchBytes).fill(garbage)];
    if (operand.kind === 'table') return [bytesOf(operand.data)];
    const at = fuzz.graph.inputs.indexOf(operand.value);
    return [bytesOf(fuzz.inputs[at]!)];
  });
}

export interface CaseFile {
  readonly bytes: Uint8Array;
  /** What the kernels must answer: the oracle's output of each case. */
  readonly expected: readonly Int8Array[];
}

/** Words, little-endian. */
const wordsOf = (words: readonly number[]): Uint8Array =>
  bytesOf(Int32Array.from(words, (word) => word | 0));

const padding = (bytes: number): Uint8Array => new Uint8Array((4 - (bytes % 4)) % 4);

/** The text of all parameter structs, and the driver's kernels in the order of its list. */
export function readSources(): { header: string; kernels: string[] } {
  const source = readFileSync(packageFile(driverSource), 'utf8');
  const kernels = [
    ...source.matchAll(
      /(?:x_y|a_b_y|x_t_t_y|x_w_f_y|x_w_y|x_w_s_y|x_w_b_s_y)\((\w+__(?:ref|dsp|mve|m0)), /g,
    ),
  ].map((m) => m[1]!);
  return { header: [...kernelHeaders().values(), source].join('\n'), kernels };
}

/** The kernels of a core that cases run, in any order. */
export const kernelsOf = (cases: readonly FuzzCase[], arch: Arch): ReadonlySet<string> =>
  new Set(cases.flatMap((fuzz) => callsOfCase(fuzz, arch).calls.map(({ kernel }) => kernel)));

/** Encodes cases for the driver's kernels of a core; the oracle computes what it must answer. */
export function encodeCases(cases: readonly FuzzCase[], arch: Arch = 'ref'): CaseFile {
  const { header, kernels } = readSources();
  const parts: Uint8Array[] = [wordsOf([cases.length])];
  const expected = cases.map((fuzz) => {
    const stored = createOracle(fuzz.graph).run(fuzz.inputs)[0] as NumericArray;
    const output = new Int8Array(bytesOf(stored));
    const { calls, scratchBytes, inPlace } = callsOfCase(fuzz, arch);
    const overwrites = fuzz.inPlace || (inPlace && fuzz.index % 2 === 0);
    const operandBytes = overwrites ? fuzz.inputs[0]!.byteLength : 0;
    parts.push(wordsOf([output.length, operandBytes, calls.length]));
    for (const call of calls) {
      const words = structWords(header, call);
      const buffers = buffersOf(fuzz, call, scratchBytes);
      const kernel = kernels.indexOf(call.kernel);
      parts.push(wordsOf([kernel, words.length, ...words, buffers.length]));
      for (const buffer of buffers) {
        parts.push(wordsOf([buffer.length]), buffer, padding(buffer.length));
      }
    }
    return output;
  });
  return { bytes: Buffer.concat(parts), expected };
}

/** Triples (a, b, shift) for the arithmetic below the kernels, the ends of int32 included. */
function arithmeticInputs(c: Choice, count: number): Int32Array {
  const ends = [-(2 ** 31), 2 ** 31 - 1, -1, 0, 1, 2 ** 30, -(2 ** 30)];
  const word = () =>
    c.chance(0.2) ? c.pick(ends) : c.int(-(2 ** 31), 2 ** 31 - 1) >> c.int(0, 30);
  return Int32Array.from({ length: 3 * count }, (_, i) => (i % 3 === 2 ? c.int(-31, 31) : word()));
}

/** What probe_fixed of the driver computes for one triple. */
function arithmetic(a: number, b: number, shift: number): number[] {
  const positive = b & 0x7fffffff;
  const exponent = Math.abs(shift);
  return [
    saturatingRoundingDoublingHighMul(a, b),
    roundingDivideByPot(a, exponent),
    multiplyByQuantizedMultiplier(a, positive, shift),
    saturatingShiftLeft(a, Math.min(exponent, 30)),
    expOnNegativeValues(0 - positive),
    oneOverOnePlusX(positive),
    Math.clz32(positive | 1),
  ];
}

/** One case: fixed-point arithmetic on `count` random triples. */
export function encodeArithmetic(seed: number, count: number): CaseFile {
  const { kernels } = readSources();
  const inputs = arithmeticInputs(choices(seed, 0), count);
  const triples = Array.from({ length: count }, (_, i) => inputs.subarray(3 * i, 3 * i + 3));
  const want = Int32Array.from(triples.flatMap(([a, b, shift]) => arithmetic(a!, b!, shift!)));
  const kernel = kernels.indexOf('probe_fixed__ref');
  const head = wordsOf([1, want.byteLength, 0, 1, kernel, 1, count, 1, inputs.byteLength]);
  return {
    bytes: Buffer.concat([head, bytesOf(inputs)]),
    expected: [new Int8Array(want.buffer)],
  };
}
