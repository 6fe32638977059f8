/**
 * The WASM engine: kernels/c compiled with SIMD, one instance and one memory per program.
 *
 *     0 .. heap_base     the module's own stack and data
 *     params             parameter structs of all kernel calls
 *     statics            inputs, constants and states
 *     arena              intermediate values and scratch, placed by the planner
 */
import { readFileSync } from 'node:fs';
import { ToolchainError, UsageError } from '../core/errors.js';
import { builtFile } from '../core/package.js';
import type { Graph, ValueId } from '../ir/graph.js';
import type { KernelArg, KernelCall } from './kernel-call.js';
import { alignUp, checkStage, place } from './placement.js';
import { createProgram, type Machine } from './program.js';
import { type ScheduledStep, schedule } from './schedule.js';
import type { CompileOptions, Engine, Program } from './types.js';
import {
  pageBytes,
  type WasmInstance,
  type WasmMemory,
  type WasmModule,
  wasm,
} from './wasm-api.js';

/** Lanes and rounding of the kernels: every machine that runs the module gives the same bytes. */
const variant = 'wasm-simd128';

let loaded: Promise<WasmModule> | undefined;

async function loadModule(): Promise<WasmModule> {
  const path = builtFile('engine.wasm');
  try {
    return await wasm.compile(readFileSync(path));
  } catch (cause) {
    throw new ToolchainError(`cannot load the float kernels: ${(cause as Error).message}`, {
      hint: 'Build the package again: npm run build.',
      where: path,
      cause,
    });
  }
}

/** The WASM engine. @throws ToolchainError when engine.wasm was not built */
export async function createWasmEngine(): Promise<Engine> {
  loaded ??= loadModule();
  const module = await loaded;
  return {
    name: 'wasm',
    variant,
    compile: (graph, options = {}) => compile(module, graph, options),
  };
}

/** Grows memory to hold `bytes`. @throws UsageError when the machine has not got them */
function reserve(memory: WasmMemory, bytes: number, graph: Graph): void {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / pageBytes);
  if (missing <= 0) return;
  try {
    memory.grow(missing);
  } catch (cause) {
    const mib = Math.ceil(bytes / 2 ** 20);
    throw new UsageError(`graph ${graph.name} needs ${mib} MiB of memory`, {
      hint: 'Use a smaller batch.',
      cause,
    });
  }
}

/** Addresses of the parameter structs, in the order of steps and calls. */
function placeParams(
  steps: readonly ScheduledStep[],
  memory: WasmMemory,
  base: number,
  graph: Graph,
): { addresses: number[][]; end: number } {
  let end = base;
  const addresses = steps.map(({ plan }) =>
    plan.calls.map(({ params }) => {
      const at = end;
      end = alignUp(end + 4 * params.length);
      return at;
    }),
  );
  reserve(memory, end, graph);
  steps.forEach(({ plan }, i) => {
    plan.calls.forEach(({ params }, j) => {
      new Int32Array(memory.buffer, addresses[i]![j]!, params.length).set(params);
    });
  });
  return { addresses, end };
}

/** Scratch bytes of a step: the most that one of its calls needs. */
function scratchBytes(
  { plan }: ScheduledStep,
  addresses: readonly number[],
  exports: WasmInstance['exports'],
): number {
  const sizes = plan.calls.map(({ scratch }, j) =>
    scratch === undefined ? 0 : 4 * exports[scratch]!(addresses[j]!),
  );
  return Math.max(0, ...sizes);
}

function argument(
  arg: KernelArg,
  step: ScheduledStep,
  addressOf: ReadonlyMap<ValueId, number>,
  scratch: number,
): number {
  if (arg.from === 'operand') return addressOf.get(step.inputs[arg.index]!)! + 4 * arg.offset;
  if (arg.from === 'output') return addressOf.get(step.output)! + 4 * arg.offset;
  return arg.from === 'scratch' ? scratch : 0;
}

/** The flat program: one closure per kernel call, all addresses resolved. */
function link(
  steps: readonly ScheduledStep[],
  params: readonly (readonly number[])[],
  addressOf: ReadonlyMap<ValueId, number>,
  scratch: readonly number[],
  exports: WasmInstance['exports'],
): (() => void)[] {
  const one = (step: ScheduledStep, call: KernelCall, i: number, j: number) => {
    const kernel = exports[call.kernel];
    if (!kernel) throw new Error(`engine.wasm has no kernel ${call.kernel}`);
    const rest = call.args.map((arg) => argument(arg, step, addressOf, scratch[i]!));
    const args = [params[i]![j]!, ...rest];
    return () => void kernel(...args);
  };
  return steps.flatMap((step, i) => step.plan.calls.map((call, j) => one(step, call, i, j)));
}

function machineOf(memory: WasmMemory, calls: readonly (() => void)[]): Machine {
  return {
    write: (address, bytes) => new Uint8Array(memory.buffer).set(bytes, address),
    read: (address, length) => new Uint8Array(memory.buffer, address, length).slice(),
    run() {
      for (const call of calls) call();
    },
    // Whoever held the machine drops it, and the memory with it.
    dispose() {},
  };
}

function compile(module: WasmModule, graph: Graph, { keep = [] }: CompileOptions): Program {
  checkStage(graph);
  const plan = schedule(graph);
  const memory = new wasm.Memory({ initial: 2 });
  const { exports } = new wasm.Instance(module, { env: { memory } });
  const params = placeParams(plan.steps, memory, alignUp(exports.heap_base!()), graph);
  const scratch = plan.steps.map((step, i) => scratchBytes(step, params.addresses[i]!, exports));
  const { layout, scratchAt, addressOf, end } = place(graph, plan, {
    base: params.end,
    scratch,
    keep,
  });
  reserve(memory, end, graph);
  const calls = link(plan.steps, params.addresses, addressOf, scratchAt, exports);
  return createProgram(graph, layout, machineOf(memory, calls));
}
