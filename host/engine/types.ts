/**
 * What an engine and its programs are.
 */
import type { AnyArray } from '../core/dtype.js';
import type { Graph, ValueId } from '../ir/graph.js';

export interface CompileOptions {
  /** Values beside the outputs that must be readable after a run. */
  readonly keep?: readonly ValueId[] | undefined;
}

export interface EngineOptions {
  /** Threads that share the work; default 1. The bytes are the same at any number. */
  readonly threads?: number | undefined;
  /** The instruction-set variant of wasm or native; default the best that runs here. */
  readonly variant?: string | undefined;
  /** Hears the one line that says that another engine is used; default: standard error. */
  readonly report?: ((line: string) => void) | undefined;
}

export interface Engine {
  readonly name: 'wasm' | 'native' | 'webgpu';
  /** The instruction-set variant; equal variants give equal bytes. Recorded in checkpoints. */
  readonly variant: string;
  /**
   * Prepares a graph of stage float or train; the batch is the one of its shapes. At stage float,
   * dropout is the identity.
   *
   * @throws UnsupportedError for an op that has no float kernel
   */
  compile(graph: Graph, options?: CompileOptions): Program;
}

export interface Program {
  readonly graph: Graph;
  /** Bytes of intermediate values and scratch; constants, states and inputs lie beside them. */
  readonly arenaBytes: number;
  /** Bytes of all memory of the program: the arena, constants, states and inputs. */
  readonly memoryBytes: number;
  /** Sets an input, const or state. */
  write(id: ValueId, data: AnyArray): void;
  /** A copy of an output, kept value, input, const or state. */
  read(id: ValueId): AnyArray;
  /** Computes the outputs; then every state becomes its update. */
  run(): void;
  /** Frees the memory; the program cannot be used after. */
  dispose(): void;
}
