/**
 * A compiled program: a memory with a layout, and the calls that run over it.
 */
import { type AnyArray, byteSize, bytesOf, dtypes, viewAs } from '../core/dtype.js';
import { BadInputError } from '../core/errors.js';
import { elements, formatShape } from '../core/shape.js';
import { type Graph, getValue, type Value, type ValueId } from '../ir/graph.js';
import type { Program } from './types.js';
import type { WasmMemory } from './wasm-api.js';

export interface Layout {
  readonly memory: WasmMemory;
  readonly arenaBytes: number;
  addressOf(id: ValueId): number;
  /** Values whose contents survive a run. */
  readonly readable: ReadonlySet<ValueId>;
}

function checkData(value: Value, data: AnyArray): void {
  const count = elements(value.shape);
  if (data.length === count && data instanceof dtypes[value.dtype].array) return;
  throw new BadInputError(
    `%${value.id} is ${value.dtype}${formatShape(value.shape)}, given ${data.constructor.name} of ${data.length}`,
    { hint: `Give ${count} elements of type ${value.dtype}.`, where: `%${value.id}` },
  );
}

/** The program of a graph whose calls are linked to the layout's addresses. */
export function createProgram(
  graph: Graph,
  layout: Layout,
  calls: readonly (() => void)[],
): Program {
  let memory: WasmMemory | undefined = layout.memory;
  let program = calls;

  function bytesAt(value: Value): Uint8Array {
    if (!memory) throw new Error(`the program of graph ${graph.name} was disposed`);
    const bytes = byteSize(value.dtype, elements(value.shape));
    return new Uint8Array(memory.buffer, layout.addressOf(value.id), bytes);
  }

  for (const [id, data] of graph.data) bytesAt(getValue(graph, id)).set(bytesOf(data));

  return {
    graph,
    arenaBytes: layout.arenaBytes,
    write(id, data) {
      const value = getValue(graph, id);
      if (value.kind === 'temp') throw new Error(`%${id} is computed, it cannot be written`);
      checkData(value, data);
      bytesAt(value).set(bytesOf(data));
    },
    read(id) {
      const value = getValue(graph, id);
      if (!layout.readable.has(id)) {
        throw new Error(`%${id} does not survive a run: name it in compile's option keep`);
      }
      return viewAs(value.dtype, bytesAt(value).slice());
    },
    run() {
      if (!memory) throw new Error(`the program of graph ${graph.name} was disposed`);
      for (const call of program) call();
    },
    dispose() {
      memory = undefined;
      program = [];
    },
  };
}
