import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadInputError, UnsupportedError } from '../../host/core/errors.js';
import type { Graph } from '../../host/ir/graph.js';
import { isIntegerOp, type OpName, opSpec, ops } from '../../host/ir/ops.js';
import { print } from '../../host/ir/text.js';

import { lower, passes } from '../../host/lower/pipeline.js';
import { assertSameBytes } from './assert-same-bytes.js';
import { formNetwork } from './form-networks.js';
import { network, networks, randomNetwork } from './networks.js';

const opNames = (graph: Graph) => graph.nodes.map((node) => node.op);
const lowered = (graph: Graph): Graph => ({ ...graph, stage: 'lowered' });

/** Random graphs grow large; a few dozen take a second. */
const counts: Readonly<Record<string, number>> = { random: 40, forms: 10 };
const seeds = (name: string) => Array.from({ length: counts[name] ?? 3 }, (_, i) => 3 + i);

const makers = { ...networks, random: randomNetwork, forms: formNetwork };

for (const [name, make] of Object.entries(makers)) {
  test(`no pass changes a byte of ${name}`, () => {
    for (const seed of seeds(name)) {
      let graph = lowered(make(seed));
      for (const pass of passes) {
        const after = pass.run(graph);
        assertSameBytes(graph, after, seed);
        assert.equal(print(pass.run(after)), print(after), `${pass.name} twice`);
        graph = after;
      }
      assert.equal(print(lower(make(seed)).graph), print(graph));
    }
  });
}

test('an op is lowered exactly when the op table says so', () => {
  for (const op of Object.keys(ops) as OpName[]) {
    assert.equal(isIntegerOp(op), opSpec(op).stages.includes('lowered'), op);
  }
});

test('a pad disappears into each convolution that reads it', () => {
  const n = network('pads', 1);
  const padded = n.pad(n.input([6, 6, 2]), [0, 0, 1, 2, 3, 0, 0, 0]);
  const a = n.conv(padded, 3, { pad: [1, 0, 0, 1] });
  const b = n.depthwise(padded, 1);
  const graph = n.finish(a, b);
  const { graph: after } = lower(graph);
  assert.deepEqual(opNames(after), ['conv2d', 'depthwiseConv2d']);
  const [conv, depthwise] = after.nodes as [never, never] as unknown as {
    attrs: { pad: number[] };
  }[];
  assert.deepEqual(conv!.attrs.pad, [2, 2, 3, 1]);
  assert.deepEqual(depthwise!.attrs.pad, [1, 2, 3, 0]);
  assertSameBytes(graph, after, 2);
});

test('a pad of channels, or before a pool, stays', () => {
  const n = network('pads', 1);
  const x = n.input([6, 6, 2]);
  const channels = n.conv(n.pad(x, [0, 0, 1, 1, 1, 1, 0, 1]), 3);
  const pooled = n.pool('maxPool2d', n.pad(x, [0, 0, 1, 1, 1, 1, 0, 0]), [2, 2]);
  assert.deepEqual(opNames(lower(n.finish(channels, pooled)).graph), [
    'pad',
    'conv2d',
    'pad',
    'maxPool2d',
  ]);
});

test('a depthwise convolution of one channel becomes a convolution', () => {
  const n = network('single', 1);
  const x = n.input([7, 6, 1]);
  const options = { kernel: [3, 2], stride: [2, 1], pad: 'same' } as const;
  const many = n.depthwise(x, 5, options);
  const perTensor = n.depthwise(x, 5, { ...options, bias: false, perAxis: false });
  const graph = n.finish(n.depthwise(many, 1), perTensor);
  const { graph: after } = lower(graph);
  assert.deepEqual(opNames(after), ['conv2d', 'conv2d', 'depthwiseConv2d']);
  assertSameBytes(graph, after, 6);
});

