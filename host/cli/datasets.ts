/**
 * `--data` and `--test-data` as datasets.
 */
import { UsageError } from '../core/errors.js';
import type { Shape } from '../core/shape.js';
import type { Dataset } from '../data/dataset.js';
import { hasOwnSplit, openDataset } from '../data/open.js';
import type { Config } from '../front/config.js';
import { type Graph, getValue } from '../ir/graph.js';
import { datasetResolver } from './settings.js';

/** What a model says about the data that it takes. */
export interface DataNeeds {
  /** Of the input, without the batch: images come to this size. */
  readonly inputShape?: Shape | undefined;
  /** The order of the classes, where the data has names. */
  readonly classNames?: readonly string[] | undefined;
}

/** What a graph needs of its data. */
export const needsOf = (graph: Graph): DataNeeds => ({
  inputShape:
    graph.inputs[0] === undefined ? undefined : getValue(graph, graph.inputs[0]).shape.slice(1),
  classNames: graph.labels,
});

/** The training part of a dataset. @throws BadInputError, UsageError */
export const openTrainData = (
  config: Config,
  data: string,
  needs: DataNeeds = {},
): Promise<Dataset> =>
  openDataset(data, { split: 'train', resolve: datasetResolver(config), ...needs });

/**
 * The data to test on: `testData` where it is given, else the test part of `data`.
 *
 * @param train the training data, whose classes the test data must have
 * @throws UsageError when `data` has no test part, so that nobody tests on training data unawares
 */
export async function openTestData(
  config: Config,
  data: string,
  testData: string | undefined,
  train?: Dataset,
  needs: DataNeeds = {},
): Promise<Dataset> {
  const resolve = datasetResolver(config);
  const classNames = train?.classNames ?? needs.classNames;
  const { inputShape = train?.inputShape } = needs;
  const options = { split: 'test', resolve, inputShape, classNames } as const;
  if (testData !== undefined) return openDataset(testData, options);
  if (await hasOwnSplit(data, { resolve })) return openDataset(data, options);
  throw new UsageError(`${data} has no test part of its own`, {
    hint: 'Give the data to test on with --test-data, or hold a part back: --data SPEC,split=0.2.',
    where: '--test-data',
  });
}

/** The data that a verb only reads: its test part where it has one, else all of it. */
export const openEvaluationData = (
  config: Config,
  data: string,
  needs: DataNeeds = {},
): Promise<Dataset> =>
  openDataset(data, { split: 'test', resolve: datasetResolver(config), ...needs });
