/**
 * Where the running package lies: its C sources, its version, what the build produced.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(import.meta.url);

function findRoot(): string {
  for (let dir = dirname(here); ; dir = dirname(dir)) {
    const manifest = join(dir, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'edge-nn') {
      return dir;
    }
    if (dirname(dir) === dir) throw new Error(`no edge-nn package.json above ${here}`);
  }
}

/** The folder of the package, absolute. */
const packageRoot = findRoot();

/** A file that ships with the package, such as `kernels/c/enn_fixed.h`; absolute. */
export const packageFile = (...path: string[]): string => join(packageRoot, ...path);

/** A file that the build wrote beside the running code, such as `engine.wasm`; absolute. */
export const builtFile = (name: string): string =>
  join(packageRoot, relative(packageRoot, here).split(sep)[0]!, name);

/** The version in package.json. */
export const packageVersion: string = JSON.parse(
  readFileSync(packageFile('package.json'), 'utf8'),
).version;
