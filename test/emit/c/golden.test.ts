import { test } from 'node:test';
import { emitC } from '../../../host/emit/c/emit-c.js';
import { traceJson } from '../../../host/emit/c/trace.js';
import { print } from '../../../host/ir/text.js';
import type { Lowered } from '../../../host/lower/lowered.js';
import { lower } from '../../../host/lower/pipeline.js';
import { assertGolden } from '../../golden.js';
import { networks } from '../../lower/networks.js';
import { testHash } from './host-build.js';

/** The plan, one value or scratch a line, by offset. */
function planText({ windows, plan, arenaBytes }: Lowered): string {
  const lines = [...windows]
    .map(([id, { offset, bytes }]) => ({ id, offset, bytes }))
    .sort((a, b) => a.offset - b.offset || (a.id < b.id ? -1 : 1))
    .map(({ id, offset, bytes }) => `${offset} + ${bytes}: %${id}`);
  const head = `arena ${arenaBytes}, lower bound ${plan.lowerBound}, peak at step ${plan.peakStep}`;
  return `${[head, ...lines].join('\n')}\n`;
}

for (const name of ['lenet', 'everything']) {
  test(`golden: lowered text, plan and C of ${name}`, () => {
    const lowered = lower(networks[name]!(1));
    assertGolden(`emit/c/${name}/lowered.txt`, print(lowered.graph));
    assertGolden(`emit/c/${name}/plan.txt`, planText(lowered));
    assertGolden(`emit/c/${name}/trace.json`, traceJson(lowered));
    for (const [file, text] of emitC(lowered, { modelHash: testHash })) {
      assertGolden(`emit/c/${name}/${file}`, text);
    }
  });
}
