/**
 * A compiled program: a machine with memory, and where the graph's values lie in it.
 */
import { type AnyArray, byteSize, bytesOf, dtypes, viewAs } from '../core/dtype.js';
import { BadInputError } from '../core/errors.js';
import { elements, formatShape } from '../core/shape.js';
import { type Graph, getValue, type Value, type ValueId } from '../ir/graph.js';
import type { Program } from './types.js';

/** What holds the memory of one program and runs its calls. */
export interface Machine {
  write(address: number, bytes: Uint8Array): void;
  /** A copy. */
  read(address: number, length: number): Uint8Array<ArrayBuffer>;
  run(): void;
  dispose(): void;
}

export interface Layout {
  readonly arenaBytes: number;
  /** Bytes of everything that is placed. */
  readonly memoryBytes: number;
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

/** The program of a graph whose values lie in a machine's memory as the layout says. */
export function createProgram(graph: Graph, layout: Layout, machine: Machine): Program {
  let live: Machine | undefined = machine;

  function running(): Machine {
    if (!live) throw new Error(`the program of graph ${graph.name} was disposed`);
    return live;
  }

  function store({ id }: Value, data: AnyArray): void {
    running().write(layout.addressOf(id), bytesOf(data));
  }

  for (const [id, data] of graph.data) store(getValue(graph, id), data);

  return {
    graph,
    arenaBytes: layout.arenaBytes,
    memoryBytes: layout.memoryBytes,
    write(id, data) {
      const value = getValue(graph, id);
      if (value.kind === 'temp') throw new Error(`%${id} is computed, it cannot be written`);
      checkData(value, data);
      store(value, data);
    },
    read(id) {
      const { dtype, shape } = getValue(graph, id);
      if (!layout.readable.has(id)) {
        throw new Error(`%${id} does not survive a run: name it in compile's option keep`);
      }
      const length = byteSize(dtype, elements(shape));
      return viewAs(dtype, running().read(layout.addressOf(id), length));
    },
    run: () => running().run(),
    dispose() {
      live?.dispose();
      live = undefined;
    },
  };
}
