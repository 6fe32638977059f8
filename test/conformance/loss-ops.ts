/** The losses of worked examples, with their reductions. */
import type { AnyArray } from '../../host/core/dtype.js';
import { elements, type Shape } from '../../host/core/shape.js';
import type { Engine } from '../../host/engine/engine.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import type { Graph, ValueId } from '../../host/ir/graph.js';
import {
  type Example,
  type Fields,
  fail,
  fieldsOf,
  operandsOf,
  pick,
  plainName,
  type Tensor,
} from './example.js';
import { execute, gradientsOf, outputOf, upstreamOf } from './networks.js';

type LossOp = 'softmaxCrossEntropy' | 'sigmoidCrossEntropy' | 'meanSquares' | 'sumSquares';

/** By their names without `withLogits`, `v2`, `loss`, `error` and `of`. */
const losses: Readonly<Record<string, LossOp>> = {
  softmaxcrossentropy: 'softmaxCrossEntropy',
  sparsesoftmaxcrossentropy: 'softmaxCrossEntropy',
  categoricalcrossentropy: 'softmaxCrossEntropy',
  sigmoidcrossentropy: 'sigmoidCrossEntropy',
  ...{ meansquare: 'meanSquares', meansquares: 'meanSquares', meansquared: 'meanSquares' },
  ...{ mse: 'meanSquares', squaredmean: 'meanSquares' },
  ...{ sumsquare: 'sumSquares', sumsquares: 'sumSquares', sumsquared: 'sumSquares' },
  ...{ squared: 'sumSquares', sse: 'sumSquares', residualsumsquares: 'sumSquares' },
};

/** The loss that a name means; undefined where it means none. */
export function lossNamed(name: string): LossOp | undefined {
  const plain = plainName(name).replace(/withlogits|v2$|loss$|errors?|(?<=mean|sum)of/g, '');
  return Object.hasOwn(losses, plain) ? losses[plain] : undefined;
}

export const isLoss = (op: string): boolean => lossNamed(op) !== undefined;

interface Operands {
  readonly logits: Tensor;
  readonly target: Tensor;
}

/** Distributions with a part s of them spread over all classes. */
function smoothed(target: Tensor, { attrs }: Fields): Tensor {
  const s = Number(pick(attrs, 'labelSmoothing', 'label_smoothing', 'smoothing') ?? 0);
  const classes = target.shape.at(-1) ?? 1;
  return { ...target, data: target.data.map((v) => (1 - s) * v + s / classes) };
}

/** Whether the classes lie on the first of two axes. */
function hasClassesFirst(example: Example, { shape }: Tensor): boolean {
  const axis = pick(fieldsOf(example).attrs, 'axis', 'dim');
  return shape.length === 2 && (axis === 0 || axis === -2);
}

/** A matrix with its axes swapped, where it is to be. */
function swapped(matrix: Tensor, swap: boolean): Tensor {
  const [rows, columns] = matrix.shape as [number, number];
  if (!swap || matrix.shape.length !== 2) return matrix;
  const at = (i: number) => matrix.data[(i % rows) * columns + Math.floor(i / rows)]!;
  return { shape: [columns, rows], data: matrix.data.map((_, i) => at(i)) };
}

/** Prediction and target: the first two inputs; squares of one input have the target 0. */
function lossOperands(example: Example): Operands & { readonly name: string } {
  const entries = operandsOf(example);
  const isTarget = (name: string) => /^(label|target)/i.test(name);
  const [name, given] = entries.find(([key]) => !isTarget(key)) ?? fail('the case has no input');
  const swap = hasClassesFirst(example, given);
  const logits = swapped(given, swap);
  const target = entries.find(([key]) => key !== name)?.[1];
  const zeros = { ...logits, data: logits.data.map(() => 0) };
  return {
    name,
    logits,
    target: target ? smoothed(swapped(target, swap), fieldsOf(example)) : zeros,
  };
}

/** Rows of the last axis. */
function asRows({ shape, data }: Tensor): Tensor {
  const columns = shape.at(-1) ?? 1;
  return { shape: [elements(shape) / columns, columns], data };
}

/** A loss as a graph whose first input is the prediction. */
function lossOf(
  op: LossOp,
  name: string,
  logits: Tensor,
  target: Tensor,
  factor: number,
): LossGraph {
  const g = buildGraph({ name: 'loss', stage: 'train' });
  const rows = asRows(logits);
  const x = g.input({ shape: rows.shape, dtype: 'f32' }, { id: name });
  const classes = op === 'softmaxCrossEntropy' && elements(target.shape) !== elements(rows.shape);
  const shape: Shape = classes ? [rows.shape[0]!] : rows.shape;
  const t = g.input({ shape, dtype: classes ? 's32' : 'f32' }, { id: 'target' });
  const kind = op === 'softmaxCrossEntropy' && !classes ? 'softCrossEntropy' : op;
  const loss = g.add('scale', [g.add(kind, [x, t], {})], { factor });
  const data = classes ? Int32Array.from(target.data) : Float32Array.from(target.data);
  const feeds = new Map<ValueId, AnyArray>([
    [x, Float32Array.from(logits.data)],
    [t, data],
  ]);
  return { graph: g.finish([loss]), feeds };
}

