/** Datasets over arrays in memory, in the type in which their files store them. */
import type { Dataset } from '../host/data/dataset.js';
import { memoryRows, type Stored } from '../host/data/rows.js';
import { type RowsDataset, rowsDataset } from '../host/data/rows-dataset.js';

interface MemoryDataset extends Omit<RowsDataset, 'inputs' | 'targets'> {
  /** [n, ...inputShape] */
  readonly inputs: Stored;
  /** [n] or [n, ...] */
  readonly targets: Stored;
}

/**
 * A dataset over arrays in memory.
 *
 * @throws BadInputError where counts differ, a number is not finite, or a label is no class
 */
export const memoryDataset = ({ inputs, targets, ...rest }: MemoryDataset): Dataset =>
  rowsDataset({ ...rest, inputs: memoryRows(inputs), targets: memoryRows(targets) });
