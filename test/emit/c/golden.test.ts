import { test } from 'node:test';
import { emitC } from '../../../host/emit/c/emit-c.js';
import { traceJson } from '../../../host/emit/c/trace.js';
import { print } from '../../../host/ir/text.js';
import { lower } from '../../../host/lower/pipeline.js';
import { placementText } from '../../../host/lower/place.js';
import { assertGolden } from '../../golden.js';
import { networks } from '../../lower/networks.js';
import { testHash } from './host-build.js';

for (const name of ['lenet', 'everything']) {
  test(`golden: lowered text, plan and C of ${name}`, () => {
    const lowered = lower(networks[name]!(1));
    assertGolden(`emit/c/${name}/lowered.txt`, print(lowered.graph));
    assertGolden(`emit/c/${name}/plan.txt`, placementText(lowered));
    assertGolden(`emit/c/${name}/trace.json`, traceJson(lowered));
    for (const [file, text] of emitC(lowered, { modelHash: testHash })) {
      assertGolden(`emit/c/${name}/${file}`, text);
    }
  });
}
