/**
 * The op table: every op that a graph can hold, with its meaning, inputs, attributes, shape rule
 * and stages. All other tables (gradients, kernels, quantization, export) are keyed by it.
 *
 * Layouts: activations [N, H, W, C]; conv weights [OC, KH, KW, IC]; depthwise weights
 * [1, KH, KW, C * M]; dense weights [O, I].
 */
import type { AttrsOf } from './attributes.js';
import { floatOps } from './float-ops.js';
import { integerOps } from './integer-ops.js';
import type { OpSpec } from './op-spec.js';
import { trainOps } from './train-ops.js';

export const ops = { ...integerOps, ...floatOps, ...trainOps } as const;

export type OpName = keyof typeof ops;
/** An op that a device can run. */
export type IntegerOp = keyof typeof integerOps;
type SchemaOf<O extends OpName> = (typeof ops)[O] extends OpSpec<infer S> ? S : never;
/** The attributes of an op. */
export type OpAttrs<O extends OpName> = AttrsOf<SchemaOf<O>>;

/** A table with one rule per op; the compiler rejects a table that lacks one. */
export type OpTable<Rule> = Readonly<Record<OpName, Rule>>;

/** One rule for all ops of a part of the table, to be spread into an OpTable. */
const oneRule =
  <Part extends object>(part: Part) =>
  <Rule>(rule: Rule): { readonly [O in keyof Part]: Rule } =>
    Object.fromEntries(Object.keys(part).map((op) => [op, rule])) as never;

/** The same rule for every op that has no int8 form and is not for training alone. */
export const everyFloatOp = oneRule(floatOps);
/** The same rule for every op that only training graphs hold. */
export const everyTrainOp = oneRule(trainOps);

export const isOpName = (text: string): text is OpName => Object.hasOwn(ops, text);
export const isIntegerOp = (op: OpName): op is IntegerOp => Object.hasOwn(integerOps, op);

/** The table's entry of an op, with the attribute type widened for code that serves every op. */
export const opSpec = (name: OpName): OpSpec => ops[name] as unknown as OpSpec;
