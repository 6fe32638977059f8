/**
 * The files that verbs take: what they are, by content rather than by trust in the name.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { BadInputError, UnsupportedError } from '../core/errors.js';
import { importTflite } from '../front/tflite/import-tflite.js';
import { isSource } from '../front/user-module.js';
import type { Graph } from '../ir/graph.js';
import type { TrainedRanges } from '../quant/quantize-model.js';
import { loadCheckpoint } from '../train/checkpoint.js';

export interface ModelFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Stage float or int8, batch 1. */
  readonly graph: Graph;
  /** What quantization-aware training chose; absent for other files. */
  readonly trained?: TrainedRanges;
}

const article = (noun: string): string => (/^[aeiou]/.test(noun) ? 'an' : 'a');

/** Reads a file of the user's. @throws BadInputError when it is missing or unreadable */
export function readInputFile(path: string, what: string): Uint8Array {
  if (!existsSync(path)) {
    throw new BadInputError(`no such ${what}: ${path}`, {
      hint: 'Check the path; it counts from the current folder.',
      where: path,
    });
  }
  if (statSync(path).isDirectory()) {
    throw new BadInputError(`${path} is a folder, not ${article(what)} ${what}`, {
      hint: 'Give a file; where a verb takes a build, the folder that `edge-nn compile` wrote.',
      where: path,
    });
  }
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new BadInputError(`cannot read the ${what} ${path}: ${(cause as Error).message}`, {
      hint: 'Give the path of a readable file.',
      where: path,
      cause,
    });
  }
}

type Note = (line: string) => void;
type Contents = Pick<ModelFile, 'graph' | 'trained'>;

function readCheckpoint(bytes: Uint8Array, path: string): Contents {
  const { graph, setup, ranges } = loadCheckpoint(bytes, path);
  return { graph, ...(setup.qat && { trained: { setup: setup.qat, ranges } }) };
}

type Reader = (bytes: Uint8Array, path: string, note?: Note) => Contents;

const readers: Readonly<Record<string, Reader>> = {
  '.tflite': (bytes, path, note) => ({
    graph: importTflite(bytes, basename(path, '.tflite'), path, note),
  }),
  '.safetensors': readCheckpoint,
};

/** What to give instead of a file that is no model. */
const unreadableHint = (path: string, suffix: string): string =>
  isSource(suffix)
    ? `Train it first: \`edge-nn train ${path} --data <data>\`; then give its checkpoint.`
    : `Give one of ${Object.keys(readers).join(', ')}.`;

/**
 * Reads a .tflite model or a .safetensors checkpoint.
 *
 * @param note hears what the graph has other than the file
 * @throws BadInputError (exit code 3) or UnsupportedError (4)
 */
export function readModelFile(path: string, note?: Note): ModelFile {
  const bytes = readInputFile(path, 'model');
  const suffix = extname(path).toLowerCase();
  const reader = readers[suffix];
  if (!reader) {
    throw new UnsupportedError(
      `${path}: cannot read ${suffix || 'a file without suffix'} as a model`,
      { hint: unreadableHint(path, suffix), where: path },
    );
  }
  return { path, bytes, ...reader(bytes, path, note) };
}

/**
 * Reads a model that boards can run.
 *
 * @throws UnsupportedError (exit code 4) for a float model
 */
export function readIntegerModel(path: string, note?: Note): ModelFile {
  const file = readModelFile(path, note);
  if (file.graph.stage === 'int8') return file;
  const output = `${basename(path, extname(path))}.tflite`;
  throw new UnsupportedError(`${path} is a float model; boards run int8`, {
    hint: `Quantize it first: \`edge-nn quantize ${path} --data <data> --out ${output}\`.`,
    where: path,
  });
}

/** Says that a float model runs here, where a board is named. */
export function noteFloat(path: string, board: string | undefined, note: Note): void {
  if (board !== undefined) note(`${path} is a float model: it runs in the engine, not on ${board}`);
}
