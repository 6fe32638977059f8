/** The numbers of an optimizer on the command line. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadCheckpoint } from '../../host/train/checkpoint.js';
import { cliFailure, cliJson, data, scratch, testData, writeProject } from './cli.js';

test('--hyper sets the numbers of the optimizer, and refuses what it has not', async (t) => {
  const cwd = scratch(t);
  writeProject(cwd);
  const train = ['train', 'model.ts', ...data, ...testData, '--epochs', '1', '--out', 'runs'];
  await cliJson([...train, '--optimizer', 'adam', '--hyper', 'beta1=0.8, beta2=0.99'], { cwd });
  const { setup } = loadCheckpoint(readFileSync(join(cwd, 'runs', 'last.safetensors')));
  assert.deepEqual(setup.optimizer.hyper, { beta1: 0.8, beta2: 0.99, epsilon: 1e-8 });
  for (const [hyper, message] of [
    ['momentum=0.9', /adam has no momentum/],
    ['beta1', /'beta1' is no name=number/],
    ['beta1=x', /'beta1=x' is no name=number/],
  ] as const) {
    const error = await cliFailure([...train, '--optimizer', 'adam', '--hyper', hyper], 2, { cwd });
    assert.match(error.message, message);
  }
});
