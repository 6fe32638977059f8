/**
 * Steps of a program for the processor: kernel calls over named buffers. A scheduled step becomes
 * one of these; passes then join and share their work.
 */
import type { ValueId } from '../../ir/graph.js';
import { type KernelArg, overwritable } from '../kernels/kernel-call.js';
import type { ScheduledStep } from '../schedule.js';

/** A buffer that a kernel gets, from an offset in elements on. */
export type CpuArg = { readonly buffer: ValueId; readonly offset: number } | 'scratch' | 'null';

export interface CpuCall {
  readonly kernel: string;
  /** The parameter struct, as 32-bit words. */
  readonly params: readonly number[];
  readonly args: readonly CpuArg[];
  /** The function that tells the floats of scratch, where the kernel needs any. */
  readonly scratch?: string;
}

export interface CpuStep {
  readonly calls: readonly CpuCall[];
  readonly reads: readonly ValueId[];
  readonly writes: readonly ValueId[];
  /** Inputs whose memory an output may take, ending where it does or higher. */
  readonly overlaps: readonly { readonly input: ValueId; readonly output: ValueId }[];
}

function argOf(arg: KernelArg, { inputs, output }: ScheduledStep): CpuArg {
  if (arg.from === 'operand') return { buffer: inputs[arg.index]!, offset: arg.offset };
  if (arg.from === 'output') return { buffer: output, offset: arg.offset };
  return arg.from;
}

/** A scheduled step, as it is. */
export function cpuStep(step: ScheduledStep): CpuStep {
  const { plan, inputs, output } = step;
  const reads = [...new Set(inputs)];
  return {
    calls: plan.calls.map(({ kernel, params, args, scratch }) => ({
      kernel,
      params,
      args: args.map((arg) => argOf(arg, step)),
      ...(scratch !== undefined && { scratch }),
    })),
    reads,
    writes: [output],
    overlaps: reads
      .filter((input) => input !== output && overwritable(plan, inputs, input))
      .map((input) => ({ input, output })),
  };
}
