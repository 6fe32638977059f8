/** Real models, data sets and worked examples; they are not part of the package. */
import { join } from 'node:path';
import { packageFile } from '../host/core/package.js';

/** A path below the folder that EDGE_NN_DATA names. */
export const sharedData = (...path: string[]): string =>
  join(process.env.EDGE_NN_DATA ?? packageFile('..', 'shared', 'data'), ...path);
