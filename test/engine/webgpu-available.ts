/**
 * The WebGPU engine for tests, or why there is none.
 */
import { ToolchainError } from '../../host/core/errors.js';
import { createEngine, type Engine } from '../../host/engine/engine.js';
import { quick } from '../quick.js';

interface Available {
  readonly engine: Engine | undefined;
  /** For node:test. */
  readonly skip: string | false;
}

async function find(): Promise<Available> {
  if (quick) return { engine: undefined, skip: 'EDGE_NN_QUICK is set' };
  try {
    return { engine: await createEngine('webgpu'), skip: false };
  } catch (error) {
    if (!(error instanceof ToolchainError)) throw error;
    return { engine: undefined, skip: `${error.message}. ${error.hint}` };
  }
}

export const webgpu = await find();
