import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Trace, traceJson } from '../../../host/emit/c/trace.js';
import { lower } from '../../../host/lower/pipeline.js';
import { networks } from '../../lower/networks.js';

test('trace.json says where each step puts which value of the int8 graph', () => {
  const graph = networks.residual!(1);
  const lowered = lower(graph);
  const trace = JSON.parse(traceJson(lowered)) as Trace;
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
