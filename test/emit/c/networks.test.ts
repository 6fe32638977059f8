/** Whole random networks on every core that an emulator has; `npm run fuzz` draws more of them. */
import { test } from 'node:test';
import { getBoard } from '../../../host/board/boards.js';
import { lacking } from '../../board/support.js';
import { sample } from '../../quick.js';
import { hasTool } from './host-build.js';
import { fuzzNetwork, networkTargets } from './network-fuzz.js';

/** EDGE_NN_SEEDS=20-60 tests another range of seeds. */
const [first, last] = (process.env.EDGE_NN_SEEDS ?? '1-6').split('-').map(Number);
const seeds = Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);

/** Seeds that found a defect. */
const regressionSeeds: readonly number[] = [2002, 2048];

for (const target of networkTargets) {
  for (const seed of sample([...seeds, ...regressionSeeds])) {
    test(`${target}: random network ${seed} equals the oracle at every step`, async (t) => {
      const reason =
        target === 'host'
          ? !hasTool('cc') && 'no C compiler `cc` here'
          : await lacking(getBoard(target).name);
      if (reason) return t.skip(reason);
      fuzzNetwork(target, seed);
    });
  }
}
