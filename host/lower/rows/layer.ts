/**
 * A layer that is computed row by row by the kernels that compute whole images: each row is an image
 * of one row. Rows near the upper and lower edge have fewer rows of the operand and explicit padding,
 * so there are a few classes of rows with parameters of their own.
 */
import type { AnyArray } from '../../core/dtype.js';
import { borderClass, borderOf } from '../../ir/border.js';
import { type Graph, getData, getValue, type Value, type ValueId } from '../../ir/graph.js';
import type { Kernel, RowClass, RowLayer, Target } from '../lowered.js';
import type { StepNode } from '../lowered-ops.js';
import { selectKernel } from '../select/select.js';
import { type Clip, clipRows, rowAttrs, rowWindows } from './rules.js';

/** The class of a row whose outputs have biases of their own (host/ir/border.ts). */
function borderRow(graph: Graph, node: StepNode, row: number): number {
  const border = borderOf(node);
  if (!border) return 0;
  const rows = getValue(graph, node.output).shape[1]!;
  return borderClass([border[0], border[1], 0, 0], [rows, 1], row, 0);
}

type Shapes = Map<ValueId, Value>;

function setRows(graph: Graph, values: Shapes, id: ValueId, rows: number): void {
  const value = getValue(graph, id);
  const [n, , ...rest] = value.shape as [number, number, number, number];
  values.set(id, { ...value, shape: [n, rows, ...rest] });
}

/** The biases of one row, where rows have biases of their own. */
function ownBias(graph: Graph, node: StepNode, row: number) {
  const border = borderOf(node);
  if (!border) return { node, values: [], data: [] };
  const bias = getValue(graph, node.inputs[2]!);
  const [, columns, channels] = bias.shape as [number, number, number];
  const [at, length] = [borderRow(graph, node, row), columns * channels];
  const id = `${bias.id}.row${at}`;
  const own = (getData(graph, bias.id) as Int32Array).slice(at * length, (at + 1) * length);
  const [x, w] = node.inputs as readonly [ValueId, ValueId];
  const attrs = { ...node.attrs, border: [0, 0, border[2], border[3]] };
  return {
    node: { ...node, inputs: [x, w, id], attrs } as StepNode,
    values: [[id, { ...bias, id, shape: [1, columns, channels] }] as const],
    data: [[id, own as AnyArray] as const],
  };
}

/** A node as it computes row `row`: over the rows of its operands that this one reads. */
function oneRow(
  graph: Graph,
  whole: StepNode,
  windows: RowLayer['windows'],
  row: number,
): Omit<RowClass, 'kernel' | 'first'> {
  const { node, values: own, data } = ownBias(graph, whole, row);
  const values: Shapes = new Map([...graph.values, ...own]);
  let clip: Clip | undefined;
  for (const [id, window] of windows) {
    const existing = clipRows(window, row, getValue(graph, id).shape[1]!);
    clip ??= existing;
    setRows(graph, values, id, existing.count);
  }
  setRows(graph, values, node.output, 1);
  const attrs = rowAttrs(node, clip!);
  return {
    graph: { ...graph, values, data: new Map([...graph.data, ...data]) },
    node: { ...node, attrs } as StepNode,
  };
}

/** What the parameters of a row depend on. */
function keyOf(graph: Graph, node: StepNode, windows: RowLayer['windows'], row: number): string {
  const clips = [...windows].map(([id, window]) => {
    const { count, above } = clipRows(window, row, getValue(graph, id).shape[1]!);
    return [count, above];
  });
  return JSON.stringify([clips, borderRow(graph, node, row)]);
}

/** Whether a window op has rows that read nothing but padding; kernels are not written for these. */
const readsNothing = (graph: Graph, node: StepNode, windows: RowLayer['windows']): boolean => {
  const rows = getValue(graph, node.output).shape[1]!;
  return [...windows].some(
    ([id, window]) =>
      window.span > 1 &&
      Array.from({ length: rows }, (_, row) => row).some(
        (row) => clipRows(window, row, getValue(graph, id).shape[1]!).count === 0,
      ),
  );
};

/** One kernel for all classes: that of the core if it is the same for each, else the portable one. */
function kernelsOf(
  rows: readonly Omit<RowClass, 'kernel'>[],
  target: Target,
  bounds: readonly number[] | undefined,
): Kernel[] {
  const select = (on: Target) =>
    rows.map(({ graph, node }) => selectKernel(graph, node, on, bounds));
  const chosen = select(target);
  const alike = chosen.every(({ name }) => name === chosen[0]!.name);
  return alike ? chosen : select({ ...target, arch: 'ref' });
}

/**
 * How a node is computed row by row; undefined where it cannot be.
 *
 * @param bounds of its accumulators, from their proof (lower/proof.ts)
 */
export function rowLayer(
  graph: Graph,
  node: StepNode,
  target: Target,
  bounds: readonly number[] | undefined,
): RowLayer | undefined {
  const windows = rowWindows(graph, node);
  if (!windows || readsNothing(graph, node, windows)) return undefined;
  const rows = getValue(graph, node.output).shape[1]!;
  const found: Omit<RowClass, 'kernel'>[] = [];
  let last: string | undefined;
  for (let row = 0; row < rows; row++) {
    const key = keyOf(graph, node, windows, row);
    if (key !== last) found.push({ first: row, ...oneRow(graph, node, windows, row) });
    last = key;
  }
  const kernels = kernelsOf(found, target, bounds);
  return { node, windows, classes: found.map((each, i) => ({ ...each, kernel: kernels[i]! })) };
}