/** What the graph's mean is multiplied by to give the sum. */
const terms = (op: LossOp, { shape }: Tensor): number =>
  op === 'softmaxCrossEntropy'
    ? elements(shape.slice(0, -1))
    : op === 'sumSquares'
      ? 1
      : elements(shape);

/** The reduction of a case; where it names none, what it expects tells whether there is one. */
function reductionOf(example: Example, op: LossOp): string {
  const { reduction } = fieldsOf(example).attrs;
  if (typeof reduction === 'string') return plainName(reduction).replace(/^reduce/, '');
  const shown =
    example.kind === 'forward' ? outputOf(example.expect) : upstreamOf(fieldsOf(example));
  const isList = shown !== undefined && shown.data.length > 1;
  return isList ? 'none' : op === 'sumSquares' ? 'sum' : 'mean';
}

function factorOf(example: Example, op: LossOp, logits: Tensor): number {
  const reduction = reductionOf(example, op);
  if (reduction === 'sum') return terms(op, logits);
  if (reduction !== 'mean') fail(`there is no reduction ${reduction}`);
  return op === 'sumSquares' ? 1 / elements(logits.shape) : 1;
}

interface LossGraph {
  readonly graph: Graph;
  readonly feeds: Map<ValueId, AnyArray>;
}

/** The loss as a graph of one output. */
function lossGraph(example: Example, op: LossOp): LossGraph {
  const { logits, target, name } = lossOperands(example);
  return lossOf(op, name, logits, target, factorOf(example, op, logits));
}

/** Rows of which each has a loss of its own. */
function partsOf(op: LossOp, { logits, target }: Operands) {
  const shape = op === 'softmaxCrossEntropy' ? logits.shape.slice(0, -1) : logits.shape;
  const count = elements(shape);
  const part = ({ data }: Tensor, i: number): Tensor => {
    const n = data.length / count;
    return { shape: [n], data: data.slice(i * n, (i + 1) * n) };
  };
  const list = Array.from({ length: count }, (_, i) => [part(logits, i), part(target, i)] as const);
  return { shape, list };
}

/** The gradient of a case's loss for its prediction; without reduction that of upstream loss. */
function predictionGradient(engine: Engine, example: Example, op: LossOp): Tensor {
  const operands = lossOperands(example);
  const dy = upstreamOf(fieldsOf(example));
  const one = (loss: LossGraph, upstream: Tensor | undefined) =>
    gradientsOf(engine, loss.graph, loss.feeds, upstream, loss.graph.inputs.slice(0, 1))[0]!.data;
  const { shape } = operands.logits;
  if (reductionOf(example, op) !== 'none') return { shape, data: one(lossGraph(example, op), dy) };
  const data = partsOf(op, operands).list.flatMap(([logits, target], i) =>
    one(lossOf(op, 'x', logits, target, 1), dy && { shape: [], data: [dy.data[i]!] }),
  );
  return { shape, data };
}

/** The gradients of a case's loss: for its prediction, and of squares for the target too. */
export function lossGradients(engine: Engine, example: Example, name: string): Map<string, Tensor> {
  const op = lossNamed(name)!;
  const { name: prediction, logits } = lossOperands(example);
  const found = predictionGradient(engine, example, op);
  const gradient = swapped(found, hasClassesFirst(example, logits));
  const isSquares = op === 'meanSquares' || op === 'sumSquares';
  const others = operandsOf(example).filter(([key]) => isSquares && key !== prediction);
  const turned = { ...gradient, data: gradient.data.map((v) => -v) };
  return new Map([
    [prediction.toLowerCase(), gradient],
    ...others.map(([key]) => [key.toLowerCase(), turned] as const),
  ]);
}

/** The loss of a case; with the reduction 'none' one by one. */
export function lossOfCase(engine: Engine, example: Example, name: string): Tensor {
  const op = lossNamed(name)!;
  const one = ({ graph, feeds }: LossGraph) => execute(engine, graph, feeds)[0]!;
  if (reductionOf(example, op) !== 'none') return one(lossGraph(example, op));
  const { shape, list } = partsOf(op, lossOperands(example));
  const data = list.map(([logits, target]) => one(lossOf(op, 'x', logits, target, 1)).data[0]!);
  return { shape, data };
}
