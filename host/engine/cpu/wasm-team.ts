/**
 * The threads of the WASM engine. Each holds an instance of every program over the program's
 * shared memory; all run it together and meet after every kernel (kernels/c/engine_kernels.h).
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { ToolchainError } from '../../core/errors.js';
import { builtFile } from '../../core/package.js';
import type { WasmMemory, WasmModule } from './wasm-api.js';

/**
 * Words of the control block: bumped for every command; the program to run, or -1; who is ready;
 * the address of the first call to run, and how many.
 */
export const words = { turn: 0, program: 1, ready: 2, calls: 3, count: 4 } as const;

export interface ThreadData {
  readonly control: Int32Array;
  readonly port: MessagePort;
  readonly module: WasmModule;
  readonly thread: number;
  readonly threads: number;
}

/** What the engine tells a thread beside the control block. */
export type Message =
  | {
      readonly kind: 'join';
      readonly id: number;
      readonly memory: WasmMemory;
      /** The end of the thread's stack. */
      readonly stack: number;
      readonly team: number;
    }
  | { readonly kind: 'leave'; readonly id: number };

/** A program as all threads know it. */
export interface Shared {
  readonly memory: WasmMemory;
  readonly team: number;
  /** The end of the stack of a thread, from 1 on. */
  stackOf(thread: number): number;
}

export interface WasmTeam {
  readonly threads: number;
  /** All threads take part in the program from now on; returns its number. */
  join(program: Shared): number;
  /** Wakes the other threads to run calls of a program; the caller runs its own part. */
  start(id: number, calls: number, count: number): void;
  leave(id: number): void;
}

/** Within it a thread has started and instantiated a module, however busy the machine. */
const startMs = 60_000;

/** Starts a thread and gives the way to talk to it. It does not keep the process alive. */
function startThread(data: Omit<ThreadData, 'port'>): MessagePort {
  const { port1, port2 } = new MessageChannel();
  const workerData: ThreadData = { ...data, port: port2 };
  const worker = new Worker(builtFile('wasm-worker.js'), { workerData, transferList: [port2] });
  worker.unref();
  port1.unref();
  return port1;
}

/** Waits until so many threads are ready. @throws ToolchainError */
function awaitReady(control: Int32Array, count: number): void {
  for (let ready = 0; ready < count; ready = Atomics.load(control, words.ready)) {
    if (Atomics.wait(control, words.ready, ready, startMs) !== 'timed-out') continue;
    throw new ToolchainError('the threads of the engine do not start', {
      hint: 'Use --threads 1.',
      where: 'wasm',
    });
  }
}

/** Starts `threads` - 1 threads beside the caller's. */
export function startTeam(module: WasmModule, threads: number): WasmTeam {
  const control = new Int32Array(new SharedArrayBuffer(20));
  const ports = Array.from({ length: threads - 1 }, (_, i) =>
    startThread({ control, module, thread: i + 1, threads }),
  );
  let programs = 0;

  function wake(program: number): void {
    Atomics.store(control, words.program, program);
    Atomics.add(control, words.turn, 1);
    Atomics.notify(control, words.turn);
  }

  return {
    threads,
    join({ memory, team, stackOf }) {
      const id = programs++;
      Atomics.store(control, words.ready, 0);
      ports.forEach((port, i) => {
        const stack = stackOf(i + 1);
        port.postMessage({ kind: 'join', id, memory, stack, team } satisfies Message);
      });
      wake(-1);
      awaitReady(control, ports.length);
      return id;
    },
    start(id, calls, count) {
      Atomics.store(control, words.calls, calls);
      Atomics.store(control, words.count, count);
      wake(id);
    },
    leave(id) {
      for (const port of ports) port.postMessage({ kind: 'leave', id } satisfies Message);
    },
  };
}
