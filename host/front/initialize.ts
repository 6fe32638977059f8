/**
 * Initial values of parameters: pure functions of the seed and of the parameter's number.
 */
import { type RandomKey, randomUniform } from '../core/random.js';

/** Connections into and out of one unit. */
export interface Fan {
  readonly in: number;
  readonly out: number;
}

export const initializerNames = ['he', 'glorot', 'zeros', 'ones'] as const;
export type Initializer = (typeof initializerNames)[number];

type Initialize = (
  count: number,
  fan: Fan,
  seed: number,
  stream: number,
) => Float32Array<ArrayBuffer>;

/** Uniform numbers in [-limit, limit). */
function uniform(
  count: number,
  limit: number,
  seed: number,
  stream: number,
): Float32Array<ArrayBuffer> {
  const key: RandomKey = { seed, purpose: 'initialize', step: stream };
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = limit * (2 * randomUniform(key, i) - 1);
  return out;
}

export const initializers: Readonly<Record<Initializer, Initialize>> = {
  /** He et al., "Delving deep into rectifiers", 2015: variance 2 / fan in. */
  he: (count, fan, seed, stream) => uniform(count, Math.sqrt(6 / fan.in), seed, stream),
  /** Glorot and Bengio, 2010: variance 2 / (fan in + fan out). */
  glorot: (count, fan, seed, stream) =>
    uniform(count, Math.sqrt(6 / (fan.in + fan.out)), seed, stream),
  zeros: (count) => new Float32Array(count),
  ones: (count) => new Float32Array(count).fill(1),
};
