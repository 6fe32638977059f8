/**
 * What `train` begins with: a model file, or a float .tflite with the weights that it has.
 */
import { extname } from 'node:path';
import { BadInputError } from '../core/errors.js';
import { loadModelFile } from '../front/load-model.js';
import type { Model } from '../front/model.js';
import type { Graph, LossName } from '../ir/graph.js';
import { losses } from '../train/losses.js';
import { readModelFile } from './model-file.js';

/** The loss that computes the last layer of a model itself; squares where none does. */
function suggestedLoss(graph: Graph): LossName {
  const last = graph.nodes.find(({ output }) => output === graph.outputs[0]);
  const names = Object.keys(losses) as LossName[];
  return names.find((name) => losses[name].includes === last?.op) ?? 'meanSquares';
}

/** A float model that was trained elsewhere, as a model. @throws BadInputError for an integer one */
function trainedModel(path: string, note: (line: string) => void): Model {
  const { graph } = readModelFile(path, note);
  if (graph.stage !== 'float') {
    throw new BadInputError(`${path} is an ${graph.stage} model, which cannot be trained`, {
      hint: 'Give the float model that it was made of, or a model file (.ts).',
      where: path,
    });
  }
  const loss = graph.loss ?? suggestedLoss(graph);
  if (!graph.loss) note(`${path} names no loss: ${loss} fits its last layer`);
  return { name: graph.name, graph: () => ({ ...graph, loss }) };
}

/**
 * The model that a path names.
 *
 * @param note hears what a .tflite leaves open
 * @throws BadInputError (exit code 3) or UnsupportedError (4)
 */
export const loadTrainable = async (path: string, note: (line: string) => void): Promise<Model> =>
  extname(path).toLowerCase() === '.tflite' ? trainedModel(path, note) : loadModelFile(path);
