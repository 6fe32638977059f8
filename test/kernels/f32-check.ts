/**
 * One random case of one op: an engine against the float64 reference, and against itself.
 */
import assert from 'node:assert/strict';
import { bytesOf } from '../../host/core/dtype.js';
import { sha256 } from '../../host/core/hash.js';
import type { Engine } from '../../host/engine/engine.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import type { Graph } from '../../host/ir/graph.js';
import { isOpName, type OpAttrs, type OpName, opSpec } from '../../host/ir/ops.js';
import { print } from '../../host/ir/text.js';
import { reference } from '../reference/reference.js';
import { type Case, makers } from './f32-cases.js';
import { contents, Source } from './f32-source.js';

/** Largest error of every engine, in units of the magnitude of what is summed. */
const tolerance = 4e-6;

/** The ops that engines have kernels for. */
export const floatOps: readonly OpName[] = Object.keys(makers)
  .filter(isOpName)
  .filter((op) => makers[op] !== null);

/** Dilated, strided, padded windows have the most shapes to get wrong. */
export const isWindowed = (op: OpName): boolean => /conv|pool/i.test(op);

function graphOf(op: OpName, { inputs, attrs }: Case): Graph {
  const stage = opSpec(op).stages.includes('train') ? 'train' : 'float';
  const g = buildGraph({ name: op, stage });
  const ids = inputs.map(({ shape, fill }) =>
    g.input({ shape, dtype: typeof fill === 'object' || fill === 'key' ? 's32' : 'f32' }),
  );
  return g.finish([g.add(op, ids, attrs as OpAttrs<typeof op>)]);
}

/** Checks the case that a seed draws. */
export function checkOp(engine: Engine, op: OpName, seed: number): void {
  const source = new Source(seed);
  const made = makers[op]!(source) as Case;
  const graph = graphOf(op, made);
  const feeds = new Map(graph.inputs.map((id, i) => [id, contents(made.inputs[i]!, source)]));
  const program = engine.compile(graph);
  for (const [id, data] of feeds) program.write(id, data);
  program.run();
  const output = graph.outputs[0]!;
  const got = program.read(output) as Float32Array;
  program.run();
  const again = program.read(output);
  assert.equal(sha256(bytesOf(again)), sha256(bytesOf(got)), `${op}: a second run differs`);
  const expected = reference(graph, feeds).get(output)!;
  const magnitude = Math.max(1, ...expected.map(Math.abs));
  got.forEach((value, i) => {
    const error = Math.abs(value - expected[i]!) / magnitude;
    assert.ok(
      error <= tolerance,
      `${op} seed ${seed}: element ${i} is ${value}, expected ${expected[i]}\n${print(graph)}`,
    );
  });
  program.dispose();
}
