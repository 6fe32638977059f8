/** The losses of worked examples, with their reductions. */
import type { AnyArray } from '../../host/core/dtype.js';
import { elements, type Shape } from '../../host/core/shape.js';
import type { Engine } from '../../host/engine/engine.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import type { Graph, ValueId } from '../../host/ir/graph.js';
import { type Example, fail, fieldsOf, type Tensor } from './example.js';
import { execute, outputOf } from './networks.js';

type LossOp = 'softmaxCrossEntropy' | 'sigmoidCrossEntropy' | 'meanSquares' | 'sumSquares';

const losses: Readonly<Record<string, LossOp>> = {
  softmaxcrossentropy: 'softmaxCrossEntropy',
  softmaxcrossentropywithlogits: 'softmaxCrossEntropy',
  sparsesoftmaxcrossentropy: 'softmaxCrossEntropy',
  sigmoidcrossentropy: 'sigmoidCrossEntropy',
  sigmoidcrossentropywithlogits: 'sigmoidCrossEntropy',
  meansquares: 'meanSquares',
  meansquare: 'meanSquares',
  sumsquare: 'sumSquares',
  meansquarederror: 'meanSquares',
  mse: 'meanSquares',
  meanofsquares: 'meanSquares',
  sumsquares: 'sumSquares',
  sumofsquares: 'sumSquares',
};

export const isLoss = (op: string): boolean => Object.hasOwn(losses, op);

interface Operands {
  readonly logits: Tensor;
  readonly target: Tensor;
}

/** Prediction and target: the first two inputs; squares of one input have the target 0. */
function operandsOf(example: Example): Operands & { readonly name: string } {
  const entries = Object.entries(fieldsOf({ inputs: example.inputs }).tensors);
  const isTarget = (name: string) => /^(label|target)/.test(name);
  const [name, logits] = entries.find(([key]) => !isTarget(key)) ?? fail('the case has no input');
  const target = entries.find(([key]) => key !== name)?.[1];
  return { name, logits, target: target ?? { ...logits, data: logits.data.map(() => 0) } };
}

/** Rows of the last axis. */
function asRows({ shape, data }: Tensor): Tensor {
  const columns = shape.at(-1) ?? 1;
  return { shape: [elements(shape) / columns, columns], data };
}

function lossOf(op: LossOp, name: string, logits: Tensor, target: Tensor, factor: number) {
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
  if (typeof reduction === 'string') return reduction;
  const isList = example.kind === 'forward' && outputOf(example.expect).data.length > 1;
  return isList ? 'none' : op === 'sumSquares' ? 'sum' : 'mean';
}

function factorOf(example: Example, op: LossOp, logits: Tensor): number {
  const reduction = reductionOf(example, op);
  if (reduction === 'sum') return terms(op, logits);
  if (reduction !== 'mean') fail(`there is no reduction ${reduction}`);
  return op === 'sumSquares' ? 1 / elements(logits.shape) : 1;
}

/** The loss as a graph of one output. */
export function lossGraph(
  example: Example,
  name: string,
): { readonly graph: Graph; readonly feeds: Map<ValueId, AnyArray> } {
  const op = losses[name]!;
  const { logits, target, name: id } = operandsOf(example);
  return lossOf(op, id, logits, target, factorOf(example, op, logits));
}

/** The loss of a case; with the reduction 'none' one by one. */
export function lossOfCase(engine: Engine, example: Example, name: string): Tensor {
  const op = losses[name]!;
  if (reductionOf(example, op) !== 'none') {
    const { graph, feeds } = lossGraph(example, name);
    return execute(engine, graph, feeds)[0]!;
  }
  const { logits, target } = operandsOf(example);
  const shape = op === 'softmaxCrossEntropy' ? logits.shape.slice(0, -1) : logits.shape;
  const count = elements(shape);
  const part = ({ data }: Tensor, i: number): Tensor => {
    const n = data.length / count;
    return { shape: [n], data: data.slice(i * n, (i + 1) * n) };
  };
  const data = Array.from({ length: count }, (_, i) => {
    const { graph, feeds } = lossOf(op, 'x', part(logits, i), part(target, i), 1);
    return execute(engine, graph, feeds)[0]!.data[0]!;
  });
  return { shape, data };
}
