/**
 * Whole random networks, emitted as C, on a target against the oracle: every step, every output.
 */
import assert from 'node:assert/strict';
import { getBoard, targetOf } from '../../../host/board/boards.js';
import { EdgeNnError } from '../../../host/core/errors.js';
import { elements } from '../../../host/core/shape.js';
import { type Graph, getValue } from '../../../host/ir/graph.js';
import { print } from '../../../host/ir/text.js';
import { archs, type Lowered, type Target } from '../../../host/lower/lowered.js';
import { lower } from '../../../host/lower/pipeline.js';
import { createOracle } from '../../../host/quant/interpret/interpret.js';
import { channelsOf } from '../../lower/assert-same-bytes.js';
import { formNetwork } from '../../lower/form-networks.js';
import { mixedNetwork } from '../../lower/mixed.js';
import { randomInputs, randomIntegers, randomNetwork } from '../../lower/networks.js';
import { prunedNetwork } from '../../lower/pruned.js';
import { rowNetwork } from '../../lower/row-networks.js';
import { buildEmulated } from './emulated-build.js';
import { buildOnHost, type HostModel, type Observed } from './host-build.js';

/** `host` runs the kernels of all cores in plain C, under sanitizers. */
export const networkTargets = [
  'host',
  'mps2-an386',
  'mps3-an547',
  'mps2-an385-v6m',
  'mps2-an385',
  'microbit',
] as const;
export type NetworkTarget = (typeof networkTargets)[number];

const makers: readonly ((seed: number) => Graph)[] = [
  mixedNetwork,
  mixedNetwork,
  prunedNetwork,
  randomNetwork,
  rowNetwork,
];

/** The network of a seed. */
const fuzzedNetwork = (seed: number): Graph =>
  seed % 7 === 6 ? formNetwork(seed) : makers[seed % makers.length]!(seed);

/** Random inputs, then the ends of the range. */
function inputsOf(graph: Graph, seed: number): Int8Array[][] {
  const all = (fill: (i: number) => number) =>
    graph.inputs.map((id) =>
      Int8Array.from({ length: elements(getValue(graph, id).shape) }, (_, i) => fill(i)),
    );
  const next = randomIntegers(seed + 100);
  return [
    randomInputs(graph, seed),
    randomInputs(graph, seed + 1),
    all(() => -128),
    all(() => 127),
    all(() => (next(0, 1) === 0 ? -128 : 127)),
  ];
}

/** One network in four computes its first layers by rows, where they can be, some as they arrive. */
function lowered(graph: Graph, target: Target, seed: number): Lowered {
  const whole = lower(graph, target);
  if (seed % 4 !== 0) return whole;
  const ram = Math.floor(whole.arenaBytes * 0.8);
  try {
    return lower(graph, target, seed % 8 === 0 ? { ram } : { streamInput: true });
  } catch (error) {
    if (error instanceof EdgeNnError) return whole;
    throw error;
  }
}

function compare(graph: Graph, { steps }: Lowered, inputs: Int8Array[], observed: Observed): void {
  const expected = createOracle(graph).runAll(inputs);
  observed.steps.forEach((bytes, k) => {
    const { source, node, channels, kernel } = steps[k]!;
    const whole = expected.get(source)!;
    const count = getValue(graph, source).shape.at(-1)!;
    const own = channels ? channelsOf(whole, count, channels) : whole;
    assert.deepEqual(bytes, own, `step ${k}: ${node.op} %${source} by ${kernel.name}`);
  });
  observed.outputs.forEach((bytes, k) => {
    assert.deepEqual(bytes, expected.get(graph.outputs[k]!), `output ${k}`);
  });
}

function check(graph: Graph, target: Target, seed: number, build: (l: Lowered) => HostModel): void {
  const low = lowered(graph, target, seed);
  const model = build(low);
  try {
    const inputs = inputsOf(graph, seed);
    for (const [i, observed] of model.run(inputs).entries()) {
      compare(graph, low, inputs[i]!, observed);
    }
  } finally {
    model.dispose();
  }
}

/**
 * Runs one network on a target.
 *
 * @throws Error that names seed, target and what differs, with the graph
 */
export function fuzzNetwork(target: NetworkTarget, seed: number): void {
  const graph = fuzzedNetwork(seed);
  try {
    if (target === 'host') {
      for (const arch of archs) check(graph, { arch, align: 4 }, seed, (l) => buildOnHost(l));
    } else {
      check(graph, targetOf(getBoard(target)), seed, (l) => buildEmulated(l, target));
    }
  } catch (cause) {
    const again = `--networks 1 --cases 0 --seed ${seed} --target ${target}`;
    const said = `${(cause as Error).message}\n${print(graph)}`;
    throw new Error(`network ${seed} on ${target} (${again}): ${said}`, { cause });
  }
}
