/**
 * Kernels of int16 activations and of 4-bit weights against the oracle: seeded random layers.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findTool } from '../../host/board/toolchain/tools.js';
import { emulatorsOff, quick } from '../quick.js';
import { buildDriver, type FuzzTarget, fuzzArchs } from './fuzz-build.js';
import { fuzz } from './fuzz-run.js';
import { typedCase, typedKinds } from './fuzz-types.js';

type Tool = Parameters<typeof findTool>[0];

/** What a target needs, and how many cases of each kind it runs in a few seconds. */
const targets: Partial<Record<FuzzTarget, { needs: readonly Tool[]; cases: number }>> = {
  host: { needs: ['cc'], cases: 500 },
  virtual: { needs: [], cases: 200 },
  'mps2-an386': { needs: ['arm-none-eabi-gcc', 'qemu-system-arm'], cases: 200 },
};

const wanted = process.env.EDGE_NN_TARGET;

for (const [name, { needs, cases }] of Object.entries(targets)) {
  const target = name as FuzzTarget;
  test(`layers of other types equal the oracle on ${target}`, async (t) => {
    if (wanted && wanted !== target) return t.skip(`EDGE_NN_TARGET is ${wanted}`);
    if (needs.length > 1 && emulatorsOff) return t.skip(emulatorsOff);
    const found = await Promise.all(needs.map((tool) => findTool(tool)));
    const absent = needs.filter((_, i) => !found[i]);
    if (absent.length > 0) return t.skip(`${absent.join(', ')} not on this machine`);
    const driver = await buildDriver(target);
    t.after(() => driver.dispose());
    for (const arch of fuzzArchs[target]) {
      for (const kind of typedKinds) {
        const typed = (seed: number, index: number) => typedCase(kind, seed, index);
        await fuzz(driver, 1, 0, cases / (quick ? 10 : 1), arch, typed);
      }
    }
  });
}

test('typed cases hold every op, and 4-bit weights both ends of their range', () => {
  const all = Array.from({ length: 200 }, (_, i) => typedCase('s16', 1, i) ?? []).flat();
  assert.equal(new Set(all.map(({ graph }) => graph.nodes[0]!.op)).size, 15);
  const small = Array.from({ length: 60 }, (_, i) => typedCase('s8w4', 1, i) ?? []).flat();
  const numbers = small.flatMap(({ graph }) => [
    ...(graph.data.get(graph.nodes[0]!.inputs[1]!) as Int8Array),
  ]);
  assert.deepEqual([Math.min(...numbers), Math.max(...numbers)], [-8, 7]);
});
