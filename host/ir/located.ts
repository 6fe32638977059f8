/**
 * Errors of rules that know numbers and shapes only, with the node that they arose at.
 */
import { EdgeNnError } from '../core/errors.js';
import type { ValueId } from './graph.js';
import type { OpName } from './ops.js';

/** The same error, saying where in the graph it arose, unless it does. */
export function located(error: unknown, op: OpName, id: ValueId): unknown {
  if (!(error instanceof EdgeNnError) || error.where) return error;
  return new (
    error.constructor as typeof EdgeNnError as never as new (
      message: string,
      details: object,
    ) => EdgeNnError
  )(`${op} %${id}: ${error.message}`, { hint: error.hint, where: `%${id}` });
}
