/**
 * What random cases are drawn from, and the numbers in their operands.
 */
import { type RandomKey, randomInt, randomNormal } from '../../host/core/random.js';

/** A seeded source of small integers and normal numbers. */
export class Source {
  readonly #key: RandomKey;
  #next = 0;

  constructor(seed: number) {
    this.#key = { seed, purpose: 'test' };
  }

  /** An integer of low .. high, both included. */
  int(low: number, high: number): number {
    return low + randomInt(this.#key, this.#next++, high - low + 1);
  }

  pick<T>(...items: readonly T[]): T {
    return items[this.int(0, items.length - 1)]!;
  }

  normal(): number {
    return randomNormal(this.#key, this.#next++);
  }
}

export interface Operand {
  readonly shape: readonly number[];
  /** How the contents are drawn. Default: normal. */
  readonly fill?:
    | 'normal'
    | 'positive'
    | 'ties'
    | 'unit'
    | { readonly classes: number }
    | 'key'
    | 'limits';
}

/** The contents of an operand. */
export function contents({ shape: dims, fill = 'normal' }: Operand, s: Source) {
  const count = dims.reduce((n, d) => n * d, 1);
  if (fill === 'limits') return Float32Array.of(-s.int(0, 7), s.int(1, 7));
  if (fill === 'key') return Int32Array.of(s.int(0, 1e9), s.int(0, 100), s.int(0, 1e6));
  if (typeof fill === 'object') {
    return Int32Array.from({ length: count }, () => s.int(0, fill.classes - 1));
  }
  return Float32Array.from({ length: count }, () => {
    if (fill === 'ties') return s.int(-2, 2);
    if (fill === 'unit') return s.int(0, 16) / 16;
    return fill === 'positive' ? Math.abs(s.normal()) + 0.05 : 2 * s.normal();
  });
}
