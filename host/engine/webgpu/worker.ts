/**
 * The GPU thread: obeys requests one after the other. An entry point of its own in the build.
 */
import { workerData } from 'node:worker_threads';
import { EdgeNnError } from '../../core/errors.js';
import { openGpu } from './adapter.js';
import type { Answer, Failure, Request, WorkerData } from './protocol.js';
import { createSession, type Session } from './session.js';

const { signal, port } = workerData as WorkerData;

function failureOf(error: unknown): Failure {
  const { message } = error as Error;
  if (error instanceof EdgeNnError) return { code: error.code, message, hint: error.hint };
  return { code: 1, message, hint: '' };
}

function answer(content: Answer): void {
  port.postMessage(content);
  Atomics.add(signal, 0, 1);
  Atomics.notify(signal, 0);
}

// Whoever sleeps must learn that no answer comes.
process.on('exit', () => {
  Atomics.store(signal, 1, 1);
  Atomics.add(signal, 0, 1);
  Atomics.notify(signal, 0);
});

let session: Promise<Session> | undefined;
let failure: unknown;

async function handle(request: Request): Promise<void> {
  const silent = request.kind === 'write' || request.kind === 'run' || request.kind === 'dispose';
  try {
    if (failure !== undefined) throw failure;
    session ??= openGpu().then(createSession);
    const value = await (await session).handle(request);
    if (!silent) answer({ ok: true, value });
  } catch (error) {
    if (silent) {
      failure = error;
    } else {
      failure = undefined;
      answer({ ok: false, failure: failureOf(error) });
    }
  }
}

let queue: Promise<void> = Promise.resolve();
port.on('message', (request: Request) => {
  queue = queue.then(() => handle(request));
});
