/** The verbs as functions, called from JavaScript, which checks no types. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bench,
  compile,
  convert,
  evaluate,
  flash,
  info,
  quantize,
  run,
  train,
  UsageError,
} from '../../host/index.js';

const verbs = { bench, compile, convert, evaluate, flash, info, quantize, run, train };

for (const [name, verb] of Object.entries(verbs)) {
  test(`${name} names the option that is missing or no text`, async () => {
    const call = verb as (options?: unknown) => Promise<unknown>;
    for (const options of [undefined, {}, { model: 3, file: 3, build: 3, data: 3 }]) {
      await assert.rejects(call(options), (error: unknown) => {
        assert.ok(error instanceof UsageError, String(error));
        assert.match(error.message, new RegExp(`^${name} needs the option [a-z]+, a text$`));
        return true;
      });
    }
  });
}
