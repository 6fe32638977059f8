import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AnyArray, bytesOf } from '../../../host/core/dtype.js';
import { constantBytes, modelFolder } from '../../../host/emit/c/folder.js';
import type { Trace } from '../../../host/emit/c/trace.js';
import { lower } from '../../../host/lower/pipeline.js';
import { createOracle } from '../../../host/quant/interpret.js';
import { networks, randomInputs } from '../../lower/networks.js';
import { hasTool, testHash } from './host-build.js';

/** The environment without what could lead a build back to this package. */
const plain = { PATH: process.env.PATH ?? '/usr/bin:/bin' };

const joined = (arrays: readonly AnyArray[]): Buffer => Buffer.concat(arrays.map(bytesOf));

test('the folder builds with CMake alone, and its example computes what the oracle does', (t) => {
  if (!hasTool('cmake') || !hasTool('cc')) return t.skip('no `cmake` and `cc` here');
  const dir = mkdtempSync(join(tmpdir(), 'enn-folder-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const graph = networks.branches!(4);
  for (const [name, text] of modelFolder(lower(graph), { modelHash: testHash })) {
    writeFileSync(join(dir, name), text);
  }
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { cwd: dir, env: plain, stdio: ['ignore', 'pipe', 'pipe'] });
  run('cmake', '-S', '.', '-B', 'build');
  run('cmake', '--build', 'build');
  const inputs = randomInputs(graph, 7);
  writeFileSync(join(dir, 'input.bin'), joined(inputs));
  const output = run('build/example', 'input.bin');
  const expected = createOracle(graph).run(inputs);
  assert.deepEqual(output, joined(expected));
});

test('the folder names its sizes and holds further files', () => {
  const lowered = lower(networks.lenet!(1));
  const files = modelFolder(lowered, {
    modelHash: testHash,
    files: new Map([['LICENSE', 'Apache-2.0\n']]),
  });
  assert.equal(files.get('LICENSE'), 'Apache-2.0\n');
  assert.match(
    files.get('README.md')!,
    new RegExp(`arena \\(RAM\\) \\| ${lowered.arenaBytes} bytes`),
  );
  // Weights 4*25 + 6*9*4 + 20*24 + 10*20 bytes, biases (4 + 20 + 10) * 4; one conv has none.
  assert.equal(constantBytes(lowered), 100 + 216 + 480 + 200 + 34 * 4);
  const included = [...files.values()].join('\n').matchAll(/^#include "([^"]+)"$/gm);
  for (const [, name] of included) assert.ok(files.has(name!), name);
});

test('trace.json says where each step puts which value of the int8 graph', () => {
  const graph = networks.residual!(1);
  const lowered = lower(graph);
  const files = modelFolder(lowered, { modelHash: testHash });
  const trace = JSON.parse(files.get('trace.json')!) as Trace;
  assert.equal(trace.steps.length, lowered.steps.length);
  for (const { index, window, source, value, op } of trace.steps) {
    assert.deepEqual(window, lowered.windows.get(value));
    assert.ok(graph.values.has(source));
    assert.equal(op, lowered.steps[index]!.node.op);
  }
  assert.deepEqual(
    trace.outputs.map((output) => output.value),
    graph.outputs,
  );
  assert.deepEqual(trace.inputs[0]!.window, lowered.inputs[0]);
});
