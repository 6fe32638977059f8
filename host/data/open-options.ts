import type { Shape } from '../core/shape.js';

/** What opening a dataset depends on besides its spec. */
export interface OpenOptions {
  readonly split: 'train' | 'test';
  /** Finds a name of the configuration; what it returns is a spec. */
  readonly resolve?: (name: string) => string | undefined;
  /** Names of the classes in order, where the data has names: the model's or the training data's. */
  readonly classNames?: readonly string[] | undefined;
  /** What the model takes, without the batch: images come to this size. */
  readonly inputShape?: Shape | undefined;
  /** Files of more bytes than this stay on disk; default 64 MB. */
  readonly memoryLimit?: number | undefined;
}
