/**
 * What the integer interpreter knows of an op.
 */
import type { Graph, NodeOf } from '../../ir/graph.js';
import type { OpName } from '../../ir/ops.js';

/** The elements of an activation. */
export type Stored = Int8Array | Int16Array;

/** Computes one node: reads its inputs (row-major), fills its output. */
export type Kernel = (inputs: readonly Stored[], output: Stored) => void;

/**
 * Prepares a node: everything that does not depend on the inputs' contents happens here.
 *
 * @throws UnsupportedError or BadInputError for what the integer schemes have no form of
 */
export type Rule<O extends OpName> = (graph: Graph, node: NodeOf<O>) => Kernel;
