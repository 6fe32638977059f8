/**
 * The models and boards that are counted: the project's own trained networks always, those of MLPerf
 * Tiny where the data is.
 */
import { existsSync, readFileSync } from 'node:fs';
import { packageFile } from '../../host/core/package.js';
import { sharedData } from '../shared-data.js';
import { type Baselines, noBaselines } from './baselines.js';

export interface BenchedModel {
  readonly name: string;
  readonly path: string;
}

/** In models/trained, whose README says how they were made. */
export const trainedModels: readonly BenchedModel[] = [
  'lenet5',
  'digits-dense',
  'digits-residual',
  'digits-separable',
].map((name) => ({ name, path: packageFile('models', 'trained', `${name}.tflite`) }));

export const mlperfFolder = sharedData('models');

/** Those that this machine has. */
export const mlperfModels: readonly BenchedModel[] = Object.entries({
  ic: 'mlperftiny_ic01_resnet_int8',
  kws: 'mlperftiny_kws_ref_int8',
  vww: 'mlperftiny_vww_96_int8',
  ad: 'mlperftiny_ad01_int8',
  sww: 'mlperftiny_sww_ref_int8',
})
  .map(([name, stem]) => ({ name, path: sharedData('models', `${stem}.tflite`) }))
  .filter(({ path }) => existsSync(path));

export const benchBoards = [
  'mps2-an386',
  'mps2-an500',
  'mps3-an547',
  'mps2-an385',
  'mps2-an385-v6m',
  'microbit',
] as const;

export const baselineFile = packageFile('kernels', 'bench', 'results.json');

/** What is recorded; nothing where the file is of an earlier format. */
export function readBaselines(): Baselines {
  if (!existsSync(baselineFile)) return noBaselines;
  const read = JSON.parse(readFileSync(baselineFile, 'utf8')) as Baselines;
  return read.format === noBaselines.format ? read : noBaselines;
}
