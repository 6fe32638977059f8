/**
 * The headers that emitted C includes, as they ship with the package.
 */
import { readFileSync } from 'node:fs';
import { packageFile } from '../../core/package.js';

/** Follows `#include "enn_..."` of a model's C through kernels/c; headers by name, sorted. */
export function kernelHeaders(modelC: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (text: string): void => {
    for (const [, name] of text.matchAll(/^#include "(enn_\w+\.h)"$/gm)) {
      if (found.has(name!)) continue;
      const content = readFileSync(packageFile('kernels', 'c', name!), 'utf8');
      found.set(name!, content);
      visit(content);
    }
  };
  visit(modelC);
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
