/**
 * What the integer interpreter knows of an op.
 */
import type { Graph, NodeOf } from '../ir/graph.js';
import type { OpName } from '../ir/ops.js';

/** Computes one node: reads its inputs (row-major), fills its output. */
export type Kernel = (inputs: readonly Int8Array[], output: Int8Array) => void;

/**
 * Prepares a node: everything that does not depend on the inputs' contents happens here.
 *
 * @throws UnsupportedError or BadInputError for what the int8 scheme has no form of
 */
export type Rule<O extends OpName> = (graph: Graph, node: NodeOf<O>) => Kernel;
