/**
 * How much worse the integer graph may be than the float graph.
 */
import { GateError } from '../core/errors.js';
import { shortName } from '../ir/graph.js';
import type { LayerNoise } from './diagnose.js';
import type { Score } from './score.js';

/** What counts of a score: accuracy of classes, or the mean squared error of values. */
export type Quality = Pick<Score, 'accuracy' | 'meanSquares'>;

/**
 * The loss of accuracy as a fraction (0.01: one point); where targets are values, the rise of the
 * mean squared error as a part of the float graph's (0.01: one percent more).
 */
export function dropOf(float: Quality, integer: Quality): number {
  if (float.accuracy !== null && integer.accuracy !== null) {
    return float.accuracy - integer.accuracy;
  }
  if (float.meanSquares === null || integer.meanSquares === null) return 0;
  const rise = integer.meanSquares - float.meanSquares;
  return rise === 0 ? 0 : rise / float.meanSquares;
}

const namedLayers = 3;

const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)} %`;

/** Both scores, and how far they lie apart, in words. */
function comparison(float: Quality, integer: Quality): string {
  const drop = percent(dropOf(float, integer));
  if (float.accuracy !== null && integer.accuracy !== null) {
    return `accuracy ${percent(integer.accuracy)} is ${drop} below float ${percent(float.accuracy)}`;
  }
  const [after, before] = [integer, float].map(({ meanSquares }) => meanSquares!.toPrecision(4));
  return `mean squared error ${after} is ${drop} above float ${before}`;
}

/** The layers whose rounding costs the output most, in words; the first of them. */
function worst(layers: readonly LayerNoise[]): { text: string; first: string | undefined } {
  const sorted = [...layers].sort((a, b) => a.outputSnrDb - b.outputSnrDb).slice(0, namedLayers);
  const named = sorted.map(
    ({ name, snrDb, ownSnrDb, outputSnrDb }) =>
      `${shortName(name)} (${ownSnrDb.toFixed(1)} dB by itself, ${snrDb.toFixed(1)} dB with those before it, ${outputSnrDb.toFixed(1)} dB at the output for its rounding alone)`,
  );
  return { text: named.join(', '), first: sorted[0]?.name };
}

export interface GateOptions {
  /** What the integer graph is, at the start of the message. */
  readonly what: string;
  /** The largest accepted `dropOf`. */
  readonly maxDrop: number;
  readonly layers: readonly LayerNoise[];
  readonly hint: string;
}

/**
 * Checks the loss.
 *
 * @throws GateError (exit code 10) naming the layers whose rounding costs the output most
 */
export function requireQuality(float: Quality, integer: Quality, options: GateOptions): void {
  const { what, maxDrop, layers, hint } = options;
  if (dropOf(float, integer) <= maxDrop) return;
  const { text, first } = worst(layers);
  throw new GateError(
    `${what} ${comparison(float, integer)}, more than ${percent(maxDrop)}; worst layers: ${text}`,
    { hint, where: first },
  );
}
