/**
 * Worked examples: those of the textbook, where its file lies beside the repository; small ones
 * worked by hand; and many that PyTorch and NumPy computed (fixtures/computed-examples.py), of every
 * op, forward and gradient, in the spellings that cases come in.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { packageFile } from '../../host/core/package.js';
import { createEngine } from '../../host/engine/engine.js';
import type { Example } from '../conformance/example.js';
import { runExample, runExamples } from '../conformance/run.js';
import { sharedData } from '../shared-data.js';
import { ownExamples } from './fixtures/own-examples.js';
import { ownSpellings } from './fixtures/own-spellings.js';
import { ownTraining } from './fixtures/own-training.js';

const file = sharedData('worked-examples.json');
const engine = await createEngine();

const examples: readonly Example[] = existsSync(file)
  ? JSON.parse(readFileSync(file, 'utf8')).cases
  : [];
test('the examples of the textbook', { skip: examples.length === 0 && `no ${file}` }, async (t) => {
  for (const example of examples) await t.test(example.name, () => runExample(engine, example));
});

const computed: readonly Example[] = JSON.parse(
  readFileSync(packageFile('test', 'train', 'fixtures', 'computed-examples.json'), 'utf8'),
).cases;
test('the examples that PyTorch and NumPy computed', async (t) => {
  for (const example of computed) {
    await t.test(`${example.kind} ${example.name}`, () => runExample(engine, example));
  }
});

for (const example of [...ownExamples, ...ownSpellings, ...ownTraining]) {
  test(`worked by hand: ${example.kind} ${example.name}`, () => runExample(engine, example));
}

test('unknown kinds, ops and wrong numbers are failures, each with its reason', () => {
  const x = { shape: [1], data: [1] };
  const cases = [
    { name: 'a', kind: 'dream' },
    { name: 'b', kind: 'forward', op: 'nop', inputs: { x }, expect: { y: x } },
    { name: 'c', kind: 'forward', op: 'relu', inputs: { x }, expect: { y: { ...x, data: [2] } } },
    { name: 'd', kind: 'forward', op: 'relu', inputs: { x }, expect: { y: { ...x, shape: [2] } } },
    { name: 'e', kind: 'optimizer', optimizer: 'magic', params: { learningRate: 1 } },
    { name: 'f', kind: 'forward', op: 'relu', inputs: { x }, expect: { y: x } },
  ];
  const problems = runExamples(engine, { cases }).map(({ problem }) => problem);
  assert.match(problems[0]!, /no kind dream/);
  assert.match(problems[1]!, /no op nop/);
  assert.match(problems[2]!, /y\[0\] is 1, expected 2/);
  assert.match(problems[3]!, /shape/);
  assert.match(problems[4]!, /no optimizer magic/);
  assert.equal(problems[5], undefined);
  assert.throws(() => runExamples(engine, {}), { code: 3 });
});
