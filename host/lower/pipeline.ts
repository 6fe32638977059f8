/**
 * From an int8 graph to what a device runs: the passes below in this order, then the accumulator
 * proof, then kernels and places. No pass changes a byte of any value that survives it, and a
 * value keeps its id, so a lowered graph can be compared with its source value by value.
 */
import { debug, timed } from '../core/debug.js';
import { BadInputError, UnsupportedError } from '../core/errors.js';
import { formatShape } from '../core/shape.js';
import { type Graph, getValue } from '../ir/graph.js';
import { isIntegerOp } from '../ir/ops.js';
import { print } from '../ir/text.js';
import { verify } from '../ir/verify.js';
import { createOracle } from '../quant/interpret/interpret.js';
import type { Lowered, Target } from './lowered.js';
import { portableTarget } from './lowered.js';
import { dropChannels } from './passes/drop-channels.js';
import { dropIdentity } from './passes/drop-identity.js';
import { foldChannels } from './passes/fold-channels.js';
import { foldConstants } from './passes/fold-constants.js';
import { foldPad } from './passes/fold-pad.js';
import { mergeClamps } from './passes/merge-clamps.js';
import { singleChannel } from './passes/single-channel.js';
import { placementText } from './place.js';
import { proveAccumulators } from './proof.js';
import { placeByRows, type RowOptions } from './rows/search.js';

export interface Pass {
  readonly name: string;
  readonly run: (graph: Graph) => Graph;
}

/** The passes, in order. Each drops what it made unneeded. */
export const passes: readonly Pass[] = [
  { name: 'fold-constants', run: foldConstants },
  { name: 'fold-pad', run: foldPad },
  { name: 'single-channel', run: singleChannel },
  { name: 'merge-clamps', run: mergeClamps },
  { name: 'drop-identity', run: dropIdentity },
  { name: 'fold-channels', run: foldChannels },
  { name: 'drop-channels', run: dropChannels },
];

/** Refuses what no device of this version runs. */
function requireLowerable(graph: Graph): void {
  for (const id of graph.inputs) {
    const { shape } = getValue(graph, id);
    if (shape[0] === 1) continue;
    throw new BadInputError(`input %${id} has shape ${formatShape(shape)}: a device runs batch 1`, {
      hint: 'Rebatch the graph to 1 before lowering it.',
      where: `%${id}`,
    });
  }
  const foreign = graph.nodes.find((node) => !isIntegerOp(node.op));
  if (foreign) {
    throw new UnsupportedError(`${foreign.op} (%${foreign.output}) has no device kernel`, {
      hint: 'Replace this layer by one that has an int8 form.',
      where: `%${foreign.output}`,
    });
  }
  const state = graph.states[0];
  if (state) {
    throw new UnsupportedError(`%${state.value} is kept between inferences`, {
      hint: 'Streaming models cannot be compiled yet; unroll the model over time.',
      where: `%${state.value}`,
    });
  }
}

function runPass(graph: Graph, { name, run }: Pass): Graph {
  const after = timed(name, () => run(graph));
  debug('graph', `${graph.name} after ${name}`, () => print(after));
  return after;
}

/**
 * Lowers an int8 graph for a target.
 *
 * @param graph stage int8, batch 1
 * @param rows what the arena may take, and whether the input arrives row by row
 * @throws BadInputError when an accumulator could overflow, naming value and channel;
 *         UnsupportedError for an op without a kernel; DoesNotFitError when `rows` asks for too much
 */
export function lower(
  graph: Graph,
  target: Target = portableTarget,
  rows: RowOptions = {},
): Lowered {
  requireLowerable(graph);
  const start = verify({ ...graph, stage: 'lowered' });
  // The oracle's rules check what the verifier does not: one scale per activation, equal scales
  // where an op only moves bytes, symmetric weights.
  createOracle(start);
  const lowered = passes.reduce(runPass, start);
  const placed = placeByRows(lowered, target, proveAccumulators(lowered), rows);
  debug('plan', `plan of ${graph.name}`, () => placementText(placed));
  return placed;
}
