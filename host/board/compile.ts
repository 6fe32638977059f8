/**
 * From an int8 model to a folder with firmware, measured and certified.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UnsupportedError } from '../core/errors.js';
import { sha256 } from '../core/hash.js';
import { emitC, hash16 } from '../emit/c/emit-c.js';
import { kernelHeaders } from '../emit/c/kernel-headers.js';
import { traceJson } from '../emit/c/trace.js';
import { importTflite } from '../front/tflite/import-tflite.js';
import type { Graph } from '../ir/graph.js';
import type { Lowered } from '../lower/lowered.js';
import { lower } from '../lower/pipeline.js';
import { type Board, getBoard, targetOf } from './boards.js';
import { certificateFile, writeBuildFolder, writeTree } from './build-folder.js';
import { buildGnu } from './build-gnu.js';
import { buildWasm } from './build-wasm.js';
import { type Certificate, makeCertificate } from './certificate.js';
import { checkImage, checkPlan, refuseOverflow } from './fit.js';
import { compileFlags, linkFlags } from './flags.js';
import { boardSources, cmakeLists, folderReadme, folderSources } from './folder-files.js';
import { type Image, ImageOverflow, type SourceTree } from './image.js';

export interface CompileOptions {
  /** The bytes of an int8 .tflite file. */
  readonly model: Uint8Array;
  /** The graph's name where the file has none, such as the file's own; default `model`. */
  readonly name?: string | undefined;
  /** The file, for messages. */
  readonly file?: string | undefined;
  readonly board: string;
  /** The folder to write. An earlier build in it is replaced. */
  readonly out: string;
  /** The most that the arena may take, in bytes: layers then go row by row as far as that needs. */
  readonly ram?: number | undefined;
  /** The input is never in memory as a whole: its rows are consumed as they arrive over the link. */
  readonly streamInput?: boolean | undefined;
}

/** The certificate, and the folder that was written. */
export interface CompileResult extends Certificate {
  readonly output: string;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The emitted C with every source that goes into the image, and what names this build. */
interface Emitted {
  readonly modelHash: string;
  readonly buildHash: string;
  readonly modelC: string;
  readonly model: SourceTree;
}

/** Emits the model; the build's hash covers all sources and flags, so it comes last into them. */
function emit(board: Board, lowered: Lowered, model: Uint8Array): Emitted {
  const modelHash = hash16(model);
  const blank = emitC(lowered, { modelHash, buildHash: new Uint8Array(16) });
  const headers = kernelHeaders(blank.get('model.c')!);
  const buildHash = hash16(
    JSON.stringify([
      [...blank],
      [...headers],
      [...boardSources(board)],
      compileFlags(board),
      linkFlags(board, 0),
    ]),
  );
  const files = new Map([...emitC(lowered, { modelHash, buildHash }), ...headers]);
  return {
    modelHash: hex(modelHash),
    buildHash: hex(buildHash),
    modelC: files.get('model.c')!,
    model: new Map([...files].map(([name, text]) => [`model/${name}`, text])),
  };
}

async function build(
  board: Board,
  lowered: Lowered,
  tree: SourceTree,
  dir: string,
): Promise<Image> {
  try {
    return board.compiler === 'wasm-clang'
      ? await buildWasm(board, tree)
      : await buildGnu(board, dir);
  } catch (error) {
    if (error instanceof ImageOverflow) refuseOverflow(board, lowered, error.overflows);
    throw error;
  }
}

async function fillFolder(
  board: Board,
  lowered: Lowered,
  model: Uint8Array,
  dir: string,
): Promise<Certificate> {
  const { modelHash, buildHash, modelC, model: modelFiles } = emit(board, lowered, model);
  const tree = new Map([...modelFiles, ...folderSources(board)]);
  writeTree(dir, tree);
  mkdirSync(join(dir, 'objects'));
  const image = await build(board, lowered, tree, dir);
  rmSync(join(dir, 'objects'), { recursive: true });
  checkImage(board, lowered, image.size);
  const imageHash = sha256(image.bytes);
  const facts = { board, lowered, image, modelC, modelHash, buildHash, imageHash };
  const certificate = makeCertificate(facts);
  writeTree(
    dir,
    new Map<string, string | Uint8Array>([
      [image.file, image.bytes],
      ['model.tflite', model],
      ['trace.json', traceJson(lowered)],
      [certificateFile, `${JSON.stringify(certificate, null, 2)}\n`],
      ['CMakeLists.txt', cmakeLists(board, image.stack.bytes)],
      ['README.md', folderReadme(board, lowered)],
    ]),
  );
  return certificate;
}

function int8Graph({ model, name, file }: CompileOptions): Graph {
  const graph = importTflite(model, name, file);
  if (graph.stage === 'int8') return graph;
  throw new UnsupportedError(`${file ?? graph.name} is a ${graph.stage} model; boards run int8`, {
    hint: 'Quantize it first: `edge-nn quantize <model> --data <data> --out model.tflite`.',
    where: file,
  });
}

/**
 * Compiles an int8 model for a board: emits C, builds the image, measures it, and writes a folder
 * that builds without edge-nn. The same input gives the same bytes.
 *
 * @throws UsageError (exit code 2) for an unknown board or an output that cannot be written,
 *   BadInputError (3), UnsupportedError (4), DoesNotFitError (5) with the largest live tensors,
 *   ToolchainError (6); in every case nothing is left behind
 */
export async function compileModel(options: CompileOptions): Promise<CompileResult> {
  const board = getBoard(options.board);
  const { ram, streamInput } = options;
  const lowered = lower(int8Graph(options), targetOf(board), { ram, streamInput });
  checkPlan(board, lowered);
  const certificate = await writeBuildFolder(options.out, (dir) =>
    fillFolder(board, lowered, options.model, dir),
  );
  return { ...certificate, output: resolve(options.out) };
}
