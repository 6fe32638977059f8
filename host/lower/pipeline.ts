/**
 * From an int8 graph to what a device runs.
 */
import type { Graph } from '../ir/graph.js';
import type { Lowered, Target } from './lowered.js';

/**
 * Lowers an int8 graph for a target.
 *
 * @param graph stage int8, batch 1
 * @throws BadInputError when an accumulator could overflow, naming value and channel;
 *         UnsupportedError for an op without a kernel
 */
export declare function lower(graph: Graph, target?: Target): Lowered;
