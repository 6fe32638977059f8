/**
 * What the layer functions pass to each other: a value of the graph under construction.
 *
 * Shapes here leave the batch out; the graph's shapes include it, with N = 1.
 */
import { BadInputError } from '../core/errors.js';
import { elements, formatShape, type Shape } from '../core/shape.js';
import type { GraphBuilder, ValueOptions } from '../ir/build-graph.js';
import type { ValueId } from '../ir/graph.js';
import type { OpAttrs, OpName } from '../ir/ops.js';
import { type Initializer, initializers } from './initialize.js';

/** A model under construction; one per call of `Model.graph`. */
export interface Context {
  readonly model: string;
  /** Null: weights stay 0. */
  readonly seed: number | null;
  readonly builder: GraphBuilder;
  /** Layers so far, by kind. */
  readonly counts: Map<string, number>;
  /** Parameters so far: each draws its initial values from a stream of its own. */
  parameters: number;
}

/** The output of a layer. `shape` is without the batch: [height, width, channels], [features]. */
export interface Tensor {
  readonly id: ValueId;
  readonly shape: Shape;
  readonly context: Context;
}

export interface LayerOptions {
  /** The layer's name; default: its kind and number, as in `conv1`. */
  readonly name?: string;
}

/** A model that cannot be built, naming the layer. Exit code 3. */
export const layerError = (layer: string, message: string, hint: string): BadInputError =>
  new BadInputError(`${layer}: ${message}`, { hint });

const namePattern = /^[A-Za-z_][A-Za-z0-9_.]*$/;

/** The name of a new layer: the given one, or the kind with the next free number. */
export function layerName(context: Context, kind: string, options: LayerOptions): string {
  const { values } = context.builder;
  const { name } = options;
  if (name !== undefined) {
    if (typeof name !== 'string' || !namePattern.test(name)) {
      const hint = "Use letters, digits, '_' and '.', beginning with a letter.";
      throw layerError(kind, `the name ${JSON.stringify(name)} is not allowed`, hint);
    }
    if (values.has(name))
      throw layerError(name, 'two layers have this name', 'Rename one of them.');
    return name;
  }
  for (;;) {
    const n = (context.counts.get(kind) ?? 0) + 1;
    context.counts.set(kind, n);
    if (!values.has(`${kind}${n}`)) return `${kind}${n}`;
  }
}

/** What a wrong argument looks like in a message. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value));
}

/** Requires that an argument is a tensor of a model under construction. */
export function requireTensor(layer: string, x: unknown): asserts x is Tensor {
  const tensor = x as Tensor | undefined;
  if (typeof tensor === 'object' && tensor?.context?.builder?.values.has(tensor.id)) return;
  throw layerError(
    layer,
    `expected a tensor, got ${describe(x)}`,
    'Give the output of input(...) or of another layer; it comes first.',
  );
}

/** Requires a rank, the batch not counted. */
export function requireRankOf(layer: string, x: Tensor, rank: number): void {
  if (x.shape.length === rank) return;
  const names = ['[]', '[features]', '[length, channels]', '[height, width, channels]'];
  const wanted = names[rank]!;
  const hint = rank === 1 ? 'Put flatten(...) before it.' : 'Put reshape(...) before it.';
  throw layerError(layer, `the input is ${formatShape(x.shape)}, expected ${wanted}`, hint);
}

/** Requires a whole number of at least `least`. */
export function requireCount(layer: string, what: string, value: unknown, least = 1): number {
  if (Number.isInteger(value) && (value as number) >= least) return value as number;
  throw layerError(
    layer,
    `${what} must be a whole number of at least ${least}, got ${describe(value)}`,
    'Check the arguments of this layer: required ones in order, then one object of options.',
  );
}

/** Requires a number within [low, high). */
export function requireNumber(
  layer: string,
  what: string,
  value: unknown,
  low: number,
  high = Number.POSITIVE_INFINITY,
): number {
  if (typeof value === 'number' && value >= low && value < high) return Math.fround(value);
  const range = high === Number.POSITIVE_INFINITY ? `${low} or more` : `from ${low} up to ${high}`;
  throw layerError(layer, `${what} must be ${range}, got ${describe(value)}`, 'Change the value.');
}

/** Requires that two tensors belong to one model. */
export function requireSameModel(layer: string, a: Tensor, b: Tensor): void {
  if (a.context === b.context) return;
  const hint = 'Make all layers inside the function given to model(...).';
  throw layerError(layer, 'its operands belong to two different models', hint);
}

/** Adds a node to the graph and returns its output. */
export function addLayer<O extends OpName>(
  context: Context,
  op: O,
  inputs: readonly ValueId[],
  attrs: OpAttrs<O>,
  name: string,
): Tensor {
  const id = context.builder.add(op, inputs, attrs, { id: name });
  return { id, shape: context.builder.values.get(id)!.shape.slice(1), context };
}

/** Adds a trainable parameter, `layer.suffix`, with initial values drawn from its own stream. */
export function addParameter(
  context: Context,
  id: string,
  shape: Shape,
  initializer: Initializer,
  fan: { readonly in: number; readonly out: number } = { in: 1, out: 1 },
): ValueId {
  requireFree(context, id);
  const stream = context.parameters++;
  const { seed } = context;
  const count = elements(shape);
  const data =
    seed === null ? new Float32Array(count) : initializers[initializer](count, fan, seed, stream);
  const options: ValueOptions = { id, trainable: true };
  return context.builder.constant({ shape, dtype: 'f32' }, data, options);
}

/** Adds a statistic that training updates, `layer.suffix`. */
export function addStatistic(context: Context, id: string, size: number, value: number): ValueId {
  requireFree(context, id);
  const data = new Float32Array(size).fill(value);
  return context.builder.state({ shape: [size], dtype: 'f32' }, data, { id });
}

function requireFree(context: Context, id: string): void {
  if (context.builder.values.has(id)) {
    throw layerError(id, 'this name is taken by a layer', 'Rename the layer that uses it.');
  }
}
