import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { packageFile } from '../../host/core/package.js';
import { dtypeCodes } from '../../host/link/describe.js';
import { protocol } from '../../host/link/protocol.js';

/** The numbers that a header defines, in its order. */
function definesOf(file: string, prefix: string): [string, number][] {
  const text = readFileSync(packageFile('device', file), 'utf8');
  const lines = text.matchAll(new RegExp(`^#define ${prefix}(\\w+) (0x[0-9A-F]+|\\d+)u$`, 'gm'));
  return [...lines].map(([, name, value]) => [name!, Number(value)]);
}

const camelCase = (name: string): string =>
  name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

test('host and device agree on every number of the protocol', () => {
  const defines = definesOf('enn_protocol.h', 'ENN_');
  assert.ok(defines.length > 20);
  assert.deepEqual(
    defines.map(([name, value]) => [camelCase(name), value]),
    Object.entries(protocol),
  );
});

test('host and device agree on the codes of element types', () => {
  const defines = definesOf('enn_model.h', 'ENN_DTYPE_');
  assert.deepEqual(
    defines.map(([name, value]) => [value, name.toLowerCase()]),
    [...dtypeCodes],
  );
});
