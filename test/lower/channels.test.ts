import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elements } from '../../host/core/shape.js';
import { borderOf } from '../../host/ir/border.js';
import { type Graph, getValue } from '../../host/ir/graph.js';
import { parse } from '../../host/ir/parse.js';
import { dataHash, print } from '../../host/ir/text.js';
import { dropChannels } from '../../host/lower/passes/drop-channels.js';
import { foldChannels } from '../../host/lower/passes/fold-channels.js';
import { lower, passes } from '../../host/lower/pipeline.js';
import { createOracle } from '../../host/quant/interpret/interpret.js';
import { assertGolden } from '../golden.js';
import { assertSameBytes } from './assert-same-bytes.js';
import { network, networks, randomInputs, randomNetwork } from './networks.js';
import { paddedNetwork, pruned, prunedNetwork } from './pruned.js';

const lowered = (graph: Graph): Graph => ({ ...graph, stage: 'lowered' });

/** Channels of all computed values. */
const channelCount = (graph: Graph): number =>
  graph.nodes.reduce((sum, { output }) => sum + (getValue(graph, output).shape.at(-1) ?? 1), 0);

/** Runs all passes, each of which may change no byte. */
function lowerStepwise(source: Graph, seed: number): Graph {
  let graph = lowered(source);
  for (const pass of passes) {
    const after = pass.run(graph);
    assertSameBytes(graph, after, seed);
    assert.equal(print(pass.run(after)), print(after), `${pass.name} twice`);
    graph = after;
  }
  return graph;
}

test('lowered networks with dead channels equal their source in the channels that are left', () => {
  let [before, after, borders] = [0, 0, 0];
  for (let seed = 1; seed <= 30; seed++) {
    const source = prunedNetwork(seed);
    const graph = lowerStepwise(source, seed);
    assertSameBytes(lowered(source), graph, seed);
    before += channelCount(source);
    after += channelCount(graph);
    borders += graph.nodes.filter((node) => borderOf(node)).length;
  }
  assert.ok(after < 0.7 * before, `${after} of ${before} channels are left`);
  assert.ok(borders >= 5, `${borders} layers have a border`);
});

test('random graphs with dead channels, branches and several outputs', () => {
  const sources = Array.from({ length: 12 }, (_, i) => randomNetwork(i + 100));
  for (const [name, make] of Object.entries(networks)) sources.push(pruned(make(7), name.length));
  sources.forEach((source, i) => {
    lowerStepwise(pruned(source, i), i);
  });
});

test('a channel that is constant behind padding becomes a bias with a border', () => {
  const source = lowered(paddedNetwork());
  const folded = foldChannels(source);
  const dropped = dropChannels(folded);
  assertGolden('lower/channels/source.txt', print(source));
  assertGolden('lower/channels/folded.txt', print(folded));
  assertGolden('lower/channels/dropped.txt', print(dropped));
  const last = dropped.nodes.at(-1)!;
  assert.deepEqual(borderOf(last), [1, 1, 1, 1]);
  assert.deepEqual(getValue(dropped, last.inputs[2]!).shape, [3, 3, 3]);
  assert.deepEqual(
    dropped.nodes.map(({ output }) => getValue(dropped, output).channels),
    [[0, 2], [0, 2], undefined],
  );
  assertSameBytes(source, dropped, 1);
});

test('the text of a graph with borders and dropped channels reads back', () => {
  const graph = dropChannels(foldChannels(lowered(paddedNetwork())));
  const contents = new Map([...graph.data].map(([id, data]) => [dataHash(graph, id), data]));
  const again = parse(print(graph), (hash) => contents.get(hash));
  assert.equal(print(again), print(graph));
  for (const [id, { channels }] of graph.values) {
    assert.deepEqual(getValue(again, id).channels, channels, id);
  }
});

test('a border that costs more than its channel is not made', () => {
  const n = network('strided', 5);
  // Every third row and column of outputs meets another part of the border pattern.
  const x = n.conv(n.input([9, 9, 2]), 2, { pad: 'same' });
  const y = n.depthwise(x, 1, { pad: [4, 4, 4, 4], kernel: [9, 9] });
  const source = n.finish(n.conv(y, 3, { kernel: [1, 1] }));
  const data = new Map(source.data);
  const [w, b] = source.nodes[0]!.inputs.slice(1) as [string, string];
  data.set(
    w,
    (data.get(w) as Int8Array).map((value, i) => (i < 18 ? 0 : value)),
  );
  data.set(b, Int32Array.of(30000, 0));
  const graph = foldChannels(lowered({ ...source, data }));
  assert.deepEqual(graph.nodes.map(borderOf), [undefined, undefined, undefined]);
});

test('outputs keep all their channels, and constant ones are right', () => {
  const n = network('outputs', 2);
  const x = n.conv(n.input([4, 4, 2]), 6, { relu: true });
  const source = pruned(n.finish(x, n.conv(x, 5, { kernel: [1, 1] })), 4);
  const { graph } = lower(source);
  const inputs = randomInputs(source, 1);
  assert.deepEqual(createOracle(graph).run(inputs), createOracle(source).run(inputs));
  for (const id of graph.outputs) {
    assert.equal(getValue(graph, id).channels, undefined);
    assert.equal(elements(getValue(graph, id).shape), elements(getValue(source, id).shape));
  }
});

test('a network whose weights are all zero still computes its outputs', () => {
  const source = networks.lenet!(1);
  const data = new Map(source.data);
  for (const { inputs } of source.nodes) {
    const w = inputs[1] === undefined ? undefined : data.get(inputs[1]);
    if (w) data.set(inputs[1]!, new Int8Array(w.length));
  }
  const zero = { ...source, data };
  const { graph } = lower(zero);
  const inputs = randomInputs(zero, 1);
  assert.deepEqual(createOracle(graph).run(inputs), createOracle(zero).run(inputs));
});
