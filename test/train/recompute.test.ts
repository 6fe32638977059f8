/**
 * Values that are computed again in the backward pass: the same bytes in less memory.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine } from '../../host/engine/engine.js';
import { bytesAfterSteps, networks, trainingStep } from '../engine/training-step.js';

const engine = await createEngine();

/** The part of the arena that is left, at most; LeNet-5 has nothing cheap that takes memory. */
const most: Readonly<Record<(typeof networks)[number], number>> = {
  lenet5: 1,
  resnet8: 0.9,
  'ds-cnn': 0.65,
};

for (const net of networks) {
  test(`${net}: recomputing leaves the same bytes and takes less memory`, async () => {
    const kept = await trainingStep(engine, net);
    const again = await trainingStep(engine, net, { recompute: true });
    const ratio = again.program.arenaBytes / kept.program.arenaBytes;
    assert.ok(ratio <= most[net], `the arena is ${ratio.toFixed(2)} of what it was`);
    assert.equal(
      await bytesAfterSteps(engine, net, { recompute: true }),
      await bytesAfterSteps(engine, net),
    );
  });
}
