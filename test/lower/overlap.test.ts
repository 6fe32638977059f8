import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elements } from '../../host/core/shape.js';
import type { Graph } from '../../host/ir/graph.js';
import { pixelsPerBlock } from '../../host/lower/lowered.js';
import type { StepNode } from '../../host/lower/lowered-ops.js';
import { overlapsOf } from '../../host/lower/overlap.js';
import { network, randomIntegers } from './networks.js';

/** The lowest input byte that each output byte's kernel reads, by the definition of the window. */
function lowestReads(graph: Graph): number[] {
  const node = graph.nodes[0] as StepNode & { op: 'conv2d' };
  const [, h, w, inC] = graph.values.get(node.inputs[0]!)!.shape as [
    number,
    number,
    number,
    number,
  ];
  const [, outH, outW, outC] = graph.values.get(node.output)!.shape as [
    number,
    number,
    number,
    number,
  ];
  const [, kh, kw] = graph.values.get(node.inputs[1]!)!.shape as [number, number, number];
  const { stride, pad, dilation } = node.attrs;
  const reads: number[] = [];
  for (let i = 0; i < outH; i++) {
    for (let j = 0; j < outW; j++) {
      let lowest = Number.POSITIVE_INFINITY;
      for (let u = 0; u < kh; u++) {
        for (let v = 0; v < kw; v++) {
          const row = i * stride[0] + u * dilation[0] - pad[0];
          const column = j * stride[1] + v * dilation[1] - pad[2];
          if (row < 0 || row >= h || column < 0 || column >= w) continue;
          lowest = Math.min(lowest, (row * w + column) * inC);
        }
      }
      for (let o = 0; o < outC; o++) reads.push(lowest);
    }
  }
  return reads;
}

/** max over k of k - (lowest byte read after k was written) + 1 */
function bruteForce(reads: readonly number[]): number {
  let later = Number.POSITIVE_INFINITY;
  let distance = Number.NEGATIVE_INFINITY;
  for (let k = reads.length - 1; k >= 0; k--) {
    distance = Math.max(distance, k - later + 1);
    later = Math.min(later, reads[k]!);
  }
  return distance;
}

test('the distance of a convolution covers every read', () => {
  const next = randomIntegers(5);
  for (let round = 0; round < 200; round++) {
    const n = network('conv', round);
    const x = n.input([next(1, 6), next(1, 6), next(1, 3)]);
    const dilation = [next(1, 2), next(1, 2)] as const;
    const kernel = [next(1, 3), next(1, 3)] as const;
    const y = n.conv(x, next(1, 4), {
      kernel,
      dilation,
      stride: [next(1, 3), next(1, 3)],
      pad: [0, 1, 2, 3].map(() => next(3, 4)) as unknown as [number, number, number, number],
      bias: false,
    });
    const graph = n.finish(y);
    const [overlap] = overlapsOf(graph, graph.nodes[0] as StepNode, 'pixels');
    const exact = bruteForce(lowestReads(graph));
    // A window in the padding reads nothing; its corner counts as the image's border here.
    assert.ok(overlap!.minDistance >= exact || exact === Number.NEGATIVE_INFINITY);
    assert.ok(overlap!.minDistance <= elements(graph.values.get(y)!.shape));
  }
});

test('a window without padding gets the exact distance', () => {
  const next = randomIntegers(6);
  for (let round = 0; round < 100; round++) {
    const n = network('conv', round);
    const x = n.input([next(3, 7), next(3, 7), next(1, 3)]);
    const options = { kernel: [next(1, 3), next(1, 3)], stride: [next(1, 2), next(1, 2)] } as const;
    const graph = n.finish(n.conv(x, next(1, 4), options));
    const exact = bruteForce(lowestReads(graph));
    if (exact === Number.NEGATIVE_INFINITY) continue;
    const [overlap] = overlapsOf(graph, graph.nodes[0] as StepNode, 'pixels');
    assert.equal(overlap!.minDistance, exact);
  }
});

/** As bruteForce, for a kernel that reads the windows of some pixels before it writes them. */
function bruteForceBlocks(reads: readonly number[], channels: number, pixels: number): number {
  let distance = Number.NEGATIVE_INFINITY;
  for (let end = pixels * channels; end < reads.length; end += pixels * channels) {
    const later = reads.slice(end).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    distance = Math.max(distance, end - 1 - later + 1);
  }
  return distance;
}

test('blocks of pixels get the exact distance, and never a larger one than single pixels', () => {
  const next = randomIntegers(8);
  let compared = 0;
  for (let round = 0; round < 100; round++) {
    const n = network('conv', round);
    const x = n.input([next(3, 7), next(3, 7), next(1, 3)]);
    const channels = next(1, 4);
    const options = { kernel: [next(1, 3), next(1, 3)], stride: [next(1, 2), next(1, 2)] } as const;
    const graph = n.finish(n.conv(x, channels, options));
    const node = graph.nodes[0] as StepNode;
    const [pixels] = overlapsOf(graph, node, 'pixels');
    for (const order of ['blocks', 'blocks3'] as const) {
      const exact = bruteForceBlocks(lowestReads(graph), channels, pixelsPerBlock[order]);
      if (exact === Number.NEGATIVE_INFINITY) continue;
      const [blocks] = overlapsOf(graph, node, order);
      assert.equal(blocks!.minDistance, exact);
      assert.ok(blocks!.minDistance <= pixels!.minDistance);
      compared++;
    }
  }
  assert.ok(compared > 100);
});

test('element by element works in place, except on the operand that is broadcast', () => {
  const n = network('add', 1);
  const [a, b] = [n.input([4, 4, 3]), n.input([1, 1, 3])];
  const graph = n.finish(n.binary('add', b, a));
  const overlaps = overlapsOf(graph, graph.nodes[0] as StepNode, 'elements');
  assert.deepEqual(overlaps, [{ input: a, minDistance: 0 }]);
  assert.deepEqual(overlapsOf(graph, graph.nodes[0] as StepNode, 'any'), []);
});
