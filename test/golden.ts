/**
 * Golden files: text that must not change unnoticed. `UPDATE_GOLDEN=1 npm test` rewrites them.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { packageFile } from '../host/core/package.js';

/** Compares text with `test/golden/<path>`, or writes it there. */
export function assertGolden(path: string, text: string): void {
  const file = packageFile('test', 'golden', path);
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return;
  }
  assert.ok(existsSync(file), `test/golden/${path} is missing; UPDATE_GOLDEN=1 npm test writes it`);
  assert.equal(text, readFileSync(file, 'utf8'), `test/golden/${path}`);
}
