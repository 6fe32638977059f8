/**
 * The WebGPU engine: WGSL kernels (kernels/wgsl) on the GPU, through npm `webgpu`.
 *
 * A program's memory is one array of 32-bit words on the device, as long as a buffer may be, else
 * spread over several; batches go up, results come back, nothing else. No float is added by
 * atomics: the same device and driver give the same bytes.
 */
import { UsageError } from '../../core/errors.js';
import type { Graph } from '../../ir/graph.js';
import { alignUp, checkStage, place } from '../placement.js';
import { createProgram, type Machine } from '../program.js';
import { type ScheduledStep, schedule } from '../schedule.js';
import type { CompileOptions, Engine, Program } from '../types.js';
import type { Dispatch, GpuPlan, GpuRule, Places } from './dispatch.js';
import { gpuRules } from './kernels.js';
import type { GpuDescription, GpuDispatch, GpuProgram } from './protocol.js';
import { type Segments, sourceOf } from './shader.js';
import { type GpuThread, startGpuThread } from './thread.js';

/** Bindings of parameters begin at multiples of this, on every device. */
const paramsAlign = 256;

interface Device {
  readonly thread: GpuThread;
  readonly description: GpuDescription;
  /** Words of the largest buffer that is used. */
  readonly segmentWords: number;
}

let opened: Device | undefined;
let programs = 0;

/** The largest power of two of words that fits into a buffer of the device. */
const segmentWordsOf = ({ largestBuffer }: GpuDescription): number =>
  2 ** Math.floor(Math.log2(largestBuffer / 4));

function open(): Device {
  const thread = startGpuThread();
  const description = thread.ask({ kind: 'open' }) as GpuDescription;
  return { thread, description, segmentWords: segmentWordsOf(description) };
}

export interface WebgpuOptions {
  /** The most bytes of one buffer, a power of two; default: what the device allows. */
  readonly bufferBytes?: number;
  /** The device that it must be, as `--engine webgpu:VARIANT` names it. */
  readonly variant?: string | undefined;
}

function requireVariant({ description }: Device, wanted: string | undefined): void {
  const own = description.variant.replace('webgpu-', '');
  if (wanted === undefined || wanted === own) return;
  throw new UsageError(`the GPU of this machine is ${own}, not ${wanted}`, {
    hint: 'Write --engine webgpu; VK_DRIVER_FILES chooses another Vulkan driver.',
  });
}

/**
 * The WebGPU engine on this machine's GPU, or on SwiftShader.
 *
 * @throws ToolchainError without npm webgpu, or without an adapter; UsageError where the adapter is
 *   another one than `variant`
 */
export async function createWebgpuEngine({
  bufferBytes,
  variant,
}: WebgpuOptions = {}): Promise<Engine> {
  opened ??= open();
  requireVariant(opened, variant);
  const device = {
    ...opened,
    ...(bufferBytes !== undefined && { segmentWords: bufferBytes / 4 }),
  };
  return {
    name: 'webgpu',
    variant: device.description.variant,
    compile: (graph, options = {}) => compile(device, graph, options),
  };
}

/** The plans of a step's kernel calls. */
const plansOf = ({ plan }: ScheduledStep): GpuPlan[] =>
  plan.calls.map(({ kernel, params }) => (gpuRules[kernel] as GpuRule)(params));

/** Where the arrays of a call begin, in words. */
function placesOf(
  step: ScheduledStep,
  call: number,
  addressOf: ReadonlyMap<string, number>,
  scratch: number,
): Places {
  const { args } = step.plan.calls[call]!;
  const inputs = args.flatMap((arg) => {
    if (arg.from === 'operand') return [addressOf.get(step.inputs[arg.index]!)! / 4 + arg.offset];
    return arg.from === 'null' ? [undefined] : [];
  });
  const offset = args.flatMap((arg) => (arg.from === 'output' ? [arg.offset] : []))[0]!;
  return { inputs, output: addressOf.get(step.output)! / 4 + offset, scratch: scratch / 4 };
}

/** Shaders, and parameters side by side in one array. */
function assemble(all: readonly Dispatch[], bytes: number, segments: Segments): GpuProgram {
  const numbers = new Map<string, number>();
  const pipelines: { code: string; entry: string }[] = [];
  const dispatches: GpuDispatch[] = [];
  let at = 0;
  for (const { shader, params, groups } of all) {
    const key = JSON.stringify(shader);
    if (!numbers.has(key)) {
      numbers.set(key, pipelines.length);
      pipelines.push({ code: sourceOf(shader, segments), entry: shader.entry });
    }
    dispatches.push({ pipeline: numbers.get(key)!, params: at, groups });
    at += Math.ceil((4 * params.length) / paramsAlign) * paramsAlign;
  }
  const longest = Math.max(0, ...all.map(({ params }) => 4 * params.length));
  const window = Math.ceil(longest / paramsAlign) * paramsAlign || paramsAlign;
  // The window of the last parameters ends inside the buffer too.
  const params = new Int32Array((at + window) / 4);
  all.forEach((dispatch, i) => {
    params.set(dispatch.params, dispatches[i]!.params / 4);
  });
  return { bytes, pipelines, dispatches, params, window, segments };
}

/** @throws UsageError when the device has not got so much memory in buffers of its size */
function segmentsFor(graph: Graph, bytes: number, device: Device): Segments {
  const { segmentWords, description } = device;
  const count = Math.max(1, Math.ceil(bytes / 4 / segmentWords));
  const most = Math.min(description.mostBuffers - 1, 2 ** 32 / segmentWords);
  if (count > most) {
    const mib = (n: number): number => Math.ceil(n / 2 ** 20);
    throw new UsageError(
      `graph ${graph.name} needs ${mib(bytes)} MiB of memory, the GPU's buffers hold ${mib(most * segmentWords * 4)}`,
      { hint: 'Use a smaller batch.' },
    );
  }
  return { count, shift: Math.log2(segmentWords) };
}

function compile(device: Device, graph: Graph, { keep = [] }: CompileOptions): Program {
  checkStage(graph);
  const order = schedule(graph);
  const plans = order.steps.map(plansOf);
  const scratch = plans.map((calls) => 4 * Math.max(0, ...calls.map((call) => call.scratch)));
  const { layout, addressOf, scratchAt, end } = place(graph, order, {
    base: 0,
    scratch,
    keep,
    unordered: true,
  });
  const dispatches = order.steps.flatMap((step, i) =>
    plans[i]!.flatMap((call, j) => call.dispatches(placesOf(step, j, addressOf, scratchAt[i]!))),
  );
  const bytes = alignUp(end);
  const program = assemble(dispatches, bytes, segmentsFor(graph, bytes, device));
  return createProgram(graph, layout, machineOf(device.thread, program));
}

function machineOf(thread: GpuThread, program: GpuProgram): Machine {
  const id = ++programs;
  thread.ask({ kind: 'compile', id, program });
  return {
    // The caller's array may be a window on a large buffer, all of which would be sent.
    write: (at, data) => thread.tell({ kind: 'write', id, at, data: data.slice() }),
    read: (at, length) => thread.ask({ kind: 'read', id, at, length }) as Uint8Array<ArrayBuffer>,
    run: () => thread.tell({ kind: 'run', id }),
    dispose: () => thread.tell({ kind: 'dispose', id }),
  };
}
