/**
 * What `npm run check` leaves out: emulators, and the exhaustive form of tests that have a shorter
 * one. `npm test` runs everything.
 */

/** Why no emulator may be started; undefined when it may. */
export const emulatorsOff =
  process.env.EDGE_NN_SKIP_EMULATORS === '1' ? 'EDGE_NN_SKIP_EMULATORS is set' : undefined;

/** Whether a test should take a sample of its cases where it could take them all. */
export const quick = process.env.EDGE_NN_QUICK === '1';

/** All cases, or every fifth of them for a quick run. */
export const sample = <T>(cases: readonly T[]): readonly T[] =>
  quick ? cases.filter((_, i) => i % 5 === 0) : cases;
