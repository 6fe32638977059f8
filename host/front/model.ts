/**
 * A model: a name, a function that builds its layers, and what training needs to know.
 */
import { BadInputError } from '../core/errors.js';
import { formatShape } from '../core/shape.js';
import { buildGraph } from '../ir/build-graph.js';
import { type Graph, type LossName, lossNames } from '../ir/graph.js';
import type { Augmentation } from './augmentation.js';
import { type Context, describe, requireTensor, type Tensor } from './tensor.js';

export interface ModelOptions {
  /** What training minimizes; the cross-entropies take logits. */
  readonly loss?: LossName;
  /** Names of the classes, in order of the outputs. */
  readonly labels?: readonly string[];
  /** How training changes its inputs at random; `--augment` wins over it. */
  readonly augment?: Augmentation;
}

export interface Model extends ModelOptions {
  readonly name: string;
  /**
   * The float graph, batch 1, weights initialized from the seed (default 0). The same seed gives
   * the same bytes. The seed null leaves all weights 0, which takes no time: for shapes and counts.
   * @throws BadInputError naming the layer that does not fit
   */
  graph(seed?: number | null): Graph;
}

let current: Context | undefined;

/** The model that is being built. @throws BadInputError outside of one */
export function currentContext(): Context {
  if (current) return current;
  throw new BadInputError('input() was called outside of a model', {
    hint: 'Call it inside the function given to model(name, () => ...).',
  });
}

function fail(name: string, message: string, hint: string): never {
  throw new BadInputError(`model ${name}: ${message}`, { hint });
}

function checkOptions(name: string, { loss, labels }: ModelOptions): void {
  if (loss !== undefined && !lossNames.includes(loss)) {
    fail(name, `unknown loss ${describe(loss)}`, `Use one of ${lossNames.join(', ')}.`);
  }
  if (labels === undefined) return;
  if (!Array.isArray(labels) || !labels.every((label) => typeof label === 'string')) {
    fail(name, 'labels must be a list of texts', "Write labels: ['cat', 'dog'].");
  }
}

function checkOutput(name: string, output: Tensor, { loss, labels }: ModelOptions): void {
  const units = output.shape.at(-1)!;
  if (loss === 'softmaxCrossEntropy' && output.shape.length !== 1) {
    const message = `${loss} needs an output of [classes], got ${formatShape(output.shape)}`;
    fail(name, message, 'End with flatten or globalAvgPool2d and a dense layer.');
  }
  if (labels && labels.length !== units) {
    const message = `${labels.length} labels for an output of ${formatShape(output.shape)}`;
    fail(name, message, 'Give one label per output, or change the units of the last layer.');
  }
}

function buildModel(
  name: string,
  build: () => Tensor,
  options: ModelOptions,
  seed: number | null,
): Graph {
  const { loss, labels } = options;
  const builder = buildGraph({ name, stage: 'float', loss, labels });
  const outer = current;
  const context: Context = { model: name, seed, builder, counts: new Map(), parameters: 0 };
  current = context;
  try {
    const output: unknown = build();
    requireTensor(`the result of model ${name}`, output);
    if (output.context !== context) {
      const hint = 'Make all layers inside the function given to model(...).';
      fail(name, 'returns a tensor of another model', hint);
    }
    checkOutput(name, output, options);
    return builder.finish([output.id]);
  } finally {
    current = outer;
  }
}

/**
 * Declares a model. `build` makes the layers and returns the output; it runs once for every call
 * of `graph`.
 *
 *     export default model('tiny', () => dense(flatten(input([8, 8, 1])), 3),
 *       { loss: 'softmaxCrossEntropy', labels: ['a', 'b', 'c'] });
 */
export function model(name: string, build: () => Tensor, options: ModelOptions = {}): Model {
  if (typeof name !== 'string' || name === '' || /[\p{Cc}"]/u.test(name)) {
    const hint = "Write model('name', () => ..., { loss, labels }).";
    throw new BadInputError(`a model's name must be a text, got ${describe(name)}`, { hint });
  }
  if (typeof build !== 'function') {
    fail(name, `expected a function, got ${describe(build)}`, 'Write model(name, () => ...).');
  }
  checkOptions(name, options);
  const { loss, labels, augment } = options;
  return {
    name,
    ...(loss && { loss }),
    ...(labels && { labels }),
    ...(augment && { augment }),
    graph: (seed = 0) => buildModel(name, build, options, seed),
  };
}
