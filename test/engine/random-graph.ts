/**
 * Random networks with states: an engine against the float64 reference over several runs.
 */
import assert from 'node:assert/strict';
import type { Engine } from '../../host/engine/engine.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import type { Graph, ValueId } from '../../host/ir/graph.js';
import { print } from '../../host/ir/text.js';
import { Source } from '../kernels/f32-source.js';
import { reference } from '../reference/reference.js';

const f32 = (...shape: number[]) => ({ shape, dtype: 'f32' }) as const;

export function floats(s: Source, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => s.normal());
}

/** A random network of ops that may run in place, reshape and broadcast, with states. */
function randomGraph(s: Source): Graph {
  const g = buildGraph({ name: 'g', stage: 'train' });
  const [n, c] = [4, 6];
  const pool: ValueId[] = [g.input(f32(n, c)), g.input(f32(n, c))];
  const states = Array.from({ length: 3 }, () => g.state(f32(n, c), floats(s, n * c)));
  const any = (): ValueId => s.pick(...pool, ...states);
  for (let i = s.int(4, 20); i > 0; i--) {
    const flat = (): ValueId =>
      g.add('reshape', [g.add('reshape', [any()], { shape: [c / 2, 2] })], { shape: [c] });
    const row = (): ValueId =>
      g.add('slice', [any()], { begin: [s.int(0, n - 1), 0], size: [1, c] });
    const makers = [
      () => g.add('relu', [any()], {}),
      () => g.add('tanh', [flat()], {}),
      () => g.add('add', [any(), any()], {}),
      () => g.add('mul', [flat(), row()], {}),
      () => g.add('sub', [row(), any()], {}),
      () => g.add('ema', [any(), any()], { decay: 0.5 }),
      () => g.add('reluGrad', [any(), any()], {}),
      () => g.add('softmax', [any()], {}),
      () => g.add('dense', [any(), g.constant(f32(c, c), floats(s, c * c))], {}),
    ];
    pool.push(s.pick(...makers)());
  }
  for (const state of states) if (s.int(0, 3) > 0) g.update(state, any());
  return g.finish([pool.at(-1)!, s.pick(...pool)]);
}

/** Values pass through a few dozen ops of condition about 1. */
const graphTolerance = 1e-4;

function close(got: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(got[i]! - expected[i]!) / Math.max(1, Math.abs(expected[i]!));
    assert.ok(error <= graphTolerance, `${what}: element ${i} is ${got[i]}, not ${expected[i]}`);
  }
}

/** Checks the network that a seed draws. */
export function checkRandomGraph(engine: Engine, seed: number): void {
  const s = new Source(seed);
  const graph = randomGraph(s);
  const program = engine.compile(graph);
  const feeds = new Map(graph.inputs.map((id) => [id, floats(s, 24)]));
  for (const [id, data] of feeds) program.write(id, data);
  let states = new Map<ValueId, ArrayLike<number>>();
  for (let run = 0; run < 3; run++) {
    const expected = reference(graph, new Map<ValueId, ArrayLike<number>>([...feeds, ...states]));
    program.run();
    const where = (id: ValueId): string => `seed ${seed} run ${run} %${id}\n${print(graph)}`;
    const updated = new Set(graph.states.flatMap((e) => (e.update ? [e.value] : [])));
    for (const id of graph.outputs) {
      if (!updated.has(id)) close(program.read(id) as Float32Array, expected.get(id)!, where(id));
    }
    states = new Map(graph.states.map((e) => [e.value, expected.get(e.update ?? e.value)!]));
    for (const [id, data] of states) close(program.read(id) as Float32Array, data, where(id));
  }
  program.dispose();
}
