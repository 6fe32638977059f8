/** `edge-nn convert`: a dataset to a TFRecord or .npz file. */
import { statSync } from 'node:fs';
import { UsageError } from '../../core/errors.js';
import { requireOtherFile } from '../../core/output-file.js';
import { formatShape, type Shape } from '../../core/shape.js';
import { openDataset } from '../../data/open.js';
import { parseSpec } from '../../data/spec.js';
import { type Context, command, defined, type Flags, silent } from '../command.js';
import { read, requireLimit, requireTexts, shared } from '../options.js';
import { datasetResolver } from '../settings.js';
import { facts } from '../table.js';

export interface ConvertOptions {
  /** A dataset, such as `mnist` or `wav:DIR`, whose features are then computed once. */
  readonly data: string;
  /** The part to write, where the data has two; default train. */
  readonly split?: 'train' | 'test';
  /** How many examples, from the first; default all. */
  readonly limit?: number;
  /** A name that ends in .tfrecord or .npz. */
  readonly out: string;
}

export interface ConvertReport {
  readonly output: string;
  readonly bytes: number;
  readonly examples: number;
  /** Of one input. */
  readonly inputShape: Shape;
  /** Null where the targets are values. */
  readonly classes: number | null;
}

function splitOf(text: string | undefined): 'train' | 'test' {
  if (text === undefined || text === 'train' || text === 'test') return text ?? 'train';
  throw new UsageError(`there is no part ${text} of a dataset`, {
    hint: 'Give --split train or --split test.',
    where: '--split',
  });
}

/**
 * Writes a dataset as another kind of file.
 *
 * @throws BadInputError, UsageError
 */
export async function convert(
  options: ConvertOptions,
  context: Context = silent,
): Promise<ConvertReport> {
  requireTexts('convert', options, 'data', 'out');
  const { data, out, limit } = options;
  const split = splitOf(options.split);
  requireLimit(limit);
  const resolve = datasetResolver(context.config);
  requireOtherFile(out, parseSpec(resolve(data) ?? data).files);
  const dataset = await openDataset(data, { split, resolve });
  const examples = Math.min(limit ?? dataset.count, dataset.count);
  // Its packages are for this verb alone.
  const { writeDataset } = await import('../../data/convert.js');
  writeDataset(dataset, out, examples);
  const { inputShape, target } = dataset;
  const classes = target.kind === 'class' ? target.classes : null;
  return { output: out, bytes: statSync(out).size, examples, inputShape, classes };
}

const options = (flags: Flags): ConvertOptions =>
  defined({
    data: read.required(flags, 'data'),
    split: splitOf(read.text(flags, 'split')),
    limit: read.number(flags, 'limit'),
    out: read.required(flags, 'out'),
  });

export const convertCommand = command<ConvertReport>({
  verb: 'convert',
  summary: 'Write a dataset as a .tfrecord or .npz file',
  options: {
    data: { ...shared.data, demandOption: true },
    split: { type: 'string', choices: ['train', 'test'], default: 'train', describe: 'Which part' },
    limit: shared.limit,
    out: { ...shared.out, demandOption: true, describe: 'A .tfrecord or .npz file' },
  },
  examples: [
    ['edge-nn convert --data mnist --out train.tfrecord', 'Records of tf.train.Example'],
    ['edge-nn convert --data wav:speech --out features.npz', 'Features computed once'],
  ],
  run: (flags, context) => convert(options(flags), context),
  render: ({ output, bytes, examples, inputShape, classes }) =>
    facts([
      ['output', output],
      ['bytes', bytes],
      ['examples', examples],
      ['input', formatShape(inputShape)],
      ['classes', classes ?? '-'],
    ]),
});
