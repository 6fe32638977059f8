/**
 * The engine's side of the GPU thread: questions that wait for their answer, commands that do not.
 */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  SHARE_ENV,
  Worker,
} from 'node:worker_threads';
import {
  EdgeNnError,
  type ExitCode,
  exitCodes,
  ToolchainError,
  UsageError,
} from '../../core/errors.js';
import { builtFile } from '../../core/package.js';
import type { Answer, Command, Failure, Question, WorkerData } from './protocol.js';

export interface GpuThread {
  /** Sleeps until the thread has answered. @throws what the thread, or a command before, failed with */
  ask(question: Question): Extract<Answer, { ok: true }>['value'];
  /** Is obeyed after everything that was said before. */
  tell(command: Command): void;
}

/** Commands that may wait to be obeyed. */
const mostWaiting = 64;

const errors = { [exitCodes.usage]: UsageError, [exitCodes.toolchain]: ToolchainError };

function errorOf({ code, message, hint }: Failure): Error {
  const known = errors[code as keyof typeof errors];
  if (known) return new known(message, { hint });
  if (code === exitCodes.internal) return new Error(`the GPU thread failed: ${message}`);
  return new EdgeNnError(code as ExitCode, message, { hint });
}

/** Sleeps until the thread has answered. @throws Error where it ended instead */
function receive(port: MessagePort, signal: Int32Array): Answer {
  for (;;) {
    const seen = Atomics.load(signal, 0);
    const answer = receiveMessageOnPort(port);
    if (answer) return answer.message as Answer;
    if (Atomics.load(signal, 1) !== 0) throw new Error('the GPU thread has ended');
    Atomics.wait(signal, 0, seen);
  }
}

/** Starts a GPU thread. It does not keep the process alive. */
export function startGpuThread(): GpuThread {
  const signal = new Int32Array(new SharedArrayBuffer(8));
  const { port1: port, port2 } = new MessageChannel();
  const workerData: WorkerData = { signal, port: port2 };
  // The Vulkan loader reads the environment of the process, not of the worker.
  const worker = new Worker(builtFile('webgpu-worker.js'), {
    workerData,
    transferList: [port2],
    env: SHARE_ENV,
  });
  worker.unref();
  // What ends the thread is told to whoever asks next.
  worker.on('error', () => {});
  let waiting = 0;

  function ask(question: Question) {
    waiting = 0;
    port.postMessage(question);
    const answer = receive(port, signal);
    if (!answer.ok) throw errorOf(answer.failure);
    return answer.value;
  }

  return {
    ask,
    tell(command) {
      if (++waiting > mostWaiting) ask({ kind: 'finish' });
      port.postMessage(command);
    },
  };
}
