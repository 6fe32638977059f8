/**
 * How quantization-aware training is set up, and when its graphs change.
 */
import type { ValueId } from '../ir/graph.js';

/**
 * Where scales come from. `learned`: they are parameters (Esser et al., "Learned step size
 * quantization", 2020). `moving`: averages of the extremes of each batch, and of weights the largest
 * magnitude (Jacob et al., "Quantization and training of neural networks for efficient
 * integer-arithmetic-only inference", 2018).
 */
export const rangeKinds = ['learned', 'moving'] as const;
export type RangeKind = (typeof rangeKinds)[number];

/** What holds where an option is not given. */
export const qatDefaults = { ranges: 'learned', freeze: 1 } as const;

/** What must be the same for a resumed training to give the same weights. */
export interface QatSetup {
  /** The name of a scheme. */
  readonly scheme: string;
  /** Other schemes of layers, by the values that they compute. */
  readonly layers: Readonly<Record<ValueId, string>>;
  readonly ranges: RangeKind;
  /** Epochs in which batch normalization uses each batch's statistics and averages move. */
  readonly freeze: number;
  /** One scale per output of a dense layer. */
  readonly perAxisDense: boolean;
}

/** `batch`: statistics of each batch, averages move; `frozen`: both stay, as they do on a device. */
export type QatPhase = 'batch' | 'frozen';

export const phaseOf = ({ freeze }: QatSetup, epoch: number): QatPhase =>
  epoch < freeze ? 'batch' : 'frozen';
