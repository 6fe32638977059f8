/**
 * The files that verbs take: what they are, by content rather than by trust in the name.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { BadInputError, UnsupportedError } from '../core/errors.js';
import { importTflite } from '../front/tflite/import-tflite.js';
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

/** Reads a file of the user's. @throws BadInputError when it is missing or unreadable */
export function readInputFile(path: string, what: string): Uint8Array {
  if (!existsSync(path)) {
    throw new BadInputError(`no such ${what}: ${path}`, {
      hint: 'Check the path; it counts from the current folder.',
      where: path,
    });
  }
  if (statSync(path).isDirectory()) {
    throw new BadInputError(`${path} is a folder, not a ${what}`, {
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
      {
        hint: `Give one of ${Object.keys(readers).join(', ')}.`,
        where: path,
      },
    );
  }
  return { path, bytes, ...reader(bytes, path, note) };
}
