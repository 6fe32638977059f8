/**
 * What the engine and its GPU thread say to each other.
 *
 * WebGPU answers asynchronously only, programs are synchronous: the GPU is driven by a worker
 * thread (worker.ts), and the engine (thread.ts) sleeps until it has answered.
 */

import type { MessagePort } from 'node:worker_threads';

/** A program, ready for the device. */
export interface GpuProgram {
  /** Bytes of memory. */
  readonly bytes: number;
  /** WGSL modules with the entry point of each. */
  readonly pipelines: readonly { readonly code: string; readonly entry: string }[];
  readonly dispatches: readonly GpuDispatch[];
  /** Parameters of all dispatches, each at an offset that a binding may have. */
  readonly params: Int32Array;
  /** Bytes that a binding of parameters shows. */
  readonly window: number;
  readonly segments: { readonly count: number; readonly shift: number };
}

export interface GpuDispatch {
  /** Number of the pipeline. */
  readonly pipeline: number;
  /** Where its parameters begin, in bytes. */
  readonly params: number;
  readonly groups: readonly [number, number, number];
}

/** What the device is and can. */
export interface GpuDescription {
  /** Vendor, architecture and driver: equal variants give equal bytes. */
  readonly variant: string;
  /** The name for people. */
  readonly name: string;
  /** Bytes of the largest buffer that a shader can see. */
  readonly largestBuffer: number;
  /** The most buffers that a shader can see. */
  readonly mostBuffers: number;
}

export type Request =
  | { readonly kind: 'open' }
  /** Waits until the device has done everything. */
  | { readonly kind: 'finish' }
  | { readonly kind: 'compile'; readonly id: number; readonly program: GpuProgram }
  | { readonly kind: 'read'; readonly id: number; readonly at: number; readonly length: number }
  | Command;

/** What is not answered; its failure is the answer to the next question. */
export type Command =
  | { readonly kind: 'write'; readonly id: number; readonly at: number; readonly data: Uint8Array }
  | { readonly kind: 'run'; readonly id: number }
  | { readonly kind: 'dispose'; readonly id: number };

export type Question = Exclude<Request, Command>;

/** An error of host/core/errors.ts, or (code 1) one that nobody foresaw. */
export interface Failure {
  readonly code: number;
  readonly message: string;
  readonly hint: string;
}

export type Answer =
  | { readonly ok: true; readonly value: GpuDescription | Uint8Array | undefined }
  | { readonly ok: false; readonly failure: Failure };

/** What the worker is started with. */
export interface WorkerData {
  /** Element 0 counts answers; element 1 is 1 when the worker has ended. */
  readonly signal: Int32Array;
  readonly port: MessagePort;
}
