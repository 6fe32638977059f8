/**
 * Reads a TypeScript or JavaScript file of the user: bundled with esbuild, run once, its default
 * export returned. `edge-nn` resolves to the running package, wherever the file lies; other
 * imports resolve from the file's folder.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { tmpdir } from 'node:os';
import { extname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { BuildFailure, Plugin } from 'esbuild';
import { BadInputError, EdgeNnError } from '../core/errors.js';
import { builtFile } from '../core/package.js';

export interface UserModule {
  readonly file: string;
  readonly exported: unknown;
  /** Runs a function that calls into the file; its errors become BadInputError with file:line. */
  guard<T>(run: () => T): T;
}

/** `edge-nn` is not bundled: the file must share the modules of the running package. */
const runningPackage: Plugin = {
  name: 'edge-nn',
  setup({ onResolve }) {
    onResolve({ filter: /^edge-nn$/ }, () => ({
      path: pathToFileURL(builtFile('index.js')).href,
      external: true,
    }));
  },
};

/** The path as the user would write it. */
function shown(file: string): string {
  const short = relative(process.cwd(), file);
  return short.startsWith('..') ? file : short;
}

function bundleError(file: string, failure: unknown): BadInputError {
  const first = (failure as Partial<BuildFailure>).errors?.[0];
  const at = first?.location;
  const where = at ? `${shown(resolve(at.file))}:${at.line}:${at.column + 1}` : shown(file);
  const text = first?.text ?? (failure as Error).message;
  return new BadInputError(`${where}: ${text}`, {
    hint: 'Mend this line, and try again.',
    where,
    cause: failure,
  });
}

async function bundle(file: string): Promise<{ code: string; map: SourceMapPayload }> {
  try {
    const { build } = await import('esbuild');
    const { outputFiles } = await build({
      entryPoints: [file],
      outfile: join(tmpdir(), 'user.mjs'),
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'external',
      tsconfigRaw: '{}',
      define: { 'import.meta.url': JSON.stringify(pathToFileURL(file).href) },
      plugins: [runningPackage],
      logLevel: 'silent',
    });
    const text = (suffix: string) => outputFiles.find(({ path }) => path.endsWith(suffix))!.text;
    return { code: text('.mjs'), map: JSON.parse(text('.map')) as SourceMapPayload };
  } catch (failure) {
    throw bundleError(file, failure);
  }
}

/** Where in the user's files an error arose, from its stack and the bundle's source map. */
function placeOf(error: unknown, bundled: string, map: SourceMapPayload): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frame = stack.split('\n').find((line) => line.includes(bundled));
  const [, line, column] = /:(\d+):(\d+)\)?$/.exec(frame ?? '') ?? [];
  if (line === undefined) return undefined;
  const entry = new SourceMap(map).findEntry(Number(line) - 1, Number(column) - 1);
  if (!('originalSource' in entry)) return undefined;
  const source = resolve(tmpdir(), entry.originalSource.replace(/^file:\/\//, ''));
  return `${shown(source)}:${entry.originalLine + 1}`;
}

/** What the file threw, as one clear error. */
function thrown(file: string, error: unknown, place: string | undefined): Error {
  const where = place ?? shown(file);
  if (error instanceof EdgeNnError || isTypedError(error)) {
    // The layer's own message and hint are better than ours; only the place is missing.
    const { message, hint } = error as EdgeNnError;
    return new BadInputError(`${where}: ${message}`, { hint, where, cause: error });
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const [, absent] = /does not provide an export named '(.+)'/.exec(text) ?? [];
  if (absent !== undefined) {
    return new BadInputError(`${where}: edge-nn exports no '${absent}'`, {
      hint: 'Check the spelling; your editor lists what edge-nn exports.',
      where,
      cause: error,
    });
  }
  return new BadInputError(`${where}: the file throws ${text}`, {
    hint: 'Mend the file; the line above is where it stopped.',
    where,
    cause: error,
  });
}

/** A typed error of another copy of the package, as when a test bundles its own. */
const isTypedError = (error: unknown): boolean =>
  error instanceof Error && 'hint' in error && 'code' in error && typeof error.hint === 'string';

async function run(code: string, file: string, map: SourceMapPayload): Promise<UserModule> {
  const folder = mkdtempSync(join(tmpdir(), 'edge-nn-'));
  const bundled = join(folder, 'user.mjs');
  const url = pathToFileURL(bundled).href;
  const raise = (error: unknown): never => {
    throw thrown(file, error, placeOf(error, fileURLToPath(url), map));
  };
  try {
    writeFileSync(bundled, code);
    const loaded = (await import(url).catch(raise)) as { readonly default?: unknown };
    return {
      file,
      exported: loaded.default,
      guard(call) {
        try {
          return call();
        } catch (error) {
          return raise(error);
        }
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const sources = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

/** Whether a file of this suffix is a program. */
export const isSource = (suffix: string): boolean => sources.includes(suffix);

/**
 * Bundles and runs a file.
 *
 * @param what names the kind of file in errors, such as 'model file'
 * @throws BadInputError (exit code 3): no such file, a syntax error, a missing import, or the file
 * throws; with file:line where known
 */
export async function loadUserModule(path: string, what: string): Promise<UserModule> {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new BadInputError(`no such ${what}: ${path}`, {
      hint: 'Check the path; it counts from the current folder.',
      where: path,
    });
  }
  if (!isSource(extname(file).toLowerCase())) {
    throw new BadInputError(`${path} is no ${what}: it is neither TypeScript nor JavaScript`, {
      hint: `Give a ${what} that ends in .ts or .js.`,
      where: path,
    });
  }
  const { code, map } = await bundle(file);
  return run(code, file, map);
}
