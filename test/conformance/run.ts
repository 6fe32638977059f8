/**
 * Runs worked examples through the engine: one function per kind; a kind or an op that is not known
 * is a failure.
 */
import type { Engine } from '../../host/engine/engine.js';
import { type Example, fail, type Json } from './example.js';
import { fit } from './fits.js';
import { branches, forward, gradient, networkCase } from './kinds.js';
import { networkGradient } from './network-gradients.js';
import { ema, optimizer } from './training.js';

type Kind = (engine: Engine, example: Example) => void;

const kinds: Readonly<Record<string, Kind>> = {
  forward,
  gradient,
  'bn-gradient': (engine, example) => gradient(engine, { ...example, op: 'batchNorm' }),
  network: networkCase,
  branches,
  'network-gradient': networkGradient,
  optimizer,
  fit,
  ema,
};

/** Checks one example; raises an Error that says what is wrong. */
export function runExample(engine: Engine, example: Example): void {
  const kind = kinds[example.kind] ?? fail(`there is no kind ${example.kind}`);
  kind(engine, example);
}

export interface Outcome {
  readonly name: string;
  /** What is wrong; undefined for an example that passed. */
  readonly problem?: string;
}

/** Checks all examples of a parsed file. @throws BadInputError when it holds no cases */
export function runExamples(engine: Engine, file: Json): Outcome[] {
  const cases = Array.isArray(file) ? file : file.cases;
  if (!Array.isArray(cases) || cases.length === 0) fail('the file has no list `cases`');
  return (cases as Example[]).map((example, i) => {
    const name = example?.name ?? `case ${i + 1}`;
    try {
      runExample(engine, example);
      return { name };
    } catch (error) {
      return { name, problem: (error as Error).message };
    }
  });
}
