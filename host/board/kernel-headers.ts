/**
 * The kernel headers that an emitted model needs: those it includes, and what they include.
 */
import { readFileSync } from 'node:fs';
import { packageFile } from '../core/package.js';
import type { SourceTree } from './image.js';

/** Follows the `#include "..."` of a model's C through kernels/c; headers by name, sorted. */
export function kernelHeaders(modelC: string): SourceTree {
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
