/** Helpers of the codec tests: the real files, seeded damage, and what damage may cause. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError, UnsupportedError } from '../../host/core/errors.js';
import { sharedData } from '../shared-data.js';

/** The folder of real models; it is not part of the package. */
export const modelsFolder = sharedData('models');

/** The files of that folder with this suffix; empty where the folder is missing. */
export function modelFiles(suffix: string): string[] {
  if (!existsSync(modelsFolder)) return [];
  return readdirSync(modelsFolder)
    .filter((name) => name.endsWith(suffix))
    .sort();
}

export const modelBytes = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(join(modelsFolder, name)));

/** A small seeded generator of uint32 (mulberry32), enough to choose what to damage. */
export function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Reads damaged bytes: success or a typed error of the user's file, nothing else. */
function survives(read: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean {
  try {
    read(bytes);
    return true;
  } catch (error) {
    if (!(error instanceof BadInputError || error instanceof UnsupportedError)) throw error;
    assert.match(error.hint, /\S/);
    return false;
  }
}

/** Truncates at every one of `cuts` places and flips bytes `flips` times, from a seed. */
export function damage(
  read: (bytes: Uint8Array) => unknown,
  bytes: Uint8Array,
  { cuts, flips, seed }: { cuts: number; flips: number; seed: number },
): { refusedCuts: number; refusedFlips: number } {
  const random = generator(seed);
  let refusedCuts = 0;
  let refusedFlips = 0;
  for (let i = 0; i < cuts; i++) {
    const end = cuts >= bytes.length ? i : random(bytes.length);
    if (!survives(read, bytes.slice(0, end))) refusedCuts++;
  }
  for (let i = 0; i < flips; i++) {
    const copy = bytes.slice();
    for (let n = 0; n <= i % 4; n++) copy[random(copy.length)]! ^= 1 + random(255);
    if (!survives(read, copy)) refusedFlips++;
  }
  return { refusedCuts, refusedFlips };
}
