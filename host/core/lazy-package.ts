import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * A package of this project that is loaded when it is first used: the codecs of data files are part
 * of the public face, and a command that reads no such file should not wait for their packages.
 */
export function lazyPackage<T>(name: string): () => T {
  let loaded: T | undefined;
  return () => {
    loaded ??= require(name) as T;
    return loaded;
  };
}
