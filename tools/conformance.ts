/**
 * Runs a file of worked examples through the engine: one line a case, then the counts.
 *
 *     npm run conformance -- ../shared/data/worked-examples.json
 *
 * Exit code 0 when all passed, 10 when one failed (an unknown op or kind is a failure), 2 without a
 * file, 3 for a file that holds no examples.
 */
import { readFileSync } from 'node:fs';
import { EdgeNnError, exitCodes } from '../host/core/errors.js';
import { createEngine } from '../host/engine/engine.js';
import { runExamples } from '../test/conformance/run.js';

function read(file: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    console.error(`${file}: ${(error as Error).message}`);
    process.exit(exitCodes.badInput);
  }
}

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error('usage: conformance FILE.json');
  process.exit(exitCodes.usage);
}
try {
  const outcomes = runExamples(await createEngine(), read(file));
  for (const { name, problem } of outcomes) {
    console.log(problem === undefined ? `ok   ${name}` : `FAIL ${name}: ${problem}`);
  }
  const failed = outcomes.filter(({ problem }) => problem !== undefined).length;
  console.log(`${outcomes.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? exitCodes.ok : exitCodes.gate;
} catch (error) {
  console.error((error as Error).message);
  process.exit(error instanceof EdgeNnError ? error.code : exitCodes.internal);
}
