import assert from 'node:assert/strict';
import { test } from 'node:test';
import { debug, timed } from '../../host/core/debug.js';

/** What the given EDGE_NN_DEBUG prints. */
function printed(level: string | undefined): string {
  const before = process.env.EDGE_NN_DEBUG;
  const write = process.stderr.write;
  let text = '';
  process.stderr.write = ((chunk: string) => {
    text += chunk;
    return true;
  }) as typeof process.stderr.write;
  try {
    if (level === undefined) delete process.env.EDGE_NN_DEBUG;
    else process.env.EDGE_NN_DEBUG = level;
    assert.equal(
      timed('work', () => 7),
      7,
    );
    debug('graph', 'a graph', () => 'nodes\n');
  } finally {
    process.stderr.write = write;
    if (before === undefined) delete process.env.EDGE_NN_DEBUG;
    else process.env.EDGE_NN_DEBUG = before;
  }
  return text;
}

test('each rung of the debug ladder prints what the ones below do, and more', () => {
  assert.equal(printed(undefined), '');
  assert.match(printed('1'), /^--- work: [\d.]+ ms\n$/);
  assert.match(printed('2'), /^--- work: [\d.]+ ms\n--- a graph\nnodes\n$/);
});
