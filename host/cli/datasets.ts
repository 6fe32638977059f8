/**
 * `--data` and `--test-data` as datasets.
 */
import { UsageError } from '../core/errors.js';
import type { Dataset } from '../data/dataset.js';
import { hasOwnSplit, openDataset } from '../data/open.js';
import type { Config } from '../front/config.js';
import { datasetResolver } from './settings.js';

/** The training part of a dataset. @throws BadInputError, UsageError */
export const openTrainData = (config: Config, data: string): Promise<Dataset> =>
  openDataset(data, { split: 'train', resolve: datasetResolver(config) });

/**
 * The data to test on: `testData` where it is given, else the test part of `data`.
 *
 * @throws UsageError when `data` has no test part, so that nobody tests on training data unawares
 */
export async function openTestData(
  config: Config,
  data: string,
  testData: string | undefined,
  train?: Dataset,
): Promise<Dataset> {
  const resolve = datasetResolver(config);
  const names = train?.classNames && { classNames: train.classNames };
  if (testData !== undefined) {
    return openDataset(testData, { split: 'test', resolve, ...names });
  }
  if (hasOwnSplit(data, { resolve })) return openDataset(data, { split: 'test', resolve });
  throw new UsageError(`${data} has no test part of its own`, {
    hint: 'Give the data to test on with --test-data.',
    where: '--test-data',
  });
}

/** The data that a verb only reads: its test part where it has one, else all of it. */
export const openEvaluationData = (config: Config, data: string): Promise<Dataset> =>
  openDataset(data, { split: 'test', resolve: datasetResolver(config) });