test('an activation becomes a clamp only where its operand has no other use', () => {
  const n = network('clamps', 1);
  const x = n.input([4, 4, 2]);
  const merged = n.activation('relu6', n.activation('relu', n.conv(x, 2)));
  const shared = n.conv(x, 2);
  const kept = n.activation('relu', shared);
  const rescaled = n.activation('relu', n.conv(x, 2), true);
  const graph = n.finish(merged, n.binary('add', shared, kept), rescaled);
  const { graph: after } = lower(graph);
  assert.deepEqual(opNames(after), ['conv2d', 'conv2d', 'relu', 'conv2d', 'relu', 'add']);
  assertSameBytes(graph, after, 3);
});

test('an activation over a clamp that excludes it gives its nearest bound', () => {
  const n = network('clamps', 1);
  const x = n.input([4]);
  const zero = n.quantOf(x).zeroPoint[0]!;
  const below = n.builder.add('add', [x, x], { clamp: [-128, zero - 5] }, { quant: n.quantOf(x) });
  const graph = n.finish(n.activation('relu', below));
  const { graph: after } = lower(graph);
  assert.deepEqual(opNames(after), ['add']);
  assertSameBytes(graph, after, 4);
});

test('what depends on constants alone is computed at once', () => {
  const n = network('constants', 1);
  const x = n.input([3, 4]);
  const table = n.activation('relu', n.binary('mul', n.constant([3, 1]), n.constant([4])));
  const graph = n.finish(n.binary('add', x, table));
  const { graph: after } = lower(graph);
  assert.deepEqual(opNames(after), ['add']);
  assertSameBytes(graph, after, 5);
});

test('a reshape costs nothing: no step, the same window', () => {
  const n = network('reshapes', 1);
  const x = n.input([4, 6]);
  const y = n.reshape(n.reshape(x, [24]), [2, 12]);
  const result = lower(n.finish(n.activation('relu', y), y));
  assert.deepEqual(
    result.steps.map(({ node }) => node.op),
    ['relu'],
  );
  assert.deepEqual(result.windows.get(y), result.windows.get(x));
  assert.deepEqual(result.outputs[1], result.inputs[0]);
  assert.notDeepEqual(result.outputs[0], result.outputs[1]);
});

test('steps carry multiply-accumulates, window and source', () => {
  const { steps, arenaBytes, plan } = lower(networks.lenet!(1));
  assert.equal(steps[0]!.macs, 12 * 12 * 4 * 25);
  assert.equal(steps[0]!.kernel.name, 'enn_conv2d_s8__ref');
  for (const { window, source, node } of steps) {
    assert.equal(source, node.output);
    assert.ok(window.offset >= 0 && window.offset + window.bytes <= arenaBytes);
  }
  assert.ok(arenaBytes >= plan.lowerBound);
});

test('a batch, a float op and a constant output are refused', () => {
  const n = network('refused', 1);
  const x = n.input([4]);
  const constant = n.finish(x, n.constant([3]));
  assert.throws(() => lower(constant), { name: UnsupportedError.name, message: /output %const/ });
  const batched = { ...constant, outputs: [x] };
  const values = new Map(batched.values).set(x, { ...batched.values.get(x)!, shape: [2, 4] });
  assert.throws(() => lower({ ...batched, values }), {
    name: BadInputError.name,
    message: /batch 1/,
  });
});

test('an op that only moves bytes cannot change their scale', () => {
  const graph = networks.everything!(1);
  for (const op of ['maxPool2d', 'avgPool2d', 'pad', 'reshape'] as const) {
    const node = graph.nodes.find((each) => each.op === op)!;
    const value = graph.values.get(node.output)!;
    const scale = Float32Array.of(2 * value.quant!.scale[0]!);
    const other = { ...value, quant: { ...value.quant!, scale } };
    const values = new Map([...graph.values, [value.id, other]]);
    assert.throws(() => lower({ ...graph, values }), {
      name: 'BadInputError',
      message: new RegExp(`${op} %${value.id} changes scale or zero point`),
      hint: /requantize/,
    });
  }
});
