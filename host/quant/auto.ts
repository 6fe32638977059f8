/**
 * Mixed precision by measurement: layers get int16 activations, one value after the other, until
 * the graph is good enough.
 */
import type { Graph, ValueId } from '../ir/graph.js';
import type { SchemeName } from '../scheme/schemes.js';
import {
  type Candidate,
  candidatesOf,
  isPromoted,
  type LayerSchemes,
  promote,
  promotedScheme,
  type RankOptions,
  rankCandidates,
} from './promote.js';
import type { Score } from './score.js';

/** An integer graph and the float graph, with corrected biases, that it is made of. */
export interface Quantized {
  readonly source: Graph;
  readonly integer: Graph;
  readonly layers: LayerSchemes;
}

export interface Promotion {
  /** The value that keeps 16 bits now. */
  readonly value: ValueId;
  /** The layers that were promoted for it, by the values that they compute. */
  readonly layers: readonly ValueId[];
  /** Signal over noise at the outputs (softmax: at what it reads), over some calibration examples. */
  readonly outputSnrDb: number;
  readonly score: Score;
  /** Stage int8: the graph with all promotions so far. */
  readonly graph: Graph;
}

export interface AutoOptions
  extends Pick<RankOptions, 'dataset' | 'engine' | 'samples' | 'seed' | 'onProgress'> {
  /** Stage float, prepared for quantization. */
  readonly reference: Graph;
  /** The scheme of layers that are not named. */
  readonly scheme: SchemeName;
  /** Quantizes with these schemes of layers, and corrects biases where that is wanted. */
  readonly quantize: (layers: LayerSchemes) => Promise<Quantized>;
  /** The same from a float graph with corrected biases, as it is. */
  readonly requantize: (source: Graph, layers: LayerSchemes) => Graph;
  readonly score: (graph: Graph) => Promise<Score>;
  /** Whether a score is good enough. */
  readonly enough: (score: Score) => boolean;
  readonly onPromotion?: ((promotion: Promotion) => void) | undefined;
}

/** A quantized graph and what it scores. */
export interface Scored extends Quantized {
  readonly score: Score;
}

export interface AutoResult extends Scored {
  /** False where not even int16 activations throughout are; the result is that graph then. */
  readonly enough: boolean;
  readonly promotions: readonly Promotion[];
}

/** The graph with a next value promoted: the one that takes most noise from the outputs. */
async function promoteNext(
  now: Scored,
  remaining: readonly Candidate[],
  options: AutoOptions,
): Promise<Scored & { readonly promotion: Promotion }> {
  const [best] = await rankCandidates(remaining, {
    ...options,
    source: now.source,
    now: now.integer,
    quantize: (candidate) => options.requantize(now.source, promote(now.layers, candidate)),
  });
  const { candidate, outputSnrDb } = best!;
  const next = await options.quantize(promote(now.layers, candidate));
  const score = await options.score(next.integer);
  const promotion: Promotion = {
    value: candidate.value,
    layers: candidate.layers.filter((id) => now.layers.get(id) !== promotedScheme),
    outputSnrDb,
    score,
    graph: next.integer,
  };
  return { ...next, score, promotion };
}

/**
 * Promotes until the graph is good enough. Whether it can become so is found first, by promoting
 * everything.
 */
export async function promoteUntilEnough(start: Scored, options: AutoOptions): Promise<AutoResult> {
  const candidates = candidatesOf(options.reference);
  const all = await options.quantize(candidates.reduce(promote, start.layers));
  const most: Scored = { ...all, score: await options.score(all.integer) };
  if (!options.enough(most.score)) return { ...most, enough: false, promotions: [] };
  const promotions: Promotion[] = [];
  let now = start;
  while (!options.enough(now.score)) {
    const remaining = candidates.filter((one) => !isPromoted(now.layers, options.scheme, one));
    if (remaining.length === 0) return { ...most, enough: true, promotions };
    const next = await promoteNext(now, remaining, options);
    promotions.push(next.promotion);
    options.onPromotion?.(next.promotion);
    now = next;
  }
  return { ...now, enough: true, promotions };
}
