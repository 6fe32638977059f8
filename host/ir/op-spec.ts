/**
 * What the op table says of an op, and the checks that its shape rules share.
 */
import type { DType } from '../core/dtype.js';
import { BadInputError } from '../core/errors.js';
import { elements, formatShape, type Shape } from '../core/shape.js';
import type { AttrSchema, AttrsOf } from './attributes.js';

/**
 * Where a graph stands in the pipeline. `float`: as built or imported; `train`: with gradients,
 * updates and loss; `int8`: quantized; `lowered`: quantized and prepared for one target.
 */
export const stages = ['float', 'train', 'int8', 'lowered'] as const;
export type Stage = (typeof stages)[number];

export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

export interface OpSpec<S extends AttrSchema = AttrSchema> {
  /** What the op computes, as a formula over its inputs. */
  readonly summary: string;
  /** Names of the inputs. `b?` may be absent, `x...` stands for one or more. */
  readonly inputs: readonly string[];
  readonly attrs: S;
  /** Attributes that lowering adds: earlier stages have none of them. */
  readonly loweredAttrs?: readonly string[];
  readonly stages: readonly Stage[];
  /** The type of the output; throws BadInputError when the inputs do not fit. */
  infer(inputs: readonly TensorType[], attrs: AttrsOf<S>): TensorType;
  /** Multiply-accumulates of one execution; 0 where absent. */
  macs?(inputs: readonly TensorType[], output: TensorType, attrs: AttrsOf<S>): number;
}

export const everywhere: readonly Stage[] = ['float', 'train', 'int8', 'lowered'];
export const floatOnly: readonly Stage[] = ['float', 'train'];
export const trainOnly: readonly Stage[] = ['train'];
export const integerOnly: readonly Stage[] = ['int8', 'lowered'];

/** Raises BadInputError unless the condition holds; the verifier adds the op and value. */
export function demand(condition: boolean, message: string, hint: string): asserts condition {
  if (!condition) throw new BadInputError(message, { hint });
}

/** Requires an input of a rank. */
export function requireRank(name: string, type: TensorType, rank: number): void {
  demand(
    type.shape.length === rank,
    `${name} has shape ${formatShape(type.shape)}, expected rank ${rank}`,
    'Insert a reshape or flatten, or check the layer before this one.',
  );
}

/** Fixes the type of an op's attributes where the op is written. */
export const op = <const S extends AttrSchema>(spec: OpSpec<S>): OpSpec<S> => spec;

/** An element-by-element op of one operand. */
export const unary = <const S extends AttrSchema>(
  summary: string,
  where: readonly Stage[],
  attrs: S,
): OpSpec<S> =>
  op({
    summary,
    inputs: ['x'],
    attrs,
    stages: where,
    infer: ([x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  });

export const windowAttrs = { stride: 'pair', pad: 'quad', dilation: 'pair' } as const;
export const poolAttrs = { size: 'pair', stride: 'pair', pad: 'quad' } as const;

/** Output elements times the weights that one output element sees. */
export const windowMacs = (perOutput: number, output: TensorType): number =>
  elements(output.shape) * perOutput;
