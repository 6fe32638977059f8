/**
 * How errors look: one message with a hint, or one JSON document.
 */
import { EdgeNnError, exitCodes } from '../core/errors.js';

const reportHint =
  'This is a mistake in edge-nn: please report it with the command and EDGE_NN_DEBUG=1 output.';

/** `{error: {code, name, message, hint, where}}` and a newline. */
export function errorJson(error: unknown): string {
  const known = error instanceof EdgeNnError;
  const { name, message } = error as Error;
  const body = {
    code: known ? error.code : exitCodes.internal,
    name: known ? name : 'InternalError',
    message,
    hint: known ? error.hint : reportHint,
    ...(known && error.where !== undefined && { where: error.where }),
  };
  return `${JSON.stringify({ error: body }, null, 2)}\n`;
}

/** Message, place where the message does not say it, and hint; the stack only with EDGE_NN_DEBUG. */
export function errorText(error: unknown): string {
  const known = error instanceof EdgeNnError;
  const { message, stack } = error as Error;
  const where = known && error.where !== undefined && !message.includes(error.where);
  const lines = [
    `error: ${message}`,
    ...(where ? [`where: ${error.where}`] : []),
    `hint: ${known ? error.hint : reportHint}`,
  ];
  if (process.env.EDGE_NN_DEBUG) lines.push(String(stack));
  return `${lines.join('\n')}\n`;
}
