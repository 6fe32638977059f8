/**
 * trace.json: where each step's value lies on the device and which value of the int8 graph it is,
 * so that a host can read layers back and name them.
 */
import { formatFloat32 } from '../../core/float32.js';
import type { Shape } from '../../core/shape.js';
import { getValue, type ValueId } from '../../ir/graph.js';
import { type Lowered, stepOp, type Window } from '../../lower/lowered.js';

export interface TraceTensor {
  readonly value: ValueId;
  /** The name in the source. */
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: string;
  readonly scale: number;
  readonly zeroPoint: number;
  readonly window: Window;
}

export interface TraceStep {
  readonly index: number;
  /** The lowered value that the step computes. */
  readonly value: ValueId;
  readonly op: string;
  readonly kernel: string;
  readonly macs: number;
  readonly shape: Shape;
  readonly dtype: string;
  /** Valid until the next step runs. */
  readonly window: Window;
  /** The value of the int8 graph whose elements these are. */
  readonly source: ValueId;
  /** For each channel its channel in `source`; null: the same channels. */
  readonly channels: readonly number[] | null;
}

export interface Trace {
  readonly format: 1;
  readonly model: string;
  readonly arenaBytes: number;
  readonly inputs: readonly TraceTensor[];
  readonly outputs: readonly TraceTensor[];
  readonly steps: readonly TraceStep[];
}

function tensor({ graph, windows }: Lowered, id: ValueId): TraceTensor {
  const { name, shape, dtype, quant } = getValue(graph, id);
  return {
    value: id,
    name,
    shape,
    dtype,
    scale: Number(formatFloat32(quant?.scale[0] ?? 1)),
    zeroPoint: quant?.zeroPoint[0] ?? 0,
    window: windows.get(id)!,
  };
}

/** The trace of a lowered graph. */
function buildTrace(lowered: Lowered): Trace {
  const { graph } = lowered;
  return {
    format: 1,
    model: graph.name,
    arenaBytes: lowered.arenaBytes,
    inputs: graph.inputs.map((id) => tensor(lowered, id)),
    outputs: graph.outputs.map((id) => tensor(lowered, id)),
    steps: lowered.steps.map(({ node, kernel, macs, window, source, channels }, index) => {
      const { shape, dtype } = getValue(graph, node.output);
      return {
        index,
        value: node.output,
        op: stepOp(lowered, index),
        kernel: kernel.name,
        macs,
        shape,
        dtype,
        window,
        source,
        channels: channels ?? null,
      };
    }),
  };
}

/** The text of trace.json. */
export const traceJson = (lowered: Lowered): string =>
  `${JSON.stringify(buildTrace(lowered), null, 1)}\n`;
