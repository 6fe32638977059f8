import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zipSync } from 'fflate';
import { EdgeNnError } from '../../host/core/errors.js';
import { writeNpy } from '../../host/format/npy.js';
import { openNpz, readNpz, writeNpz } from '../../host/format/npz.js';

const x = { dtype: 'f32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } as const;
const y = { dtype: 's64', shape: [2], data: BigInt64Array.of(7n, -8n) } as const;
const stored = zipSync({ 'x.npy': writeNpy(x), 'y.npy': writeNpy(y) }, { level: 0 });
const deflated = writeNpz([
  ['x', x],
  ['y', y],
]);

test('npz: stored and deflated arrays are read; the same arrays give the same bytes', async () => {
  for (const bytes of [stored, deflated]) {
    assert.deepEqual(
      [...(await readNpz(bytes))],
      [
        ['x', x],
        ['y', y],
      ],
    );
  }
  assert.deepEqual(
    writeNpz([
      ['x', x],
      ['y', y],
    ]),
    deflated,
  );
});

test('npz: what does not fit into memory goes through a file', async () => {
  const archive = await openNpz(deflated, { memoryLimit: 10 });
  const source = await archive.open('x');
  assert.deepEqual(Buffer.from(source.read(0, source.size)), Buffer.from(writeNpy(x)));
  assert.throws(() => source.read(source.size - 1, 2), { code: 3 });
});

test('npz: damage is a typed error, a name that is not there lists those that are', async () => {
  await assert.rejects(async () => (await openNpz(stored)).open('z'), { code: 3, message: /x, y/ });
  for (const [name, bytes] of Object.entries({ stored, deflated })) {
    let refused = 0;
    for (let at = 0; at < bytes.length; at += 3) {
      const bad = Uint8Array.from(bytes);
      bad[at]! ^= 1 << (at % 8);
      await readNpz(bad).catch((error: unknown) => {
        assert.ok(error instanceof EdgeNnError, `${name}: ${error}`);
        refused++;
      });
      await assert.rejects(readNpz(bytes.subarray(0, at)), EdgeNnError);
    }
    assert.ok(refused > bytes.length / 6, `${refused} of ${bytes.length / 3} refused`);
  }
});
